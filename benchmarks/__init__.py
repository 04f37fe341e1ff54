"""Measurements. Nothing here is run by the tests, and no test asserts a time."""
