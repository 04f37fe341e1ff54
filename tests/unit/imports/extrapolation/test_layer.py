"""Obstacle layers as Parquet: those of the real clips, cut, and made ones."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from service.domain.errors import LayerTooLarge, LayerUnusable
from service.imports.extrapolation import layer
from service.imports.extrapolation.layer import extrapolate
from tests.paths import DATA

CLIPS = sorted((DATA / "clipgt").glob("*.zip")) + [
    DATA / "clipgt_ok_variants" / f"ok_{how}.zip" for how in ("bare", "nested")
]
DISTANCE = 0.5

clips = pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)


def layer_of(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        (member,) = (one for one in archive.namelist() if one.endswith((f".{name}.parquet", f"/{name}.parquet")))
        return archive.read(member)


def written(table: pa.Table, **options: Any) -> bytes:
    body = io.BytesIO()
    pq.write_table(table, body, **options)
    return body.getvalue()


def read(body: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(body))


def field(table: pa.Table, outer: str, inner: str) -> Any:
    return pc.struct_field(table[outer], inner)


def cut(table: pa.Table, track: str, begin: int, end: int) -> pa.Table:
    """The layer with one track seen from `begin` to `end` only."""
    time = field(table, "key", "timestamp_micros")
    others = pc.not_equal(field(table, "obstacle", "trackline_id"), track)
    return table.filter(pc.or_(others, pc.and_(pc.greater_equal(time, begin), pc.less_equal(time, end))))


def rows_of(table: pa.Table, track: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["obstacle"]["trackline_id"] == track]


def but_turned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without where they point: in the clips, as the ego vehicle does, even what is parked."""
    return [row | {"obstacle": row["obstacle"] | {"orientation": None}} for row in rows]


@clips
def test_a_whole_layer_stays_as_it_is(path: Path) -> None:
    given = layer_of(path, "obstacle")
    made = extrapolate(given, layer_of(path, "egomotion_estimate"), DISTANCE)
    assert (made.tracks, made.stationary, made.added) == (2, 1, 0)
    assert read(made.body).equals(read(given), check_metadata=True)
    assert made.rows == read(given).num_rows


@clips
def test_a_parked_car_seen_for_two_seconds_is_there_all_the_time_and_the_lead_vehicle_is_untouched(path: Path) -> None:
    whole, egomotion = read(layer_of(path, "obstacle")), layer_of(path, "egomotion_estimate")
    given = cut(cut(whole, "parked", 5_000_000, 7_000_000), "lead", 3_000_000, 6_000_000)
    made = extrapolate(written(given), egomotion, DISTANCE)
    result = read(made.body)
    assert but_turned(rows_of(result, "parked")) == but_turned(rows_of(whole, "parked"))
    assert rows_of(result, "lead") == rows_of(given, "lead")
    assert (made.rows, made.added) == (result.num_rows, whole["obstacle"].length() // 2 - 21)
    times = field(result, "key", "timestamp_micros").to_pylist()
    assert times == sorted(times)
    assert result.schema.equals(whole.schema, check_metadata=True)


def test_the_file_has_the_schema_and_compression_of_the_given_one() -> None:
    given = cut(read(layer_of(CLIPS[0], "obstacle")), "parked", 0, 1_000_000)
    egomotion = layer_of(CLIPS[0], "egomotion_estimate")
    for compression in ("zstd", "snappy", "none"):
        body = written(given, compression=compression)
        made = extrapolate(body, egomotion, DISTANCE)
        before, after = pq.ParquetFile(io.BytesIO(body)), pq.ParquetFile(io.BytesIO(made.body))
        assert after.schema.equals(before.schema)
        assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
        compressions = [one.metadata.row_group(0).column(0).compression for one in (before, after)]
        assert compressions[0] == compressions[1]


KEY = pa.struct(
    [pa.field("timestamp_micros", pa.int64(), nullable=False), ("clip_id", pa.dictionary(pa.int32(), pa.string()))]
)
POINT = pa.struct([("x", pa.float32()), ("y", pa.float32()), ("z", pa.float32())])
OBSTACLE = pa.struct([("trackline_id", pa.large_string()), ("center", POINT), ("tags", pa.list_(pa.string()))])
SCHEMA = pa.schema(
    [pa.field("obstacle", OBSTACLE), pa.field("key", KEY), pa.field("more", pa.decimal128(9, 2))],
    metadata={b"made by": b"a test"},
)


def a_layer(*seen: tuple[str | None, int | None], schema: pa.Schema = SCHEMA) -> bytes:
    """Rows of tracks that stand still, by name and time; without a time the row has no key."""
    rows = [
        {
            "obstacle": {"trackline_id": track, "center": {"x": 1, "y": 2, "z": 3}, "tags": ["a", None]},
            "key": None if time is None else {"timestamp_micros": time, "clip_id": "c"},
            "more": None,
        }
        for track, time in seen
    ]
    return written(pa.Table.from_pylist(rows, schema=schema))


def egomotion(*times: int | None) -> bytes:
    rows = [{"timestamp_micros": time} for time in times]
    return written(pa.table({"key": pa.array(rows, pa.struct([("timestamp_micros", pa.int64())]))}))


def seen_in(body: bytes) -> list[tuple[str | None, int | None]]:
    return [
        (row["obstacle"]["trackline_id"], (row["key"] or {}).get("timestamp_micros")) for row in read(body).to_pylist()
    ]


def test_types_that_other_writers_use_stay() -> None:
    made = extrapolate(a_layer(("a", 0), ("a", 10)), egomotion(0, 20), DISTANCE)
    result = read(made.body)
    assert result.schema.equals(read(a_layer(("a", 0))).schema, check_metadata=True)
    assert result.to_pylist()[2] == result.to_pylist()[1] | {"key": {"timestamp_micros": 20, "clip_id": "c"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("a", 10), ("b", 10), ("a", 20)], [("a", 0), ("a", 10), ("b", 10), ("a", 20), ("a", 30)]),
        ([("b", 20), ("a", 10), ("a", 20)], [("b", 20), ("a", 10), ("a", 20), ("a", 0), ("a", 30)]),
        ([("a", 10), (None, 15), ("a", 20)], [("a", 0), ("a", 10), (None, 15), ("a", 20), ("a", 30)]),
        ([("a", 10), ("a", None), ("a", 20)], [("a", 10), ("a", None), ("a", 20), ("a", 0), ("a", 30)]),
        ([], []),
    ],
)
def test_given_rows_keep_their_order(given: Sequence[Any], expected: Sequence[Any]) -> None:
    assert seen_in(extrapolate(a_layer(*given), egomotion(30, 0, None), DISTANCE).body) == expected


