"""Checks for outgoing connections to URLs that callers give, and the connections themselves."""
