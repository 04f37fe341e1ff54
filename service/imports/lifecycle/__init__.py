"""Start and end an attempt of an import."""
