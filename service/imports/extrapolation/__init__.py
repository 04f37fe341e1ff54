"""Stationary extrapolation: extend the tracks of obstacles that stand still over the whole clip."""
