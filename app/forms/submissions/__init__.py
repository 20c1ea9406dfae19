"""What was filled in, by everybody: listed, read, corrected, locked, voided, counted. See docs/forms.md, submissions."""
