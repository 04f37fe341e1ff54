"""Stands in for `ftx._common`."""
