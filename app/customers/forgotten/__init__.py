"""Whom have we not spoken with for too long? Measured from the last contact of both sides, by value tier."""
