"""Parse lines of a caller's manifest: JSONL, CSV with a header row, or CSV of an S3 Inventory.

S3 Inventory's columns, and that its keys are URL-encoded (a space is a `+`): S3 user guide, "Amazon S3 Inventory list".
"""

import base64
import binascii
import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from service.domain.clip_names import is_no_clip
from service.domain.errors import InvalidManifest, InvalidUri
from service.domain.uris import Location, is_bucket_name, parse_object
from service.support.clock import timestamp

CHECKSUM_BYTES = {"CRC64NVME": 8, "CRC32": 4, "CRC32C": 4, "SHA1": 20, "SHA256": 32}
"""Kinds of checksums that S3 stores, and their bytes."""

_ETAG = re.compile(r"[\x21\x23-\x7e]{1,256}")
_VERSION = re.compile(r"[\x21-\x7e]{1,1024}")
_SIZE = re.compile(r"\d{1,16}")
_TRUTHS = ("true", "false")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A clip as its line names it. Missing fields are None."""

    location: Location
    size: int | None = None
    etag: str | None = None
    version: str | None = None
    checksum: str | None = None
    """`CRC64NVME:base64`."""
    destination: str | None = None
    modified: str | None = None


class BadLine(Exception):
    """A line is malformed; the message says how."""


Layout = Callable[[str], Line | None]
"""Parses a line; None if it is not a clip: a delete marker, an older version, `is_no_clip`. Raises `BadLine`."""


def jsonl(text: str) -> Line:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLine("it is not JSON") from error
    if not isinstance(fields, dict):
        raise BadLine("it is not a JSON object")
    size = fields.get("size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool)):
        raise BadLine("size is not a whole number")
    texts = {name: value for name, value in fields.items() if name != "size" and value is not None}
    for name in ("uri", "bucket", "key", "etag", "version", "checksum", "destination", "last_modified"):
        if not isinstance(texts.get(name, ""), str):
            raise BadLine(f"{name} is not text")
    return _line(texts | ({"size": str(size)} if size is not None else {}))


def csv_layout(first: str) -> tuple[Layout, bool]:
    """Return the layout of a CSV by its first line, and whether that is a header. Raises `InvalidManifest`."""
    try:
        fields = _cells(first)
    except BadLine as error:
        raise InvalidManifest(f"line 1: {error}") from error
    names = [name.strip().lower() for name in fields]
    if "uri" in names or {"bucket", "key"} <= set(names):
        repeated = next((name for name in names if name and names.count(name) > 1), None)
        if repeated:
            raise InvalidManifest(f"line 1: the header names {repeated!a} twice")
        return _headed(names), True
    if len(fields) >= 2 and is_bucket_name(fields[0]):
        return _by_shape, False
    raise InvalidManifest(
        "line 1: neither a header with uri, or bucket and key, nor a line of an S3 Inventory (bucket, key, …)"
    )


def _headed(names: Sequence[str]) -> Layout:
    def read(text: str) -> Line:
        cells = _cells(text)
        if len(cells) != len(names):
            raise BadLine(f"it has {len(cells):,} columns, the header {len(names):,}")
        fields = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        return _line(fields | {"version": fields["version_id"]} if "version_id" in fields else fields)

    return read


def inventory(schema: str) -> Layout:
    """Return the layout for the `fileSchema` of an inventory's manifest.json. Raises `InvalidManifest`."""
    names = [name.strip() for name in schema.split(",")]
    if not {"Bucket", "Key"} <= set(names):
        raise InvalidManifest("its fileSchema has no columns Bucket and Key")

    def read(text: str) -> Line | None:
        cells = _cells(text)
        if len(cells) != len(names):
            raise BadLine(f"it has {len(cells):,} columns, the fileSchema {len(names):,}")
        return _inventoried(dict(zip(names, cells, strict=True)))

    return read


def _by_shape(text: str) -> Line | None:
    """Parse an inventory's line without its schema: bucket, key, then optionally three version columns, size, time and
    ETag.
    """
    cells = _cells(text)
    if len(cells) < 2:
        raise BadLine("it has no key")
    fields, rest = dict(zip(("Bucket", "Key"), cells, strict=False)), cells[2:]
    if len(rest) >= 3 and {cell.lower() for cell in rest[1:3]} <= set(_TRUTHS):
        fields |= dict(zip(("VersionId", "IsLatest", "IsDeleteMarker"), rest, strict=False))
        rest = rest[3:]
    fields |= dict(zip(("Size", "LastModifiedDate", "ETag"), rest, strict=False))
    return _inventoried(fields)


def _inventoried(fields: Mapping[str, str]) -> Line | None:
    if fields.get("IsLatest", "").lower() == "false" or fields.get("IsDeleteMarker", "").lower() == "true":
        return None
    names = {"Size": "size", "LastModifiedDate": "last_modified", "ETag": "etag", "VersionId": "version"}
    given = {short: fields[name] for name, short in names.items() if fields.get(name)}
    try:
        key = unquote_plus(fields["Key"], errors="strict")
    except UnicodeDecodeError as error:
        raise BadLine("its key is not URL-encoded UTF-8") from error
    line = _line(given | {"bucket": fields["Bucket"], "key": key})
    return None if is_no_clip(line.location.key, line.size if line.size is not None else 1) else line


def _cells(text: str) -> list[str]:
    """Split a record, which is one line: a quoted field cannot contain a line break."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise BadLine(f"it is not CSV: {error}") from error


def _line(fields: Mapping[str, str]) -> Line:
    size, etag, version = fields.get("size"), fields.get("etag", "").strip('"'), fields.get("version")
    if size is not None and not _SIZE.fullmatch(size):
        raise BadLine(f"size {size[:40]!a} is not a number of bytes")
    if etag and not _ETAG.fullmatch(etag):
        raise BadLine("etag is not an ETag")
    if version is not None and not _VERSION.fullmatch(version):
        raise BadLine("version is not a version id")
    return Line(
        location=_location(fields),
        size=int(size) if size is not None else None,
        etag=etag or None,
        version=version,
        checksum=_checksum(fields["checksum"]) if "checksum" in fields else None,
        destination=fields.get("destination"),
        modified=_time(fields["last_modified"]) if "last_modified" in fields else None,
    )


def _location(fields: Mapping[str, str]) -> Location:
    if "uri" in fields and ("bucket" in fields or "key" in fields):
        raise BadLine("it has both a uri and a bucket or key")
    if "uri" not in fields and not {"bucket", "key"} <= fields.keys():
        raise BadLine("it has neither a uri nor a bucket and a key")
    try:
        return parse_object(fields["uri"] if "uri" in fields else f"s3://{fields['bucket']}/{fields['key']}")
    except InvalidUri as error:
        raise BadLine(error.message) from error


def _checksum(text: str) -> str:
    kind, _, value = text.partition(":")
    try:
        length = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if CHECKSUM_BYTES.get(kind) != length:
        raise BadLine(f"checksum is not KIND:base64 with a KIND of {', '.join(CHECKSUM_BYTES)}")
    return text


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return timestamp(time)
    except ValueError as error:
        raise BadLine("last_modified is not an ISO 8601 time") from error
    raise BadLine("last_modified has no zone")
