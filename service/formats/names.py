"""Decode the names of a zip's members by the specification, in the same way on every Python.

APPNOTE.TXT 4.4.17 and appendix D: a name is UTF-8 if flag 11 is set, else code page 437; a Unicode Path field
(0x7075) whose CRC matches the name has precedence. Python's `zipfile` uses that field only from 3.14 on.
"""

import unicodedata
import zlib

from service.domain.clip_names import is_system_file
from service.formats.failures import ContentInvalid, Reason

UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075


def decode_name(raw: bytes, flags: int) -> str:
    """Decode a name. Raises `ContentInvalid` if its flag says UTF-8 and it is not."""
    if not flags & UTF8_FLAG:
        return raw.decode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"a name is not UTF-8, as its flag says ({error.reason})"
        raise ContentInvalid(Reason.ZIP_CORRUPT_DIRECTORY, message, part=raw.decode("latin-1")) from error


def unicode_path(field: bytes, raw: bytes) -> str | None:
    """Return the name in a Unicode Path field; None if the field has another version or belongs to another name."""
    if len(field) < 5 or field[0] != 1 or int.from_bytes(field[1:5], "little") != zlib.crc32(raw):
        return None
    try:
        return field[5:].decode("utf-8") or None
    except UnicodeDecodeError:
        return None


def normal_name(name: str, *, shown: bool = True) -> str:
    """Return the path with `/` between its segments and one at the end of a folder; empty for the archive's root.

    `shown`: it must have no control characters, which bytes of another code page may be. `.` segments and doubled
    separators are dropped, as every reader does. Raises `ContentInvalid` (ZIP_UNSAFE_NAME).
    """
    path = name.replace("\\", "/")
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if not segments and path:
        return ""  # the root as a folder: `./` by bsdtar, `/` by others
    if not segments or path[0] == "/" or path[1:2] == ":" or ".." in segments:
        raise ContentInvalid(Reason.ZIP_UNSAFE_NAME, "the name is absolute, empty or leaves its folder", part=name)
    if shown and not name.isprintable() and not is_system_file("/".join(segments)):
        _check_characters(name)
    return "/".join(segments) + ("/" if path[-1] == "/" else "")


def folded(name: str) -> str:
    """Return the same text for names that some file system treats as equal."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _check_characters(name: str) -> None:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ContentInvalid(Reason.ZIP_UNSAFE_NAME, "the name has control characters", part=name)
