"""Stores for the tests, each on free ports of 127.0.0.1: real ones as processes, stand-ins as threads."""
