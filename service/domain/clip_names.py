"""Names that clips take from their source URI or their data."""

from collections.abc import Mapping
from pathlib import PurePosixPath

VIDEO_EXTENSION = ".mp4"
"""Compared in lower case. The NomadicML endpoints accept only such objects where they are named one by one."""


def is_folder_marker(key: str, size: int) -> bool:
    """Consoles make empty objects named `folder/`: they are no clips."""
    return size == 0 and key.endswith("/")


def run_name(prefix: str | None, uri: str, set_name: str | None = None) -> str:
    """A clip's run: the prefix and the name of its set, else of the object without its extension."""
    return (prefix or "") + (set_name or stem(uri))


def gt_clip_id(uri: str, facts: Mapping[str, object] | None) -> str:
    """The clip id that content validation found; else the object's name without its extension."""
    found = (facts or {}).get("clip_id")
    return str(found) if found else stem(uri)


def stem(uri: str) -> str:
    """The object's name without its extension, as `PurePosixPath` has it, in a tenth of its time."""
    name = uri.rpartition("/")[2]
    if name in ("", "."):
        name = next((segment for segment in reversed(uri.split("/")) if segment not in ("", ".")), "")
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def extension(key: str) -> str:
    """Lower-case extension with its dot, empty where there is none."""
    return PurePosixPath(key).suffix.lower()
