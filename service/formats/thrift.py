"""Reads Thrift's compact protocol into plain values, with limits on everything that the bytes decide.

Written here because what PyPI has is too heavy for a function: `thrift` (1.9 MB, and the structs of Parquet would come
on top), `parquet-pages` and `parquet-analyzer` (over `thrift`, with a terminal interface and templates), `fastparquet`
(9 MB, with pandas and numpy). Format: apache/thrift, doc/specs/thrift-compact-protocol.md.
"""

import struct
from collections.abc import Callable

MAX_DEPTH = 24
"""Of structs and lists within each other; a Parquet footer needs 8."""
MAX_VALUES = 500_000
"""In one struct altogether: a second of work. A footer of 100 row groups by 15 columns has 40,000."""

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)

Value = bool | int | float | bytes | list["Value"] | dict[int, "Value"]
"""A struct is a dict from field id to value; a map is a list of its keys and values in turn."""


class Garbled(ValueError):
    """The bytes are not what the protocol allows, or more than the limits do."""


def read_struct(data: bytes) -> dict[int, Value]:
    """The struct that `data` begins with. Raises `Garbled`."""
    try:
        return _Decoder(data).struct(0)
    except (IndexError, struct.error) as error:
        raise Garbled("the data ends early") from error


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._values = 0
        self._readers: dict[int, Callable[[int], Value]] = {
            _BYTE: lambda _: struct.unpack("b", self._take(1))[0],
            _I16: lambda _: self._signed(),
            _I32: lambda _: self._signed(),
            _I64: lambda _: self._signed(),
            _DOUBLE: lambda _: struct.unpack("<d", self._take(8))[0],
            _BINARY: lambda _: self._take(self._varint()),
            _LIST: self._list,
            _SET: self._list,
            _MAP: self._map,
            _STRUCT: self.struct,
        }

    def struct(self, depth: int) -> dict[int, Value]:
        fields: dict[int, Value] = {}
        number = 0
        while header := self._byte():
            delta, kind = header >> 4, header & 0xF
            number = number + delta if delta else self._signed()
            # A boolean field has its value in the header; in a list it has a byte of its own.
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Value:
        self._values += 1
        if self._values > MAX_VALUES or depth >= MAX_DEPTH:
            raise Garbled(f"more than {MAX_VALUES} values or {MAX_DEPTH} levels")
        if kind in (_TRUE, _FALSE):
            return self._byte() == _TRUE
        if kind not in self._readers:
            raise Garbled(f"no type has number {kind}")
        return self._readers[kind](depth + 1)

    def _list(self, depth: int) -> list[Value]:
        header = self._byte()
        count, kind = header >> 4, header & 0xF
        return [self._value(kind, depth) for _ in range(self._count(self._varint() if count == 0xF else count))]

    def _map(self, depth: int) -> list[Value]:
        count = self._count(self._varint())
        kinds = self._byte() if count else 0
        return [self._value(kind, depth) for _ in range(count) for kind in (kinds >> 4, kinds & 0xF)]

    def _count(self, count: int) -> int:
        """A container's; every element takes a byte at least."""
        if count > len(self._data) - self._at:
            raise Garbled(f"{count} elements in {len(self._data) - self._at} bytes")
        return count

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise Garbled(f"{length} bytes of text in {len(self._data) - self._at} bytes")
        self._at += length
        return self._data[self._at - length : self._at]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Garbled("a number of more than 64 bits")

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
