"""Read a Parquet file's footer: its top-level columns and its rows. No page is decoded.

Format: apache/parquet-format, README.md and src/main/thrift/parquet.thrift; the numbers below are its field ids.
"""

from dataclasses import dataclass, field

from service.formats.failures import ContentInvalid, ContentUnchecked, Reason
from service.formats.limits import MAX_FOOTER_BYTES, MAX_SCHEMA_ELEMENTS, Work
from service.formats.thrift import STRUCT, Cursor, Garbled, TooMuch

MAGIC = b"PAR1"
TAIL_BYTES = MAX_FOOTER_BYTES + 8
"""Bytes that `read_footer` needs from a file's end: footer, its length (4 bytes, little-endian) and `PAR1`."""

_ENCRYPTED_MAGIC = b"PARE"
_SMALLEST = 12  # PAR1, an empty footer's length, PAR1
_NULL_TYPE = 11  # LogicalType.UNKNOWN: always null


@dataclass(kw_only=True)
class Footer:
    columns: tuple[str, ...] = ()
    """Top-level columns, in order."""
    rows: int = 0
    filled: set[str] = field(default_factory=set)
    """Columns with a leaf that may have a value."""
    chunked: set[str] = field(default_factory=set)
    """Columns with data in a row group."""

    def all_null(self, column: str) -> bool:
        """Return whether types or statistics say that every value of the column is null."""
        return column in self.chunked and column not in self.filled


def read_footer(name: str, *, head: bytes, tail: bytes, size: int, work: Work) -> Footer:
    """Parse the footer of a file of `size` bytes from its first 4 bytes (`head`) and its last `TAIL_BYTES` (`tail`).

    Raises `ContentInvalid` (PARQUET_INVALID) or `ContentUnchecked` (PARQUET_FOOTER_TOO_LARGE), naming the member.
    """
    try:
        return _read(head, tail, size, work)
    except Garbled as error:
        raise ContentInvalid(Reason.PARQUET_INVALID, f"not a Parquet file: {error}", part=name) from error
    except TooMuch as error:
        raise ContentUnchecked(Reason.PARQUET_FOOTER_TOO_LARGE, f"its footer has {error}", part=name) from error


def _read(head: bytes, tail: bytes, size: int, work: Work) -> Footer:
    if tail[-4:] == _ENCRYPTED_MAGIC:
        raise Garbled("its footer is encrypted")
    if head != MAGIC or tail[-4:] != MAGIC or size < _SMALLEST:
        raise Garbled(f"no PAR1 at {'its start' if head != MAGIC else 'its end'} ({size:,} bytes)")
    length = int.from_bytes(tail[-8:-4], "little")
    if length > size - _SMALLEST:
        raise Garbled(f"its footer says that it has {length:,} bytes, but the layer has {size:,}")
    if length > MAX_FOOTER_BYTES:
        raise TooMuch(f"{length:,} bytes, at most {MAX_FOOTER_BYTES:,} are read")
    cursor = Cursor(tail[len(tail) - 8 - length : -8], values=work.values)
    try:
        return _Parser(cursor, end=size - 8 - length).metadata()
    finally:
        work.values = cursor.values


