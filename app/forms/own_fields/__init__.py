"""Fields that an admin adds to the records of the product: drawn as a form, kept beside them, compared by type."""
