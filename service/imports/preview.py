"""List a prefix for a caller before anything is created."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from service.errors import AccessDenied, CannotAccess, LimitExceeded, ObjectError, ObjectMissing, PreflightUnknown
from service.imports.access import SourceAccess
from service.planning import S3Uri, extension, is_folder_marker, parse_prefix_uri
from service.ports import Storage

SAMPLE_KEYS = 20
MAX_EXTENSIONS = 100
OTHER = "other"
"""Counts what comes after the first 100 extensions; no extension lacks its dot."""


@dataclass
class ExtensionTotal:
    count: int = 0
    bytes: int = 0


@dataclass
class Preview:
    """What lies under a prefix. Where `complete` is false, listing took too long: the figures mean "at least"."""

    root_path: str
    count: int = 0
    bytes: int = 0
    keys: list[str] = field(default_factory=list)
    """The first 20 keys."""
    by_extension: dict[str, ExtensionTotal] = field(default_factory=dict)
    complete: bool = True


def preview(
    root_path: str,
    *,
    storage: Storage,
    access: SourceAccess,
    max_clips: int,
    seconds: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> Preview:
    """List for at most `seconds`. Raises `InvalidUri`, `CannotAccess`, `LimitExceeded` or `PreflightUnknown`."""
    location = parse_prefix_uri(root_path)
    refusal = access.refusal(location.bucket)
    if refusal:
        raise CannotAccess(refusal)
    try:
        return _list(location, root_path, storage, max_clips, monotonic() + seconds, monotonic)
    except (AccessDenied, ObjectMissing) as error:
        raise CannotAccess(error.message) from error
    except ObjectError as error:
        raise PreflightUnknown(error.message) from error


def _list(
    location: S3Uri, root_path: str, storage: Storage, max_clips: int, deadline: float, monotonic: Callable[[], float]
) -> Preview:
    found = Preview(root_path)
    for page in storage.list_pages(location.bucket, location.key):
        for item in page:
            if is_folder_marker(item.key, item.size):
                continue
            found.count += 1
            found.bytes += item.size
            kind = extension(item.key)
            if kind not in found.by_extension and len(found.by_extension) >= MAX_EXTENSIONS:
                kind = OTHER
            total = found.by_extension.setdefault(kind, ExtensionTotal())
            total.count += 1
            total.bytes += item.size
            if len(found.keys) < SAMPLE_KEYS:
                found.keys.append(item.key)
        if found.count > max_clips:
            raise LimitExceeded(f"{location} holds more than {max_clips:,} objects, the limit of one import")
        if monotonic() > deadline:
            found.complete = False
            break
    return found