class _Parser:
    def __init__(self, cursor: Cursor, *, end: int) -> None:
        self.cursor = cursor
        self.end = end
        """The footer's first byte: data is before it."""
        self.footer = Footer()
        self.null_leaves: list[bool] = []
        """For each leaf of the schema, in order: whether its type is always null."""
        self.leaf_columns: list[str] = []
        self.known: frozenset[str] = frozenset()

    def metadata(self) -> Footer:
        cursor, seen, rows, counted = self.cursor, set(), 0, 0
        for number, kind in cursor.fields():
            seen.add(number)
            if number == 2:
                self._schema(kind)
            elif number == 3:
                rows = cursor.integer(kind)
            elif number == 4:
                inner, count = cursor.items(kind)
                for _ in range(count):
                    counted += self._row_group(inner)
            else:
                cursor.skip(kind)
        if missing := {2, 3, 4} - seen:
            raise Garbled(f"its footer lacks field {min(missing)} of a struct")
        if rows < 0 or rows != counted:
            raise Garbled(f"its footer counts {rows:,} rows, its row groups another number")
        self.footer.rows = rows
        return self.footer

    def _schema(self, kind: int) -> None:
        """Read the schema: a tree in depth-first order, in which each element has its number of children."""
        cursor = self.cursor
        inner, count = cursor.items(kind)
        if not count:
            raise Garbled("its schema is empty")
        if count > MAX_SCHEMA_ELEMENTS:
            raise TooMuch(f"{count:,} columns and fields, at most {MAX_SCHEMA_ELEMENTS:,} are read")
        columns: list[str] = []
        open_ends: list[int] = []  # children still to come, of the root and its descendants
        for index in range(count):
            name, children, null_type = self._schema_element(inner)
            if index:
                while open_ends and open_ends[-1] == 0:
                    open_ends.pop()
                if not open_ends:
                    raise Garbled("its schema has elements outside the tree")
                open_ends[-1] -= 1
                if name is None:
                    raise Garbled("its footer lacks field 4 of a struct")
                if len(open_ends) == 1:
                    columns.append(_decoded(name))
                if not children:
                    self.leaf_columns.append(columns[-1])
                    self.null_leaves.append(null_type)
            open_ends.append(children)
        if any(open_ends):
            raise Garbled("its schema ends early")
        self.footer.columns = tuple(columns)
        self.known = frozenset(columns)

    def _schema_element(self, kind: int) -> tuple[bytes | None, int, bool]:
        """Return (name, number of children, whether its logical type is always null)."""
        cursor, name, children, null_type = self.cursor, None, 0, False
        _expect_struct(kind)
        for number, inner in cursor.fields(1):
            if number == 4:
                name = cursor.binary(inner)
            elif number == 5:
                children = cursor.integer(inner)
                if children < 0:
                    raise Garbled("its schema has an element of negative size")
            elif number == 10 and inner == STRUCT:
                for logical, value in cursor.fields(2):
                    null_type = null_type or logical == _NULL_TYPE
                    cursor.skip(value, 2)
            else:
                cursor.skip(inner, 1)
        return name, children, null_type

    def _row_group(self, kind: int) -> int:
        """Return the number of its rows."""
        cursor, rows, columns = self.cursor, None, False
        _expect_struct(kind)
        for number, inner in cursor.fields(1):
            if number == 1:
                element, count = cursor.items(inner)
                for index in range(count):
                    self._column_chunk(element, index)
                columns = True
            elif number == 3:
                rows = cursor.integer(inner)
            else:
                cursor.skip(inner, 1)
        if rows is None or not columns:
            raise Garbled("its footer lacks field 1 or 3 of a row group")
        return rows

    def _column_chunk(self, kind: int, index: int) -> None:
        cursor, details = self.cursor, False
        _expect_struct(kind)
        for number, inner in cursor.fields(2):
            if number == 1:
                raise Garbled("a column's data is in another file")
            if number == 3:
                _expect_struct(inner)
                self._chunk_details(index)
                details = True
            else:
                cursor.skip(inner, 2)
        if not details:
            raise Garbled("its footer lacks field 3 of a column")

    def _chunk_details(self, index: int) -> None:
        cursor, found, column, nulls = self.cursor, {}, None, None
        for number, kind in cursor.fields(3):
            if number in (5, 7, 9, 11):
                found[number] = cursor.integer(kind)
            elif number == 3:
                inner, count = cursor.items(kind)
                for position in range(count):
                    if position:
                        cursor.skip(inner, 3)
                    else:
                        column = _decoded(cursor.binary(inner))
            elif number == 12:
                _expect_struct(kind)
                for statistic, inner in cursor.fields(4):
                    if statistic == 3:
                        nulls = cursor.integer(inner)
                    else:
                        cursor.skip(inner, 4)
            else:
                cursor.skip(kind, 3)
        if not {5, 7, 9} <= found.keys():
            raise Garbled("its footer lacks field 5, 7 or 9 of a column")
        if column is None:
            raise Garbled("a column's data belongs to no column")
        values, length, start = found[5], found[7], found[9]
        if found.get(11, 0) > 0:
            start = min(start, found[11])
        # Writers set no offset if there are no values.
        if values and not len(MAGIC) <= start <= start + length <= self.end:
            raise Garbled("a column's data lies outside the file")
        if column not in self.known:
            return
        self.footer.chunked.add(column)
        null_type = index < len(self.null_leaves) and self.leaf_columns[index] == column and self.null_leaves[index]
        if not null_type and nulls != values:
            self.footer.filled.add(column)


def _expect_struct(kind: int) -> None:
    if kind != STRUCT:
        raise Garbled("its footer has a value of another type than the format says")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