def without(column: str) -> bytes:
    return written(read(a_layer(("a", 0))).drop_columns([column]))


@pytest.mark.parametrize(
    ("obstacle", "ego", "said"),
    [
        (b"no parquet", egomotion(0), "obstacle: Parquet magic bytes not found"),
        (a_layer(("a", 0)), b"", "egomotion_estimate: "),
        (a_layer(("a", 0)), egomotion(None), "egomotion_estimate: no row has a key.timestamp_micros"),
        (a_layer(("a", 0)), written(pa.table({"x": [1]})), "the layer has no column key.timestamp_micros"),
        (without("key"), egomotion(0), "the layer has no column key.timestamp_micros"),
        (without("obstacle"), egomotion(0), "the layer has no column obstacle.center"),
        (written(pa.table({"obstacle": [1], "key": [1]})), egomotion(0), "obstacle: "),
        (written(pa.table({"obstacle": [{"trackline_id": "a"}], "key": [1]})), egomotion(0), "obstacle: "),
        (
            written(pa.table({"obstacle": [{"trackline_id": "a", "center": {"x": "1", "y": 2, "z": 3}}]})),
            egomotion(0),
            "obstacle.center.x is string, not a number",
        ),
        (
            a_layer(("a", 0)),
            written(pa.table({"key": [{"timestamp_micros": 1.5}]})),
            "key.timestamp_micros is double, not a whole number",
        ),
    ],
)
def test_what_cannot_be_used_is_said(obstacle: bytes, ego: bytes, said: str) -> None:
    with pytest.raises(LayerUnusable) as refused:
        extrapolate(obstacle, ego, DISTANCE)
    assert said in refused.value.message


def test_a_damaged_page_is_said() -> None:
    body = bytearray(layer_of(CLIPS[0], "obstacle"))
    body[4:400] = bytes(396)
    with pytest.raises(LayerUnusable):
        extrapolate(bytes(body), layer_of(CLIPS[0], "egomotion_estimate"), DISTANCE)


def test_too_many_rows_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "MAX_ROWS", 2)
    with pytest.raises(LayerTooLarge, match="obstacle: 3 rows, at most 2"):
        extrapolate(a_layer(("a", 0), ("a", 1), ("a", 2)), egomotion(0), DISTANCE)
    with pytest.raises(LayerTooLarge, match="egomotion_estimate: 3 rows"):
        extrapolate(a_layer(("a", 0)), egomotion(0, 1, 2), DISTANCE)


def test_a_track_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(LayerTooLarge, match="more than 500,000 rows"):
        extrapolate(a_layer(("a", 0), ("a", 1)), egomotion(0, 2**62), DISTANCE)
