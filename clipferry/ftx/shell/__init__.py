"""Stands in for `ftx.shell`."""
