"""Which adapters each function runs on: a module a function, and what several of them share in `state`, `storage`,
`sources`, `access` and `defaults`.

A function's module imports what that function needs and nothing else: all of it is imported before the first request
is answered (decision 62). Everything is made on first use and kept for the life of the sandbox.
"""
