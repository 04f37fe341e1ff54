"""Pages and cursors. A cursor is opaque to callers and valid for one list only."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from service.domain.errors import InvalidCursor, InvalidRequest

MAX_PAGE = 1_000
MAX_POSITION = 200
"""Maximum characters of a position, which is a sort key of the table (1,024 bytes, DynamoDB)."""

Item = TypeVar("Item")
Read = TypeVar("Read", covariant=True)


@dataclass(frozen=True)
class Page(Generic[Item]):
    items: Sequence[Item]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        return self.next_cursor is not None


class ReadPage(Protocol[Read]):
    """How a store reads a page: the items after a position, and the position of the next page (None: the end)."""

    def __call__(self, *, limit: int, after: str | None) -> tuple[Sequence[Read], str | None]: ...


def read_page(read: ReadPage[Item], *, scope: str, limit: int, cursor: str | None) -> Page[Item]:
    """Return a page of the list that `scope` names. Raises `InvalidCursor`, `InvalidRequest`."""
    check_limit(limit)
    found, position = read(limit=limit, after=decode_cursor(cursor, scope=scope) if cursor else None)
    return Page(found, encode_cursor(position, scope=scope) if position else None)


def check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit is {limit:,}: it must be from 1 to {MAX_PAGE:,}")


def encode_cursor(position: str, *, scope: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, position]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, scope: str) -> str:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        given, position = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidCursor("the cursor is invalid: use the next_cursor of an earlier page") from error
    if given != scope or not isinstance(position, str) or len(position) > MAX_POSITION:
        raise InvalidCursor("the cursor belongs to another list")
    return position
