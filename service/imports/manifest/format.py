"""Encode and decode the lines of a manifest and of its batches."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from service.domain.clips import ClipStatus, Overruled
from service.domain.manifest import Batch, ManifestEntry
from service.domain.members import Packed, PackedMember

_encode = json.JSONEncoder(separators=(",", ":")).encode
"""`json.dumps` would make an encoder for each line."""
_decode = json.JSONDecoder().decode
"""`json.loads` would look for the encoding of each line, which takes longer than decoding it."""


def encode_entry(entry: ManifestEntry) -> bytes:
    """Encode one manifest line, without empty fields."""
    # `vars` holds the parsed source as well, once something asked for it.
    fields = {name: value for name, value in vars(entry).items() if value is not None and name != "location"}
    if entry.status is ClipStatus.PENDING:
        del fields["status"]
    if entry.overruled:
        fields["overruled"] = vars(entry.overruled)
    if entry.packed:
        fields["packed"] = vars(entry.packed) | {"members": [_known(member) for member in entry.packed.members]}
    return _encode(fields).encode() + b"\n"


def _known(member: PackedMember) -> dict[str, object]:
    return {name: value for name, value in vars(member).items() if value is not None}


def decode_entries(lines: bytes) -> list[ManifestEntry]:
    return [_decode_entry(line) for line in lines.splitlines()]


def _decode_entry(line: bytes) -> ManifestEntry:
    fields = _decode(line.decode())
    if "status" in fields:
        fields["status"] = ClipStatus(fields["status"])
    if "overruled" in fields:
        fields["overruled"] = Overruled(**fields["overruled"])
    if "packed" in fields:
        members = tuple(PackedMember(**one) for one in fields["packed"]["members"])
        fields["packed"] = Packed(**fields["packed"] | {"members": members})
    return ManifestEntry(**fields)


def encode_batch(batch: Batch) -> bytes:
    return _encode(asdict(batch)).encode() + b"\n"


def decode_batches(lines: bytes) -> Iterator[Batch]:
    return (Batch(**_decode(line.decode())) for line in lines.splitlines())
