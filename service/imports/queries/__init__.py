"""Queries of imports, clips and videos."""
