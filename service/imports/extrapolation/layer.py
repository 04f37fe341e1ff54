"""Extend the stationary tracks of the obstacle layer: Parquet in, Parquet out. The only user of a Parquet library.

At most `tracks.MAX_ROWS` rows are decoded and written; the caller limits the input bytes. The function's memory limits
what a hostile file unpacks to on the way: a `MemoryError` here.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from service.domain.errors import LayerTooLarge, LayerUnusable
from service.imports.extrapolation.result import Extrapolated
from service.imports.extrapolation.tracks import MAX_ROWS, Centre, Extension, TooManyRows, extend

TIME = ("key", "timestamp_micros")
TRACK = ("obstacle", "trackline_id")
CENTRE = ("obstacle", "center")

# The C library's allocator returns freed memory, and maps no more than requested.
pa.set_memory_pool(pa.system_memory_pool())


def extrapolate(obstacle: bytes, egomotion: bytes, distance: float) -> Extrapolated:
    """Return all rows of the obstacle layer and the rows that its stationary tracks lack in the egomotion's time.

    A new row repeats a given row at another time. If the given rows are sorted by time, all rows are; else the new rows
    come last. `distance` is in metres. Raises `LayerUnusable`, `LayerTooLarge`, `MemoryError`.
    """
    with _errors("egomotion_estimate"):
        times = _numbers(_read(egomotion, [".".join(TIME)]), TIME)
    known = [time for time in times if time is not None]
    if not known:
        raise LayerUnusable("egomotion_estimate: no row has a key.timestamp_micros")
    with _errors("obstacle"):
        file = _open(obstacle)
        layer = file.read(use_threads=False)
        columns = _columns(layer)
        extension = extend(*columns, first=min(known), last=max(known), distance=distance)
        extended = _with_rows(layer, columns[1], extension)
        return Extrapolated(
            body=_written(extended, _compression(file)),
            tracks=extension.tracks,
            stationary=extension.stationary,
            rows=extended.num_rows,
            added=len(extension.new_rows),
        )


@contextmanager
def _errors(layer: str) -> Iterator[None]:
    try:
        yield
    except TooManyRows as error:
        raise LayerTooLarge(f"{layer}: {error}") from error
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError, OverflowError) as error:
        raise LayerUnusable(f"{layer}: {_sentence(error)}") from error


def _sentence(error: Exception) -> str:
    return ascii(str(error).splitlines()[0][:300])[1:-1] if str(error) else type(error).__name__


def _open(body: bytes) -> pq.ParquetFile:
    file = pq.ParquetFile(io.BytesIO(body))
    if file.metadata.num_rows > MAX_ROWS:
        raise TooManyRows(f"{file.metadata.num_rows:,} rows, at most {MAX_ROWS:,} are extended")
    return file


def _read(body: bytes, columns: Sequence[str]) -> pa.Table:
    return _open(body).read(columns=list(columns), use_threads=False)


def _columns(layer: pa.Table) -> tuple[list[str | None], list[int | None], list[Centre | None]]:
    centres = _leaf(layer, CENTRE)
    axes = [_coordinates(centres, axis) for axis in "xyz"]
    tracks = _leaf(layer, TRACK).to_pylist()
    return (
        [None if track is None else str(track) for track in tracks],
        _numbers(layer, TIME),
        list(zip(*axes, strict=True)),
    )


def _coordinates(centres: Any, axis: str) -> list[float | None]:
    leaf = pc.struct_field(centres, axis)
    if not (pa.types.is_floating(leaf.type) or pa.types.is_integer(leaf.type)):
        raise LayerUnusable(f"{'.'.join(CENTRE)}.{axis} is {leaf.type}, not a number")
    values: list[float | None] = leaf.to_pylist()
    return values


def _leaf(table: pa.Table, path: tuple[str, str]) -> Any:
    outer, inner = path
    if table.schema.get_field_index(outer) < 0:
        raise LayerUnusable(f"the layer has no column {outer}.{inner}")
    return pc.struct_field(table.column(outer), inner)


def _numbers(table: pa.Table, path: tuple[str, str]) -> list[int | None]:
    leaf = _leaf(table, path)
    if not pa.types.is_integer(leaf.type):
        raise LayerUnusable(f"{'.'.join(path)} is {leaf.type}, not a whole number")
    numbers: list[int | None] = leaf.to_pylist()
    return numbers


def _with_rows(layer: pa.Table, times: Sequence[int | None], extension: Extension) -> pa.Table:
    if not extension.new_rows:
        return layer
    new = [(row.time, row.like) for row in extension.new_rows]
    rows = [(time, row) for row, time in enumerate(times)] + new
    given = [time for time in times if time is not None]
    if len(given) == len(times) and all(earlier <= later for earlier, later in pairwise(given)):
        rows.sort(key=lambda row: row[0] or 0)
    taken = layer.take(pa.array([like for _, like in rows], pa.int64())).combine_chunks()
    at = layer.schema.get_field_index(TIME[0])
    keys = _at_times(taken.column(at).combine_chunks(), [time for time, _ in rows])
    return taken.set_column(at, layer.schema.field(at), keys)


def _at_times(keys: Any, times: Sequence[int | None]) -> Any:
    """Return the structs with other times."""
    if isinstance(keys, pa.ChunkedArray):
        keys = pa.concat_arrays(keys.chunks)
    fields = [keys.type.field(index) for index in range(keys.type.num_fields)]
    parts = [keys.field(index) for index in range(len(fields))]
    at = keys.type.get_field_index(TIME[1])
    # Also keep the values below a null struct: a field that may not be null has one there.
    values = [below if time is None else time for time, below in zip(times, parts[at].to_pylist(), strict=True)]
    parts[at] = pa.array(values, fields[at].type)
    return pa.StructArray.from_arrays(parts, fields=fields, mask=keys.is_null())


def _compression(file: pq.ParquetFile) -> str:
    """Return the compression of the layer's first column."""
    metadata = file.metadata
    used = metadata.row_group(0).column(0).compression if metadata.num_row_groups and metadata.num_columns else "SNAPPY"
    return "NONE" if used == "UNCOMPRESSED" else str(used)


def _written(table: pa.Table, compression: str) -> bytes:
    body = io.BytesIO()
    pq.write_table(table, body, compression=compression)
    return body.getvalue()
