"""Forms that anybody fills in without an account, behind a link of their own."""
