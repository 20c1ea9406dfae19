"""What stands in the audit log, for people: looked through, taken away, and erased where somebody has that right."""
