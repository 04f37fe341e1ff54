"""Parquet layers, good and bad, within a clip that is fine otherwise."""

import struct
from typing import Any

import pytest

from service.formats.check import Depth
from service.formats.failures import ContentUnchecked, Finding, Reason
from service.formats.limits import MAX_FOOTER_BYTES, MAX_FOOTER_VALUES, MAX_NESTING, Work
from service.formats.parquet import TAIL_BYTES, read_footer
from service.formats.thrift import Cursor, Garbled, TooMuch
from tests.unit.formats.making import (
    CLIP_ID,
    check,
    chunk,
    clip_files,
    element,
    metadata,
    outcome,
    parquet,
    thrift,
    varint,
    with_layer,
)

EGO = b"egomotion_estimate"
REAL = clip_files()[f"{CLIP_ID}.egomotion_estimate.parquet"]


def of_ego(**changes: Any) -> bytes:
    return parquet(metadata(**changes))


def group(*chunks: dict[int, Any], rows: int = 1) -> dict[int, Any]:
    return {1: list(chunks), 2: 16, 3: rows}


INVALID: dict[str, bytes] = {
    "empty": b"",
    "a line of text": b"not a parquet file at all",
    "PAR1 only": b"PAR1",
    "PAR1 twice": b"PAR1PAR1",
    "one byte short": b"PAR1" + bytes(3) + b"PAR1",
    "a wrong start": b"PAR2" + REAL[4:],
    "no start": REAL[4:],
    "a wrong end": REAL[:-4] + b"PAR2",
    "no end": REAL[:-4],
    "the first half": REAL[: len(REAL) // 2],
    "its middle missing": REAL[:100] + REAL[3000:],
    "an encrypted footer": REAL[:-4] + b"PARE",
    "encrypted": b"PARE" + REAL[4:-4] + b"PARE",
    "a footer longer than the file": REAL[:-8] + struct.pack("<L", 2**32 - 1) + b"PAR1",
    "a footer as long as the file": REAL[:-8] + struct.pack("<L", len(REAL) - 11) + b"PAR1",
    "a footer one byte too long": REAL[:-8] + struct.pack("<L", 2240) + b"PAR1",
    "a footer one byte too short": REAL[:-8] + struct.pack("<L", 2238) + b"PAR1",
    "no footer": REAL[:-8] + bytes(4) + b"PAR1",
    "zeros": parquet(bytes(500)),
    "ones": parquet(b"\xff" * 500),
    "text for a footer": parquet(b"metadata" * 20),
    "no schema": parquet({1: 2, 3: 1, 4: []}),
    "no row groups": parquet({1: 2, 2: [element(b"root")], 3: 0}),
    "no row count": parquet({1: 2, 2: [element(b"root", 1), element(EGO)], 4: []}),
    "an empty schema": of_ego(schema=[]),
    "a schema that ends early": of_ego(schema=[element(b"root", 2), element(EGO)]),
    "a schema that goes on": of_ego(schema=[element(b"root", 1), element(EGO), element(b"more")]),
    "a schema of negative size": of_ego(schema=[element(b"root", -1)]),
    "a column without name": of_ego(schema=[element(b"root", 1), {1: 2}]),
    "a name that is a number": of_ego(schema=[element(b"root", 1), {4: 7}]),
    "a schema that is a number": parquet({1: 2, 2: 7, 3: 1, 4: []}),
    "a negative count of rows": of_ego(rows=-1),
    "a count of rows that lies": of_ego(rows_said=2),
    "a row group that is a number": of_ego(groups=[7]),
    "data in the footer": of_ego(groups=[group(chunk(EGO, start=20))]),
    "data before the file": of_ego(groups=[group(chunk(EGO, start=-5))]),
    "data in the magic number": of_ego(groups=[group(chunk(EGO, start=0))]),
    "data of negative size": of_ego(groups=[group(chunk(EGO, size=-1))]),
    "data far away": of_ego(groups=[group(chunk(EGO, start=2**62, size=2**62))]),
    "data in another file": of_ego(groups=[group({1: b"other.parquet"} | chunk(EGO))]),
    "a column without details": of_ego(groups=[group({2: 0})]),
    "a column that belongs nowhere": of_ego(groups=[group({2: 0, 3: {3: [], 5: 1, 7: 16, 9: 4}})]),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_layer(name: str) -> None:
    with pytest.raises(Finding) as caught:
        check(with_layer("egomotion_estimate", INVALID[name]))
    assert caught.value.reason is Reason.PARQUET_INVALID, caught.value
    assert caught.value.part == f"{CLIP_ID}.egomotion_estimate.parquet"


@pytest.mark.parametrize("layer", ["egomotion_estimate", "calibration_estimate", "obstacle", "lane", "wait_line"])
def test_which_layers_are_read_at_which_depth(layer: str) -> None:
    data = with_layer(layer, b"<html>")
    required = layer in ("egomotion_estimate", "calibration_estimate", "obstacle")
    assert outcome(data, depth=Depth.STRUCTURE) is (Reason.PARQUET_INVALID if required else None)
    assert outcome(data, depth=Depth.DEEP) is Reason.PARQUET_INVALID


@pytest.mark.parametrize(
    "columns",
    [[], [b"key"], [b"Egomotion_estimate"], [b"egomotion_estimate "], [b"key", b"ego", b"version"], [b"\xff\xfe"]],
)
def test_a_layer_without_its_column(columns: list[bytes]) -> None:
    data = parquet(metadata(columns, groups=[], rows_said=0))
    with pytest.raises(Finding) as caught:
        check(with_layer("egomotion_estimate", data))
    assert caught.value.reason is Reason.PARQUET_MISSING_COLUMN
    assert caught.value.message.isascii()


def test_a_column_further_down_is_not_the_layers_own() -> None:
    nested = [element(b"root", 1), element(b"wrapper", 1), element(EGO)]
    data = parquet(metadata(schema=nested))
    assert outcome(with_layer("egomotion_estimate", data)) is Reason.PARQUET_MISSING_COLUMN


@pytest.mark.parametrize("columns", [[EGO], [b"key", EGO], [b"key", EGO, b"version"], [EGO, b"anything"]])
def test_key_and_version_may_be_missing(columns: list[bytes]) -> None:
    assert outcome(with_layer("egomotion_estimate", of_ego(columns=columns, rows=3))) is None


def test_a_required_layer_needs_a_row() -> None:
    no_rows = parquet(metadata(rows=0, groups=[]))
    only_nulls = of_ego(groups=[group(chunk(EGO, nulls=1))])
    assert outcome(with_layer("egomotion_estimate", no_rows)) is Reason.PARQUET_EMPTY
    assert outcome(with_layer("egomotion_estimate", only_nulls)) is Reason.PARQUET_EMPTY
    calibration = parquet(metadata([b"calibration_estimate"], rows=0, groups=[]))
    assert outcome(with_layer("calibration_estimate", calibration)) is Reason.PARQUET_EMPTY


def test_some_values_or_no_statistics_are_rows_enough() -> None:
    for chunks in ([chunk(EGO, nulls=1), chunk(EGO)], [chunk(EGO, nulls=None)], []):
        assert outcome(with_layer("egomotion_estimate", of_ego(groups=[group(*chunks)]))) is None
    two_groups = [group(chunk(EGO, nulls=1)), group(chunk(EGO))]
    assert outcome(with_layer("egomotion_estimate", of_ego(groups=two_groups, rows_said=2))) is None


@pytest.mark.parametrize("rows", [0, 1])
def test_other_layers_may_be_empty_or_hold_one_row_of_nulls(rows: int) -> None:
    groups = [group(chunk(b"obstacle", nulls=1))] if rows else []
    data = with_layer("obstacle", parquet(metadata([b"obstacle"], rows=rows, groups=groups)))
    facts = check(data, depth=Depth.DEEP)
    assert facts.rows is not None
    assert facts.rows["obstacle"] == rows


def test_an_empty_row_group_has_no_offsets() -> None:
    """A file in pyarrow's form."""
    empty = [group(chunk(b"obstacle", start=0, size=15, values=0), rows=0)]
    assert outcome(with_layer("obstacle", parquet(metadata([b"obstacle"], rows=0, groups=empty)))) is None


def test_a_footer_needs_no_more_than_the_files_ends() -> None:
    """Behind 20 MB of pages only the last 16 MB are kept."""
    body = bytes(20_000_000)
    footer = thrift(metadata())[1]
    tail = footer + struct.pack("<L", len(footer)) + b"PAR1"
    size = 4 + len(body) + len(tail)
    read = read_footer("x", head=b"PAR1", tail=(body + tail)[-TAIL_BYTES:], size=size, work=Work())
    assert (read.columns, read.rows) == (("egomotion_estimate",), 1)


def test_a_footer_too_large_to_read_leaves_the_clip_unchecked() -> None:
    length = MAX_FOOTER_BYTES + 1
    tail = struct.pack("<L", length) + b"PAR1"
    with pytest.raises(ContentUnchecked, match="at most 16,777,216") as caught:
        read_footer("x", head=b"PAR1", tail=tail, size=length + 12, work=Work())
    assert caught.value.reason is Reason.PARQUET_FOOTER_TOO_LARGE


def test_every_cut_of_a_footer_is_refused() -> None:
    footer = REAL[-8 - 2239 : -8]
    for length in range(0, len(footer), 19):
        data = parquet(footer[:length])
        assert outcome(with_layer("egomotion_estimate", data), depth=Depth.STRUCTURE) is Reason.PARQUET_INVALID, length


# --- thrift --------------------------------------------------------------------------------------------------------


def test_every_kind_of_value_is_passed() -> None:
    fields = [
        b"\x11", b"\x12", b"\x13\x80", b"\x14\x01", b"\x15\x02", b"\x16\x03", b"\x17" + struct.pack("<d", 0.5),
        b"\x18\x02hi", b"\x19\x21\x01\x02", b"\x1a\x25\x02\x04", b"\x1b\x01\x58\x02\x01k", b"\x1c\x00",
        b"\x05\xc8\x01\x02", b"\x00",
    ]  # fmt: skip
    cursor = Cursor(b"".join(fields))
    numbers = []
    for number, kind in cursor.fields():
        numbers.append(number)
        cursor.skip(kind)
    assert numbers == [*range(1, 13), 100]
    assert cursor.at == len(cursor.data)


def passed(data: bytes) -> int:
    """How many values there are."""
    cursor = Cursor(data)
    for _, kind in cursor.fields():
        cursor.skip(kind)
    return cursor.values


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x15",  # a field without its value
        b"\x18\x05abc\x00",  # a text longer than the data
        b"\x18" + b"\xff" * 9 + b"\x01",  # a text of exabytes
        b"\x18" + b"\x80" * 20,  # a length without end
        b"\x16" + b"\x80" * 20 + b"\x01\x00",  # a number without end
        b"\x19\xf5" + varint(2**40),  # a list of exabytes
        b"\x1b" + varint(2**40) + b"\x55",  # a map of exabytes
        b"\x1d\x00",  # no such type
        b"\x17\x00",  # half a number
    ],
)
def test_garbled_thrift(data: bytes) -> None:
    with pytest.raises(Garbled):
        passed(data)


@pytest.mark.parametrize("data", [b"\x1c" * 1000, b"\x19" + b"\x19" * 1000])
def test_values_nested_too_deep(data: bytes) -> None:
    assert passed(b"\x1c" * (MAX_NESTING - 1) + b"\0" * MAX_NESTING) == MAX_NESTING - 1
    with pytest.raises(TooMuch):
        passed(data)


def test_too_many_values() -> None:
    values = MAX_FOOTER_VALUES - 1
    assert passed(b"\x19\xf5" + varint(values) + bytes(values) + b"\0") == MAX_FOOTER_VALUES
    with pytest.raises(TooMuch, match=f"{MAX_FOOTER_VALUES:,}"):
        passed(b"\x19\xf5" + varint(values + 1) + bytes(values + 2))
