"""Measurements, which the tests do not run, since no test asserts a time; and computed costs of imports (`costs`)."""
