"""Files of customers, purchases and contacts that people bring along: looked through first, then written, undone."""
