"""The manifest in the state bucket: its format and its store."""
