"""As in `ftx._common`."""
