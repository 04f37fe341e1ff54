"""Stationary extrapolation: extend the tracks of stationary obstacles over the whole clip."""
