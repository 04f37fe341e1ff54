"""Stands in for `ftx.model`."""
