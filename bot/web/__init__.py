"""The web pages of `everbot run`: people see and correct what is remembered of them. `routes.py` has all of them,
`guard.py` what is true of each; docs/web.md is for whoever runs one."""
