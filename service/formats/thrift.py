"""Read Thrift's compact protocol field by field, skip unneeded fields, and limit everything.

Our own code because PyPI's packages are too heavy for a function: `thrift` (1.9 MB, without Parquet's structs),
`parquet-pages` and `parquet-analyzer` (which need `thrift`), `fastparquet` (9 MB, with pandas and numpy). Skipped
values build no objects, so a hostile footer costs time (which is counted) and no memory.
Format: apache/thrift, doc/specs/thrift-compact-protocol.md.
"""

from collections.abc import Iterator

from service.formats.limits import MAX_FOOTER_VALUES, MAX_NESTING

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
INTEGERS = (I16, I32, I64)


class Garbled(ValueError):
    """The bytes violate the protocol."""


class TooMuch(ValueError):
    """More or deeper values than the limits allow."""


class Cursor:
    """A position in `data`. Each method reads the next value and moves past it; each raises `Garbled` or `TooMuch`."""

    def __init__(self, data: bytes, *, values: int = 0) -> None:
        self.data = data
        self.at = 0
        self.values = values
        """Values read or skipped so far, including those of earlier footers."""

    def fields(self, depth: int = 0) -> Iterator[tuple[int, int]]:
        """Yield (number, type) of each field of a struct. The caller reads or skips each value before the next one."""
        data, number = self.data, 0
        while True:
            if self.at >= len(data):
                raise Garbled("the data ends early")
            header = data[self.at]
            self.at += 1
            if not header:
                return
            self.values += 1
            if self.values > MAX_FOOTER_VALUES or depth >= MAX_NESTING:
                raise _too_much()
            delta = header >> 4
            number = number + delta if delta else self.integer()
            yield number, header & 0xF

    def items(self, kind: int) -> tuple[int, int]:
        """Return (element type, count) of a list or a set; the elements follow."""
        if kind not in (LIST, SET):
            raise Garbled("its footer has a value of another type than the format says")
        header = self._byte()
        count = header >> 4
        if count == 0xF:
            count = self._varint()
        if count > len(self.data) - self.at:  # every element takes at least one byte
            raise Garbled(f"{count:,} elements in {len(self.data) - self.at:,} bytes")
        return header & 0xF, count

    def integer(self, kind: int = I64) -> int:
        if kind not in INTEGERS:
            raise Garbled("its footer has a value of another type than the format says")
        at = self.at
        if at < len(self.data) and (byte := self.data[at]) < 0x80:
            self.at = at + 1
            return (byte >> 1) ^ -(byte & 1)
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def binary(self, kind: int = BINARY) -> bytes:
        if kind != BINARY:
            raise Garbled("its footer has a value of another type than the format says")
        length = self._varint()
        self._need(length)
        self.at += length
        return self.data[self.at - length : self.at]

    def skip(self, kind: int, depth: int = 0) -> None:
        """Skip a field's value."""
        if kind > FALSE:  # a boolean field has its value in the header
            try:
                self.at = self._skip(kind, self.at, depth)
            except IndexError as error:
                raise Garbled("the data ends early") from error

    def _skip(self, kind: int, at: int, depth: int) -> int:
        """Return the position after a value. Unrolled for speed: a clip's footers have a thousand values."""
        data = self.data
        if I16 <= kind <= I64:
            end = at
            while data[end] >= 0x80:
                end += 1
            if end - at > 9:
                raise Garbled("a number of more than 64 bits")
            return end + 1
        if kind == BINARY:
            self.at = at
            length = self._varint()
            self._need(length)
            return self.at + length
        if kind == STRUCT:
            return self._skip_struct(at, depth + 1)
        if kind in (LIST, SET):
            self.at = at
            inner, count = self.items(kind)
            return self._skip_all((inner,), count, depth)
        if kind == MAP:
            self.at = at
            count = self._varint()
            if not count:
                return self.at
            self._need(count)
            kinds = self._byte()
            return self._skip_all((kinds >> 4, kinds & 0xF), count, depth)
        return at + self._fixed(kind)

    def _skip_struct(self, at: int, depth: int) -> int:
        data, fields, left = self.data, 0, MAX_FOOTER_VALUES - self.values
        while header := data[at]:
            at += 1
            fields += 1
            if fields > left or depth >= MAX_NESTING:
                raise _too_much()
            if header < 0x10:  # the field's number follows
                at = self._skip(I16, at, depth)
            kind = header & 0xF
            if I16 <= kind <= I64 and data[at] < 0x80:
                at += 1
            elif kind > FALSE or not kind:
                self.values += fields
                fields = 0
                at = self._skip(kind, at, depth)
                left = MAX_FOOTER_VALUES - self.values
        self.values += fields
        return at + 1

    def _skip_all(self, kinds: tuple[int, ...], count: int, depth: int) -> int:
        self._count(depth, count * len(kinds))
        at = self.at
        if len(kinds) == 1 and kinds[0] in (TRUE, FALSE, BYTE, DOUBLE):
            length = count * self._fixed(kinds[0])
            self._need(length)
            return at + length
        if len(kinds) == 1 and kinds[0] == I32:  # such as encodings
            data = self.data
            for _ in range(count):
                at = at + 1 if data[at] < 0x80 else self._skip(I32, at, depth)
            return at
        for _ in range(count):
            for kind in kinds:
                at = self._skip(kind, at, depth + 1)
        return at

    def _fixed(self, kind: int) -> int:
        """Return the length of a type of fixed length; also of a boolean in a list."""
        if kind not in (TRUE, FALSE, BYTE, DOUBLE):
            raise Garbled(f"no type has number {kind}")
        return 8 if kind == DOUBLE else 1

    def _count(self, depth: int, values: int = 1) -> None:
        self.values += values
        if self.values > MAX_FOOTER_VALUES or depth >= MAX_NESTING:
            raise _too_much()

    def _need(self, length: int) -> None:
        if length > len(self.data) - self.at:
            raise Garbled(f"{length:,} bytes of text in {len(self.data) - self.at:,} bytes")

    def _byte(self) -> int:
        self._need(1)
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        data, at = self.data, self.at
        value = shift = 0
        try:
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                if byte < 0x80:
                    self.at = at
                    return value
                shift += 7
                if shift >= 70:
                    raise Garbled("a number of more than 64 bits")
        except IndexError as error:
            raise Garbled("the data ends early") from error


def _too_much() -> TooMuch:
    return TooMuch(f"more than {MAX_FOOTER_VALUES:,} values or {MAX_NESTING} levels")
