"""Catalogues: the small lists that a company keeps, such as channels, touchpoints and results of calls."""
