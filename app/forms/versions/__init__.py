"""What became of a form from version to version; and what is done with it besides drawing: copy, file, retire."""
