"""As in `ftx.model`."""
