"""How work runs through the company: processes, their versions, and the instances that run on them."""
