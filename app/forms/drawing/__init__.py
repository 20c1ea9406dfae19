"""The screen on which a form is drawn: palette, canvas, properties, preview. docs/forms.md says what comes of it."""
