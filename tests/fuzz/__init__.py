"""Fuzzing that is run by hand: see docs/validation.md."""
