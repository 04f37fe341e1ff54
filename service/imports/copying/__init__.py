"""A batch becomes copies and rows."""
