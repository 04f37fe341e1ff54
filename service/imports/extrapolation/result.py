"""The result for one layer."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Extrapolated:
    body: bytes
    """Parquet with the given layer's schema."""
    tracks: int
    stationary: int
    """Stationary tracks."""
    rows: int
    added: int
    """New rows among `rows`."""
