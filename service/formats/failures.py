"""Why a clip is invalid or unchecked. Each `Reason` is a stable code; rows and docs show it with the error's sentence.

| reason | verdict | what was seen |
|---|---|---|
| EMPTY_FILE | invalid | the object has no bytes |
| GZIP_ENCODED | invalid | the object's bytes are gzip: it was uploaded with `Content-Encoding: gzip` |
| ZSTD_ENCODED | invalid | the object's bytes are Zstandard |
| TOO_MUCH_TO_READ | unchecked | the check needs more requests, bytes or work than `service.formats.limits` allows |
| NOT_A_ZIP | invalid | neither an end record nor the signature of a zip's first member |
| ZIP_TRUNCATED | invalid | begins like a zip, but the end record or a part of the directory is missing |
| ZIP_SPLIT | invalid | one disk of a split archive |
| ZIP_AMBIGUOUS | invalid | readers would disagree on the content: two end records, two archives, contradictory fields |
| ZIP_NEEDS_ZIP64 | invalid | larger than 4 GiB without zip64 records, as macOS Finder writes it |
| ZIP_CORRUPT_DIRECTORY | invalid | the central directory cannot be read |
| ZIP_DIRECTORY_TOO_LARGE | unchecked | the central directory is larger than `limits.MAX_DIRECTORY_BYTES` |
| ZIP_TOO_MANY_MEMBERS | unchecked | more than `limits.MAX_MEMBERS` members |
| ZIP_BOMB | invalid | the archive, or a layer, unpacks to more than `limits.MAX_RATIO` times its packed size |
| ZIP_UNSAFE_NAME | invalid | an absolute name, a name with `..`, or one with control characters |
| ZIP_DUPLICATE_NAME | invalid | two members of one name, upper and lower case being the same |
| ZIP_ENCRYPTED | invalid | a member or the directory is encrypted |
| ZIP_UNSUPPORTED_METHOD | invalid | a member is packed neither as stored nor as deflate |
| ZIP_SYMLINK | invalid | a member is a symbolic link, a device or a pipe |
| ZIP_OVERLAP | invalid | members share bytes, or a member runs into the directory |
| ZIP_CORRUPT_MEMBER | invalid | a member's local header, size, compressed data or CRC is wrong |
| CLIPGT_MISSING_LAYER | invalid | a required layer is missing |
| CLIPGT_MIXED_CLIPS | invalid | layers of more than one clip, or named and bare layers together |
| CLIPGT_MIXED_FOLDERS | invalid | layers in more than one folder |
| CLIPGT_WRONG_FOLDER | invalid | layers neither at the root nor below `<clip_id>/` or `clipgt/` |
| CLIPGT_LAYERS_TOO_LARGE | unchecked | the members to read unpack to more than `limits.MAX_UNPACKED_BYTES` |
| PARQUET_INVALID | invalid | a layer is no Parquet file, or its footer contradicts itself |
| PARQUET_FOOTER_TOO_LARGE | unchecked | a footer exceeds `limits.MAX_FOOTER_BYTES` or `limits.MAX_FOOTER_VALUES` |
| PARQUET_MISSING_COLUMN | invalid | a layer has no column of its own name |
| PARQUET_EMPTY | invalid | a required layer has no row, or only nulls |
| NOT_AN_MP4 | invalid | does not begin with a box of the MP4 family |
| MP4_TRUNCATED | invalid | a box runs past the object's end, or an index or a header names media that is missing |
| MP4_CORRUPT | invalid | a box that a player needs is missing or unreadable |
| MP4_TOO_MANY_BOXES | unchecked | more boxes, or boxes further apart, than a check may visit |
| MP4_TOO_MANY_FRAGMENTS | unchecked | the walk over the fragments stopped before the object's end |
| MP4_MOOV_TOO_LARGE | unchecked | the `moov` or a `moof` box is larger than a check may read |
| MP4_COMPRESSED_MOOV | unchecked | QuickTime's compressed movie header (`cmov`) is not unpacked |
| MP4_NO_MOOV | invalid | no `moov` box: the recording was never finished |
| MP4_NO_MDAT | invalid | no `mdat` box, or only empty ones |
| MP4_NO_VIDEO | invalid | no video track |
| MP4_NO_SAMPLES | invalid | the video track has no frames |
| MP4_NO_DURATION | invalid | the video's time scale is zero, or no header and no frame says how long it is |
| MP4_NO_DIMENSIONS | invalid | neither headers nor decoder configuration can tell width and height |
| MP4_NO_DECODER_CONFIG | invalid | `avc1` or `hvc1` video without its decoder configuration: no player opens it |
| MP4_ENCRYPTED | invalid | the video is encrypted |
| MP4_BAD_SAMPLES | invalid | the sample tables contradict each other (deep only) |
| MP4_BAD_OFFSETS | invalid | samples lie outside the `mdat` boxes (deep only) |

| note | what is odd, and harmless |
|---|---|
| ZIP_PREFIX | bytes come before the first member |
| ZIP_TRAILER | bytes follow the end record |
| ZIP_BACKSLASHES | names use `\\` as the separator |
| ZIP_UNICODE_PATH | a Unicode Path field gives a member another name than its header |
| SYSTEM_FILES_IGNORED | files that macOS or Windows added (`__MACOSX`, `._*`, `.DS_Store`, `Thumbs.db` …) |
| LAYERS_UNREAD | `structure` did not read every required layer: one read could not bring them all |
| MP4_NO_FTYP | no `ftyp` box; the standard reads it as brand `mp41` |
| MP4_TRAILER | bytes that are no box follow the last one |
| MP4_PADDING | a container ends with padding |
| MP4_REPEATED_MOOV | `moov` comes more than once; the first one counts |
| MP4_EDIT_LIST | the edit list shows another length than the frames have |
| MP4_GAP | the fragments' times jump |
| MP4_LATE_START | the first fragment's time is not 0: some players show the time before it as well |
| MP4_HEADER_DURATION | a header says another duration than the frames |
| MP4_HEADER_SIZE | the sample entry has no width and height; they come from the track header, or are unknown |
| MP4_TRACKS_DIFFER | the sound is longer or shorter than the video |
| MP4_SAMPLE_COUNT | a table has a few samples more or less than another |
| MP4_LONG_MDAT | `mdat` claims more bytes than there are; no frame lies in the missing part |
"""

