"""Why a clip's content is refused. Each `Reason` is a stable code; docs and rows show it with the error's sentence.

| reason | what is wrong |
|---|---|
| EMPTY_FILE | the object has no bytes |
| TOO_MUCH_TO_READ | deciding would take more bytes than a check may read (`reader.MAX_TOTAL_BYTES`) |
| NOT_A_ZIP | neither an end record nor the signature of a zip's first member |
| ZIP_TRUNCATED | begins like a zip, but the end record is missing, or the directory does not lie where it says |
| ZIP_SPLIT | one disk of a split archive |
| ZIP_AMBIGUOUS | readers could disagree on what it holds: bytes before the first member or around the end record, two \
end records, zip64 values that contradict the others |
| ZIP_CORRUPT_DIRECTORY | the central directory cannot be read, or holds another number of members than the end says |
| ZIP_DIRECTORY_TOO_LARGE | the central directory is larger than `archive.MAX_DIRECTORY_BYTES` |
| ZIP_TOO_MANY_MEMBERS | more than `archive.MAX_MEMBERS` members |
| ZIP_BOMB | unpacks to over `archive.MAX_RATIO` times its packed size, or to over `archive.MAX_UNPACKED_BYTES` |
| ZIP_UNSAFE_NAME | a name that could leave its folder, or that different readers take for different files |
| ZIP_DUPLICATE_NAME | two members of one name, upper and lower case being the same |
| ZIP_ENCRYPTED | a member or the directory is encrypted |
| ZIP_UNSUPPORTED_METHOD | a member is packed neither as stored nor as deflate |
| ZIP_SYMLINK | a member is a symbolic link, a device or a pipe |
| ZIP_OVERLAP | members that share bytes, or that run into the directory |
| ZIP_CORRUPT_MEMBER | a member's local header, size, compressed data or CRC is wrong |
| CLIPGT_MISSING_LAYER | a required layer is not there |
| CLIPGT_MIXED_CLIPS | layers of more than one clip, or named and bare layers together |
| CLIPGT_MIXED_FOLDERS | layers in more than one folder |
| CLIPGT_WRONG_FOLDER | layers neither at the root nor below `<clip_id>/` or `clipgt/` |
| CLIPGT_LAYERS_TOO_LARGE | the layers to read unpack to more than `clipgt.MAX_LAYER_BYTES` |
| PARQUET_INVALID | a layer is no Parquet file, or its footer contradicts itself |
| PARQUET_MISSING_COLUMN | a layer has no column of its own name |
| PARQUET_EMPTY | a required layer has no row, or nothing but nulls |
| NOT_AN_MP4 | does not begin with a box of the MP4 family |
| MP4_TRUNCATED | a top-level box runs past the end of the object |
| MP4_CORRUPT | a box's size or content is impossible, or a box that must be there is not |
| MP4_TOO_MANY_BOXES | no way to the film's description within the reads and boxes of a check |
| MP4_MOOV_TOO_LARGE | the `moov` box is larger than one read may be |
| MP4_NO_FTYP | no `ftyp` box |
| MP4_NO_MOOV | no `moov` box: often a recording that was never finished |
| MP4_NO_MDAT | no `mdat` box, or only empty ones |
| MP4_NO_VIDEO | no video track |
| MP4_NO_SAMPLES | the video track has no frames |
| MP4_NO_DURATION | the video's time scale or duration is zero |
| MP4_NO_DIMENSIONS | the video's width or height is zero |
| MP4_ENCRYPTED | the video is encrypted |
| MP4_BAD_SAMPLES | the tables of samples contradict each other (deep only) |
| MP4_BAD_OFFSETS | samples lie outside the `mdat` boxes (deep only) |
"""

from enum import StrEnum, auto
from typing import ClassVar

from service.domain.errors import ClipferryError


class _Named(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, _start: int, _count: int, _last: list[str]) -> str:
        return name


class Reason(_Named):
    EMPTY_FILE = auto()
    TOO_MUCH_TO_READ = auto()
    NOT_A_ZIP = auto()
    ZIP_TRUNCATED = auto()
    ZIP_SPLIT = auto()
    ZIP_AMBIGUOUS = auto()
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
    PARQUET_MISSING_COLUMN = auto()
    PARQUET_EMPTY = auto()
    NOT_AN_MP4 = auto()
    MP4_TRUNCATED = auto()
    MP4_CORRUPT = auto()
    MP4_TOO_MANY_BOXES = auto()
    MP4_MOOV_TOO_LARGE = auto()
    MP4_NO_FTYP = auto()
    MP4_NO_MOOV = auto()
    MP4_NO_MDAT = auto()
    MP4_NO_VIDEO = auto()
    MP4_NO_SAMPLES = auto()
    MP4_NO_DURATION = auto()
    MP4_NO_DIMENSIONS = auto()
    MP4_ENCRYPTED = auto()
    MP4_BAD_SAMPLES = auto()
    MP4_BAD_OFFSETS = auto()


class ContentInvalid(ClipferryError):
    """The clip's bytes are not what its name promises, and no second try will change that.

    `reason` is the stable code of the kind; the message is a sentence that names the member or the box (`part`).
    """

    code: ClassVar[str] = "CONTENT_INVALID"

    def __init__(self, reason: Reason, message: str, *, part: str | None = None) -> None:
        super().__init__(f"{shown(part)}: {message}" if part is not None else message)
        self.reason = reason
        self.part = part


class UnknownFormat(ClipferryError):
    """Neither `.zip` nor `.mp4`: there is nothing to check it against, and the caller decides what that means."""

    code: ClassVar[str] = "UNKNOWN_FORMAT"


def shown(text: str) -> str:
    """A name out of a hostile file, with nothing that could break a terminal or a log line, and not endless."""
    plain = ascii(text if len(text) <= 200 else text[:200] + "...")[1:-1]
    return plain or "''"
