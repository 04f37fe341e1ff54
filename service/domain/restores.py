"""How often an import looks whether its archived sources are restored."""

LOOKS = 24
"""Looks in the time that the slowest restore takes at most: a restored clip waits some 4 percent longer than it must.
Each look costs a HEAD for each clip that waits, and an execution for each of their batches."""
SHORTEST_WAIT_SECONDS = 120


def look_seconds(hours: int) -> int:
    """Return the seconds between two looks at restores that take at most so many hours."""
    return max(SHORTEST_WAIT_SECONDS, hours * 3600 // LOOKS)