from enum import StrEnum, auto
from typing import ClassVar

from service.domain.codes import ClipCode
from service.domain.errors import ClipferryError


class _Named(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, _start: int, _count: int, _last: list[str]) -> str:
        return name


class Reason(_Named):
    EMPTY_FILE = auto()
    GZIP_ENCODED = auto()
    ZSTD_ENCODED = auto()
    TOO_MUCH_TO_READ = auto()
    NOT_A_ZIP = auto()
    ZIP_TRUNCATED = auto()
    ZIP_SPLIT = auto()
    ZIP_AMBIGUOUS = auto()
    ZIP_NEEDS_ZIP64 = auto()
    ZIP_CORRUPT_DIRECTORY = auto()
    ZIP_DIRECTORY_TOO_LARGE = auto()
    ZIP_TOO_MANY_MEMBERS = auto()
    ZIP_BOMB = auto()
    ZIP_UNSAFE_NAME = auto()
    ZIP_DUPLICATE_NAME = auto()
    ZIP_ENCRYPTED = auto()
    ZIP_UNSUPPORTED_METHOD = auto()
    ZIP_SYMLINK = auto()
    ZIP_OVERLAP = auto()
    ZIP_CORRUPT_MEMBER = auto()
    CLIPGT_MISSING_LAYER = auto()
    CLIPGT_MIXED_CLIPS = auto()
    CLIPGT_MIXED_FOLDERS = auto()
    CLIPGT_WRONG_FOLDER = auto()
    CLIPGT_LAYERS_TOO_LARGE = auto()
    PARQUET_INVALID = auto()
    PARQUET_FOOTER_TOO_LARGE = auto()
    PARQUET_MISSING_COLUMN = auto()
    PARQUET_EMPTY = auto()
    NOT_AN_MP4 = auto()
    MP4_TRUNCATED = auto()
    MP4_CORRUPT = auto()
    MP4_TOO_MANY_BOXES = auto()
    MP4_TOO_MANY_FRAGMENTS = auto()
    MP4_MOOV_TOO_LARGE = auto()
    MP4_COMPRESSED_MOOV = auto()
    MP4_NO_MOOV = auto()
    MP4_NO_MDAT = auto()
    MP4_NO_VIDEO = auto()
    MP4_NO_SAMPLES = auto()
    MP4_NO_DURATION = auto()
    MP4_NO_DIMENSIONS = auto()
    MP4_NO_DECODER_CONFIG = auto()
    MP4_ENCRYPTED = auto()
    MP4_BAD_SAMPLES = auto()
    MP4_BAD_OFFSETS = auto()


class Note(_Named):
    ZIP_PREFIX = auto()
    ZIP_TRAILER = auto()
    ZIP_BACKSLASHES = auto()
    ZIP_UNICODE_PATH = auto()
    SYSTEM_FILES_IGNORED = auto()
    LAYERS_UNREAD = auto()
    MP4_NO_FTYP = auto()
    MP4_TRAILER = auto()
    MP4_PADDING = auto()
    MP4_REPEATED_MOOV = auto()
    MP4_EDIT_LIST = auto()
    MP4_GAP = auto()
    MP4_LATE_START = auto()
    MP4_HEADER_DURATION = auto()
    MP4_HEADER_SIZE = auto()
    MP4_TRACKS_DIFFER = auto()
    MP4_SAMPLE_COUNT = auto()
    MP4_LONG_MDAT = auto()


class Finding(ClipferryError):
    """A message about the content. `reason` is its stable code, `part` the member or box concerned.

    Only its two subclasses are raised.
    """

    code: ClassVar[str] = "CONTENT_FINDING"

    def __init__(self, reason: Reason, message: str, *, part: str | None = None) -> None:
        super().__init__(f"{shown(part)}: {message}" if part is not None else message)
        self.reason = reason
        self.part = part


class ContentInvalid(Finding):
    """The clip does not have the format that its name says. Another try gives the same result."""

    code: ClassVar[str] = "CONTENT_INVALID"


class ContentUnchecked(Finding):
    """The check reached a limit before it could decide. The clip may be fine."""

    code: ClassVar[str] = "CONTENT_UNCHECKED"


class UnknownFormat(ClipferryError):
    """Neither `.zip` nor `.mp4`: there is no check for it. The caller decides what to do."""

    code: ClassVar[str] = ClipCode.UNKNOWN_FORMAT


def shown(text: str) -> str:
    """Make a name from a hostile file safe for terminals and logs: ASCII without control characters, 200 characters."""
    plain = ascii(text if len(text) <= 200 else text[:200] + "...")[1:-1]
    return plain or "''"
