"""Keep the source's headers, metadata and tags on its streamed copy."""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from service.domain.errors import ObjectRejected
from service.domain.ids import MARK, SOURCE_MARK
from service.domain.requests import ImportSettings
from service.sources.http import Asked
from service.sources.port import SourceObject

MAX_METADATA_BYTES = 2048
"""S3's limit for an object's user metadata, names and values together."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN = {MARK, SOURCE_MARK}


def attributes(
    found: SourceObject,
    tags: Mapping[str, str],
    settings: ImportSettings,
    *,
    own: Mapping[str, str],
    asked: Asked,
) -> dict[str, Any]:
    """Parameters of the request that writes the copy; `own` is the service's user metadata.

    Raises `ObjectRejected` if S3 cannot keep the source's metadata.
    """
    given: dict[str, Any] = {"Metadata": dict(own)}
    if settings.storage_class:
        given["StorageClass"] = settings.storage_class
    if settings.keep_metadata:
        given |= _headers(found, asked)
        kept = {name: _ascii(value) for name, value in found.metadata.items() if name.lower() not in _OWN}
        given["Metadata"] |= kept
        _check_metadata(given["Metadata"], asked)
    if tags:
        given["Tagging"] = urlencode(tags)
    return given


def _headers(found: SourceObject, asked: Asked) -> dict[str, str]:
    """Omit `aws-chunked`: it describes how the object was uploaded, and some stores keep it by mistake."""
    headers = dict(found.headers)
    encodings = [part.strip() for part in headers.pop("ContentEncoding", "").split(",")]
    if encoding := ",".join(part for part in encodings if part not in ("", "aws-chunked")):
        headers["ContentEncoding"] = encoding
    for name, value in headers.items():
        if not _plain(value):
            raise _refused(asked, f"its header {name} is not printable ASCII")
    return headers


def _check_metadata(metadata: Mapping[str, str], asked: Asked) -> None:
    for name in metadata:
        if not _NAME.fullmatch(name):
            raise _refused(asked, f"a metadata name is not a valid header name: {name[:50]!a}")
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise _refused(asked, f"its metadata and the service's own have {size} bytes, S3 allows {MAX_METADATA_BYTES}")


def _ascii(value: str) -> str:
    """Encode other characters in user metadata as S3 does (RFC 2047)."""
    return value if _plain(value) else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _refused(asked: Asked, why: str) -> Exception:
    return asked.error(ObjectRejected, f"{why}; set `keep_metadata: false` to copy without metadata")
