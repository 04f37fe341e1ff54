"""What callers look at: imports, clips, videos."""
