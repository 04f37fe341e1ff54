"""What a Parquet file's footer says: its top-level columns and its rows. No page is decoded.

Format: apache/parquet-format, README.md and src/main/thrift/parquet.thrift; the numbers below are its field ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from service.formats.failures import ContentInvalid, Reason
from service.formats.thrift import Garbled, Value, read_struct

MAGIC = b"PAR1"
MAX_FOOTER_BYTES = 4 * 1024**2
"""The footers of real layers have 0.6 to 4 kB."""
TAIL_BYTES = MAX_FOOTER_BYTES + 8
"""What `read_footer` needs of the end of a file: the footer, its length (4 bytes, little-endian) and `PAR1`."""

_ENCRYPTED_MAGIC = b"PARE"
_SMALLEST = 12  # PAR1, an empty footer's length, PAR1

T = TypeVar("T", bool, int, float, bytes, list[Value], dict[int, Value])


@dataclass(frozen=True, kw_only=True)
class Footer:
    columns: tuple[str, ...]
    """Top-level ones, in their order."""
    rows: int
    all_null: frozenset[str]
    """Those of `columns` whose statistics say that every value in every row is null."""


def read_footer(name: str, *, head: bytes, tail: bytes, size: int) -> Footer:
    """`head`: the first 4 bytes, `tail`: the last `TAIL_BYTES` (all where there are fewer) of a file of `size` bytes.

    Raises `ContentInvalid` (PARQUET_INVALID) naming the member.
    """
    try:
        return _read(head, tail, size)
    except Garbled as error:
        raise ContentInvalid(Reason.PARQUET_INVALID, f"not a Parquet file: {error}", part=name) from error


def _read(head: bytes, tail: bytes, size: int) -> Footer:
    if tail[-4:] == _ENCRYPTED_MAGIC:
        raise Garbled("its footer is encrypted")
    if head != MAGIC or tail[-4:] != MAGIC or size < _SMALLEST:
        raise Garbled(f"no PAR1 at {'its start' if head != MAGIC else 'its end'} ({size} bytes)")
    length = int.from_bytes(tail[-8:-4], "little")
    if length > size - _SMALLEST:
        raise Garbled(f"its footer is to take {length} of {size} bytes")
    if length > MAX_FOOTER_BYTES:
        raise Garbled(f"its footer takes {length} bytes, at most {MAX_FOOTER_BYTES} are allowed")
    metadata = read_struct(tail[len(tail) - 8 - length : -8])
    columns = tuple(_top_level(_get(metadata, 2, list)))
    groups = [_expect(group, dict) for group in _get(metadata, 4, list)]
    rows = _get(metadata, 3, int)
    if rows < 0 or rows != sum(_get(group, 3, int) for group in groups):
        raise Garbled(f"its footer counts {rows} rows, its row groups another number")
    chunks = [chunk for group in groups for chunk in _chunks(group, end=size - 8 - length)]
    filled = {chunk.column for chunk in chunks if not chunk.all_null}
    all_null = {chunk.column for chunk in chunks} - filled
    return Footer(columns=columns, rows=rows, all_null=frozenset(all_null))


def _top_level(schema: list[Value]) -> Iterator[str]:
    """Names of the root's children; the schema is a tree in depth-first order, each element saying its children."""
    elements = [_expect(element, dict) for element in schema]
    if not elements:
        raise Garbled("its schema is empty")
    open_ends: list[int] = []  # children still to come, of the root and its descendants
    for element in elements:
        if element is not elements[0]:
            while open_ends and open_ends[-1] == 0:
                open_ends.pop()
            if not open_ends:
                raise Garbled("its schema has elements outside the tree")
            open_ends[-1] -= 1
            if len(open_ends) == 1:
                yield _text(element, 4)
        children = _get(element, 5, int) if 5 in element else 0
        if children < 0:
            raise Garbled("its schema has an element of negative size")
        open_ends.append(children)
    if any(open_ends):
        raise Garbled("its schema ends early")


@dataclass(frozen=True)
class _Chunk:
    column: str
    all_null: bool


def _chunks(group: dict[int, Value], *, end: int) -> Iterator[_Chunk]:
    """A row group's column chunks, which must lie before `end`, the footer's first byte."""
    for item in _get(group, 1, list):
        chunk = _expect(item, dict)
        if 1 in chunk:
            raise Garbled("a column's data is in another file")
        details = _get(chunk, 3, dict)
        values, path = _get(details, 5, int), _get(details, 3, list)
        start = _get(details, 9, int)
        if 11 in details and _get(details, 11, int) > 0:
            start = min(start, _get(details, 11, int))
        length = _get(details, 7, int)
        if not path:
            raise Garbled("a column's data belongs to no column")
        # Writers give no offset where there are no values.
        if values and not len(MAGIC) <= start <= start + length <= end:
            raise Garbled("a column's data lies outside the file")
        statistics = _get(details, 12, dict) if 12 in details else {}
        nulls = _get(statistics, 3, int) if 3 in statistics else None
        yield _Chunk(_decoded(_expect(path[0], bytes)), nulls is not None and nulls == values)


def _get(fields: dict[int, Value], number: int, kind: type[T]) -> T:
    if number not in fields:
        raise Garbled(f"its footer lacks field {number} of a struct")
    return _expect(fields[number], kind)


def _expect(value: Value, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise Garbled("its footer has a value of another type than the format says")
    return value


def _text(fields: dict[int, Value], number: int) -> str:
    return _decoded(_get(fields, number, bytes))


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
