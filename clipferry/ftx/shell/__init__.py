"""As in `ftx.shell`."""
