"""How does the installation stand, and what is left to set up? The first page of those who look after it."""
