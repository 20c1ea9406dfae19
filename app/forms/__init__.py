"""What does the company want to know? Forms that admins draw, their versions, and the answers given under them."""
