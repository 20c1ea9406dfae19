"""Members, teams, roles, row scopes and grants, sessions and sign-in."""
