"""Build the ports of each function: one container class a function, and helpers that several share in `state`,
`storage`, `sources`, `access` and `defaults`.

A container reads the function's typed environment and builds each part on its first use, then keeps it for the life of
the sandbox. A handler takes its container as an argument, so a test hands in one with fakes. A function's module
imports only what that function runs on, because all of it loads before the first request (decision 62).
"""
