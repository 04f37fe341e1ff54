"""S3's frequent requests by an HTTP client of our own: connections, signatures, rate limit (docs/decisions/0060)."""
