"""Which customers have something in common? Segments: a condition over the list of customers, under a name."""
