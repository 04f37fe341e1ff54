"""What an extended layer comes to."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Extrapolated:
    body: bytes
    """Parquet with the given layer's schema."""
    tracks: int
    stationary: int
    """Tracks that stand still."""
    rows: int
    added: int
    """New rows among `rows`."""
