"""How fast is the product with a large company's data, beside its peers in the same run? `make bench` prints it."""

#: everybody's in the made company
PASSWORD = "Sen-2026-thom"
