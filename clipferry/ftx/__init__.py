"""What Foretify's scripts import as `ftx`, for `clipferry ftx`: never installed under that name."""
