"""Names that clips take from their source URI or their data."""

from collections.abc import Mapping
from pathlib import PurePosixPath

VIDEO_EXTENSION = ".mp4"
"""Compared in lower case. The NomadicML endpoints accept only such objects where they are named one by one."""


def is_folder_marker(key: str, size: int) -> bool:
    """Whether the object is an empty `folder/`, as consoles create them; it is not a clip."""
    return size == 0 and key.endswith("/")


def run_name(prefix: str | None, uri: str, set_name: str | None = None) -> str:
    """Return a clip's run name: the prefix, then the name of its set or of its object without the extension."""
    return (prefix or "") + (set_name or stem(uri))


def gt_clip_id(uri: str, facts: Mapping[str, object] | None) -> str:
    """Return the clip id that content validation found, or the object's name without its extension."""
    found = (facts or {}).get("clip_id")
    return str(found) if found else stem(uri)


def stem(uri: str) -> str:
    """Return the object's name without its extension: like `PurePosixPath(uri).stem`, in a tenth of the time."""
    name = uri.rpartition("/")[2]
    if name in ("", "."):
        name = next((segment for segment in reversed(uri.split("/")) if segment not in ("", ".")), "")
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def extension(key: str) -> str:
    """Return the lower-case extension with its dot, or an empty text."""
    return PurePosixPath(key).suffix.lower()
