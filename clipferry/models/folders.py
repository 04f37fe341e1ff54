"""Folders."""

from dataclasses import dataclass

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Folder(Model):
    """A named place for the clips of imports."""

    id: str
    name: str
    scope: str
    """`user` or `org`."""
    created_at: str
    description: str | None = None
    created_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class CountedFolder(Folder):
    """A folder with the number of its clips."""

    clip_count: int
    """Copied and skipped clips of its newest 1,000 imports, without the clips that were deleted."""
