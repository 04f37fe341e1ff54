"""Stationary extrapolation: which obstacle tracks stand still, and the rows that carry them over the whole clip."""
