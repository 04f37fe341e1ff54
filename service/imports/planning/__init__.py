"""A job becomes a manifest and batches."""
