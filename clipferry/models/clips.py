"""Clips of imports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipferry.decode import Model

SETTLED_STATUSES = frozenset({"COPIED", "SKIPPED", "FAILED", "CANCELLED"})
"""The statuses of a clip that the import has dealt with."""


@dataclass(frozen=True, kw_only=True)
class Clip(Model):
    """One clip of an import."""

    id: str
    """Identifies the clip within the service: `retry(clip_ids=...)` takes it."""
    status: str
    source_uri: str
    destination: str
    run_name: str
    clip_id: str
    """The id in the clip's own data, if content validation found one, else the one that an import by `clip_ids` wanted,
    else the object's name without its extension.

    `clips.find(clip_id=...)` takes it. Clips of several imports may share it."""
    original_clipgt_url: str
    """The source URI, under Foretify's name for it."""
    size: int | None = None
    etag: str | None = None
    verified: str | None = None
    """What shows that the copy equals its source: `checksum`, `etag` or `unverifiable`."""
    facts: Mapping[str, Any] | None = None
    """What content validation found in the clip."""
    code: str | None = None
    message: str | None = None
    view: str | None = None
    """Its role in a multi-view set."""
    set: str | None = None
    """The `id` of the set's front clip."""
    deleted_at: str | None = None
    """When this clip was deleted, without its import. `status` still says what the import did with it."""
    extrapolation: Mapping[str, Any] | None = None
    """The state of its stationary extrapolation, if the import requested one."""
    content: str | None = None
    """What content validation says: `valid`, `invalid` or `unchecked`; None if it did not look into the clip."""
    content_code: str | None = None
    """Why the clip is `unchecked`. For an `invalid` clip see `code` and `message`."""
    content_message: str | None = None
    overruled: Mapping[str, Any] | None = None
    """`code` and `message` of the failed check that a retry overruled."""
    source_deleted: bool | None = None
    """Whether the import deleted the source; None without `delete_source`, and until it is decided."""
    source_kept_code: str | None = None
    """Why an import with `delete_source` kept the source."""
    source_kept_message: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundClip(Clip):
    """A clip with its import's id, folder, labels and test run group."""

    import_id: str
    folder: str | None = None
    labels: tuple[str, ...] = ()
    test_run_group_name: str = ""


@dataclass(frozen=True, kw_only=True)
class ClipDetail(FoundClip):
    """A clip with all clips of its multi-view set."""

    views: tuple[Clip, ...] = ()
    """The front view first; empty if the clip is in no set."""


@dataclass(frozen=True, kw_only=True)
class ClipLink(Model):
    """A link to a clip's copy. It works without a key until `expires_at`, also for ranges of bytes."""

    url: str = field(repr=False)
    expires_at: str
    content_type: str
    """The content type that the answer has."""
