"""`python -m model compare`: networks or recipes trained and scored under one budget, in one table and one page."""
