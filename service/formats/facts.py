"""What a check found out about a valid clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """Fields that do not apply to the format, or that cannot be known from the parts read, are None."""

    format: Literal["clipgt", "mp4"]

    clip_id: str | None = None
    layers: tuple[str, ...] | None = None
    """Known layers of the clip, sorted."""
    rows: Mapping[str, int] | None = None
    """Rows of the layers that were read, by layer."""
    cameras: tuple[str, ...] | None = None
    """Names of the `camera_{name}.json` files, sorted."""
    fingerprint: str | None = None
    """SHA-256 (hex) of the content: equal for clips of equal files."""

    duration_s: float | None = None
    """Of the first video track. None for a fragmented film whose fragments were not all looked at."""
    width: int | None = None
    height: int | None = None
    """Pixels as coded, of the first video track."""
    codec: str | None = None
    """Sample entry's four characters, such as `avc1`, `hvc1`, `av01`."""
    fragmented: bool | None = None
    tracks: tuple[str, ...] | None = None
    """Handler of each track in its order, such as `vide`, `soun`, `meta`."""
