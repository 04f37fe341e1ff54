"""The clips that a retry runs again."""

from collections.abc import Sequence

from service.domain.clips import ClipRow, ClipStatus
from service.domain.jobs import Retry

RETRIED = (ClipStatus.FAILED, ClipStatus.CANCELLED)


def can_run_again(row: ClipRow) -> bool:
    return row.status in RETRIED and row.deleted_at is None


def is_wanted(row: ClipRow, asked: Retry) -> bool:
    """Whether a clip that can run again is one that a retry without a selection asks for."""
    checked = asked.content_validation is None or row.failed_check
    return checked and (not asked.codes or row.code in asked.codes)


def encode_ordinals(ordinals: Sequence[int]) -> bytes:
    return b"".join(f"{ordinal}\n".encode() for ordinal in ordinals)


def decode_ordinals(lines: bytes) -> list[int]:
    return [int(line) for line in lines.splitlines()]
