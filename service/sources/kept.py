"""Keep the source's headers, metadata and tags on its streamed copy, as far as S3 can hold them."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from service.domain.ids import MARK, SOURCE_MARK
from service.domain.requests import ImportSettings
from service.sources.port import SourceObject
from service.support.clock import is_http_date

MAX_METADATA_BYTES = 2048
"""S3's limit for an object's user metadata, names and values together."""
OWN_BYTES = len(SOURCE_MARK) + 32 + len(MARK) + 64
"""Room for the service's own metadata: the source's mark, and that of a set."""
MAX_NAMED = 10
"""Lost values that the clip's row names."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN = {MARK, SOURCE_MARK}


@dataclass(frozen=True)
class Kept:
    """Return the headers and user metadata of a source that S3 can hold, and the names of the rest."""

    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    lost: tuple[str, ...]

    @property
    def note(self) -> str | None:
        """Return a sentence about what is lost; None if nothing is."""
        if not self.lost:
            return None
        more = f" and {len(self.lost) - MAX_NAMED} more" if len(self.lost) > MAX_NAMED else ""
        return f"copied without {', '.join(self.lost[:MAX_NAMED])}{more}: S3 cannot hold them"


def kept_of(found: SourceObject, settings: ImportSettings) -> Kept:
    if not settings.keep_metadata:
        return Kept({}, {}, ())
    lost: list[str] = []
    headers = {}
    for name, value in _headers(found).items():
        if _plain(value) and (name != "Expires" or is_http_date(value)):
            headers[name] = value
        else:
            lost.append(f"its header {name}")
    metadata, room = {}, MAX_METADATA_BYTES - OWN_BYTES
    for name, value in found.metadata.items():
        if name.lower() in _OWN:
            continue
        encoded = _ascii(value)
        if not _NAME.fullmatch(name) or len(name) + len(encoded) > room:
            lost.append(f"its metadata {name[:50]!a}")
            continue
        metadata[name] = encoded
        room -= len(name) + len(encoded)
    return Kept(headers, metadata, tuple(lost))


def attributes(
    found: SourceObject, tags: Mapping[str, str], settings: ImportSettings, *, own: Mapping[str, str]
) -> dict[str, Any]:
    """Parameters of the request that writes the copy; `own` is the service's user metadata."""
    kept = kept_of(found, settings)
    given: dict[str, Any] = {**kept.headers, "Metadata": {**own, **kept.metadata}}
    if settings.storage_class:
        given["StorageClass"] = settings.storage_class
    if tags:
        given["Tagging"] = urlencode(tags)
    return given


def _headers(found: SourceObject) -> dict[str, str]:
    """Omit `aws-chunked`: it describes how the object was uploaded, and some stores keep it by mistake."""
    headers = dict(found.headers)
    encodings = [part.strip() for part in headers.pop("ContentEncoding", "").split(",")]
    if encoding := ",".join(part for part in encodings if part not in ("", "aws-chunked")):
        headers["ContentEncoding"] = encoding
    return headers


def _ascii(value: str) -> str:
    """Encode other characters in user metadata as S3 does (RFC 2047)."""
    return value if _plain(value) else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable()
