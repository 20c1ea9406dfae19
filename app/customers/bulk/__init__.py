"""How are many customers changed in one go? Rows are chosen, fields are set, numbers are told, and it can be undone."""
