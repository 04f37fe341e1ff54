"""Our own HTTP client for S3's frequent requests: connections, signatures, rate limiter (docs/decisions/0060)."""
