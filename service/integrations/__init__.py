"""Saved access to buckets: made, tested and deleted by callers, chosen for a URI by rule (docs/decisions/0031)."""
