"""Who takes care of whom, and when? Care tasks for customers whom nobody has spoken with for too long."""
