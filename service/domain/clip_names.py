"""Names that clips take from their source URI or their data."""

from collections.abc import Mapping
from pathlib import PurePosixPath

VIDEO_EXTENSION = ".mp4"
"""Compared in lower case. The NomadicML endpoints accept only such objects where they are named one by one."""


RESULT_SUFFIX = ".stationary.parquet"
"""Ends the key of a clip's stationary extrapolation, which lies beside the clip."""
_SYSTEM_FILES = {".ds_store", "icon\r", "thumbs.db", "desktop.ini"}
_SYSTEM_FOLDER = "__macosx"


def is_no_clip(key: str, size: int) -> bool:
    """Whether tools left the object beside clips, so that listings and events leave it out.

    That is a folder marker of consoles (`folder/`) or Hadoop (`folder_$folder$`), a file of macOS or Windows, or the
    result of an extrapolation.
    """
    marker = size == 0 and key.endswith(("/", "_$folder$"))
    return marker or key.endswith(RESULT_SUFFIX) or is_system_file(key)


def is_system_file(name: str) -> bool:
    """Whether macOS or Windows added the file, which is then no clip and no part of one."""
    segments = name.casefold().split("/")
    return segments[-1].startswith("._") or segments[-1] in _SYSTEM_FILES or _SYSTEM_FOLDER in segments


def run_name(prefix: str | None, uri: str, set_name: str | None = None) -> str:
    """Return a clip's run name: the prefix, then the name of its set or of its object without the extension."""
    return (prefix or "") + (set_name or stem(uri))


def gt_clip_id(uri: str, facts: Mapping[str, object] | None, wanted: str | None) -> str:
    """Return the clip id that content validation found, else the one that the import wanted, else the object's name
    without its extension.
    """
    found = (facts or {}).get("clip_id")
    return str(found) if found else wanted or stem(uri)


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
