"""What was filled in, by everybody: listed, read, corrected, locked, voided, counted (docs/forms.md)."""
