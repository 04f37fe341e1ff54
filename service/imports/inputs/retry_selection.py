"""The clips that a retry runs again."""

from collections.abc import Sequence

from service.domain.clips import ClipRow, ClipStatus

RETRIED = (ClipStatus.FAILED, ClipStatus.CANCELLED)


def can_run_again(row: ClipRow) -> bool:
    return row.status in RETRIED and row.deleted_at is None


def encode_ordinals(ordinals: Sequence[int]) -> bytes:
    return b"".join(f"{ordinal}\n".encode() for ordinal in ordinals)


def decode_ordinals(lines: bytes) -> list[int]:
    return [int(line) for line in lines.splitlines()]
