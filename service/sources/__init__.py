"""Sources of clips: one port, an adapter for each provider, and the copier that streams from any of them."""
