"""What every feature stands on: database, clock, errors, rights, screens, API, audit. Knows no business word."""
