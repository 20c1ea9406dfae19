"""The company itself: its name, its face, and when it works."""
