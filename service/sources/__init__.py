"""Where clips come from: one port, an adapter for each provider, and the copy that streams from any of them."""
