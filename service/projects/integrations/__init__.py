"""Saved access to buckets: create, test and delete it; choose the one that opens a URI."""
