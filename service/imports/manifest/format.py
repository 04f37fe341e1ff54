"""Encode and decode the lines of a manifest and of its batches."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from service.domain.clips import ClipStatus, Overruled
from service.domain.manifest import Batch, ManifestEntry

_encode = json.JSONEncoder(separators=(",", ":")).encode
"""`json.dumps` would make an encoder for each line."""


def encode_entry(entry: ManifestEntry) -> bytes:
    """Encode one manifest line, without empty fields."""
    # `vars` holds the parsed source as well, once something asked for it.
    fields = {name: value for name, value in vars(entry).items() if value is not None and name != "location"}
    if entry.status is ClipStatus.PENDING:
        del fields["status"]
    if entry.overruled:
        fields["overruled"] = vars(entry.overruled)
    return _encode(fields).encode() + b"\n"


def decode_entries(lines: bytes) -> list[ManifestEntry]:
    return [_decode_entry(line) for line in lines.splitlines()]


def _decode_entry(line: bytes) -> ManifestEntry:
    fields = json.loads(line)
    if "status" in fields:
        fields["status"] = ClipStatus(fields["status"])
    if "overruled" in fields:
        fields["overruled"] = Overruled(**fields["overruled"])
    return ManifestEntry(**fields)


def encode_batch(batch: Batch) -> bytes:
    return _encode(asdict(batch)).encode() + b"\n"


def decode_batches(lines: bytes) -> Iterator[Batch]:
    return (Batch(**json.loads(line)) for line in lines.splitlines())
