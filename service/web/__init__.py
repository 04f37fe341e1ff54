"""Outgoing connections to servers that callers name. No other code opens such connections."""
