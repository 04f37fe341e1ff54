"""Folders."""

from dataclasses import dataclass

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Folder(Model):
    """A name that imports land under."""

    id: str
    name: str
    scope: str
    """`user` or `org`."""
    created_at: str
    description: str | None = None
    created_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class CountedFolder(Folder):
    clip_count: int
    """Clips that landed in it and were not deleted since."""
