"""Measurements, which the tests do not run: no test asserts a time. And what imports cost, by arithmetic (`costs`)."""
