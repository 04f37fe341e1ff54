"""Whatever the bytes: facts or a refusal, within the limits, in the same way each time."""

import random
import time
import tracemalloc
import zipfile
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.formats import failures as failures_module
from service.formats.check import Depth, check_clip
from service.formats.facts import ClipFacts
from service.formats.failures import Reason
from service.formats.mp4 import MAX_BOXES
from service.formats.parquet import MAX_FOOTER_BYTES
from service.formats.reader import MAX_TOTAL_BYTES
from service.formats.thrift import MAX_VALUES
from tests.unit.formats.making import (
    CLIP,
    CLIP_ID,
    FILM,
    FRAGMENTED,
    FTYP,
    Film,
    Raw,
    Source,
    box,
    changed,
    clip_files,
    fragment,
    fragmented,
    full,
    outcome,
    parquet,
    table,
    varint,
    with_layer,
    write_zip,
)

fuzz = settings(
    max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
DIRECTORY = CLIP.index(b"PK\1\2")
FILES = clip_files()
EGO = FILES[f"{CLIP_ID}.egomotion_estimate.parquet"]
MOOV = FILM.index(b"moov") - 4
SMALL = write_zip([Raw(name.encode(), data) for name, data in FILES.items() if b"_estimate" in name.encode()])
FILMS = [FILM, FRAGMENTED, Film().bytes(), fragmented(*[fragment()] * 3)]


def decided(data: bytes, key: str) -> ClipFacts | Reason:
    """Facts or the reason, at the deeper depth; a shallower check refuses nothing that the deeper one accepts."""
    outcomes: list[ClipFacts | Reason] = []
    for depth in Depth:
        source = Source(data)
        try:
            outcomes.append(check_clip(key, source, depth=depth))
        except ContentInvalid as refusal:
            outcomes.append(presentable(refusal))
        assert source.total <= MAX_TOTAL_BYTES
    shallow, deep = outcomes
    assert not (isinstance(deep, ClipFacts) and isinstance(shallow, Reason))
    return deep


def presentable(refusal: ContentInvalid) -> Reason:
    assert refusal.message.isprintable()
    assert len(refusal.message) < 4000
    return refusal.reason


def changes(start: int, end: int) -> st.SearchStrategy[list[tuple[int, bytes]]]:
    """A few places in [start, end) and what is written there: bytes, or a number that is often a limit."""
    numbers = st.sampled_from([0, 1, 7, 8, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])
    sizes, orders = st.sampled_from([1, 2, 4, 8]), st.sampled_from(["little", "big"])
    limits = st.builds(lambda number, size, order: (number % 256**size).to_bytes(size, order), numbers, sizes, orders)
    contents = st.binary(min_size=1, max_size=4) | limits
    return st.lists(st.tuples(st.integers(start, end - 1), contents), min_size=1, max_size=6)


def apply(data: bytes, places: list[tuple[int, bytes]]) -> bytes:
    out = bytearray(data)
    for at, content in places:
        out[at : at + len(content)] = content
    return bytes(out)


@fuzz
@given(changes(0, len(SMALL)))
def test_any_bytes_of_a_zip_changed(places: list[tuple[int, bytes]]) -> None:
    decided(apply(SMALL, places), "clip.zip")


@fuzz
@given(changes(DIRECTORY, len(CLIP)))
def test_any_bytes_of_a_directory_changed(places: list[tuple[int, bytes]]) -> None:
    decided(apply(CLIP, places), "clip.zip")


@fuzz
@given(changes(len(EGO) - 2247, len(EGO)))
def test_any_bytes_of_a_footer_changed(places: list[tuple[int, bytes]]) -> None:
    decided(with_small_layer(apply(EGO, places)), "clip.zip")


@fuzz
@given(st.binary(max_size=200))
def test_any_footer(footer: bytes) -> None:
    decided(with_small_layer(parquet(footer)), "clip.zip")


@fuzz
@given(st.sampled_from(FILMS), st.data())
def test_any_bytes_of_a_film_changed(film: bytes, data: st.DataObject) -> None:
    end = min(len(film), 1500) if film is not FILM else len(film)
    start = MOOV if film is FILM and data.draw(st.booleans()) else 0
    decided(apply(film, data.draw(changes(start, end))), "clip.mp4")


@fuzz
@given(st.sampled_from([SMALL, *FILMS]), st.data())
def test_bytes_removed_inserted_or_repeated(whole: bytes, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    inserted = data.draw(st.binary(max_size=40) | st.just(whole[start:end]) | st.just(bytes(100)))
    decided(whole[:start] + inserted + whole[data.draw(st.sampled_from([start, end])) :], "clip.zip")
    decided(whole[:start] + inserted + whole[end:], "clip.mp4")


@fuzz
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\3\4", b"PK\5\6", FTYP, FTYP + b"\0\0\1\0moov"]))
def test_any_bytes_at_all(noise: bytes, start: bytes) -> None:
    for key in ("clip.zip", "clip.mp4"):
        assert isinstance(decided(start + noise, key), Reason)


def with_small_layer(ego: bytes) -> bytes:
    return write_zip(
        [Raw(name.encode(), ego if "ego" in name else data) for name, data in FILES.items() if "_est" in name]
    )


@fuzz
@given(changes(0, len(SMALL)))
def test_what_passes_is_what_zipfile_reads(places: list[tuple[int, bytes]]) -> None:
    """No change can give the loader other required layers than those that were checked."""
    data = apply(SMALL, places)
    if isinstance(facts := decided(data, "clip.zip"), ClipFacts):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for layer in ("calibration_estimate", "egomotion_estimate"):
                prefix = "" if f"{layer}.parquet" in archive.namelist() else f"{facts.clip_id}."
                assert archive.read(f"{prefix}{layer}.parquet") == FILES[f"{CLIP_ID}.{layer}.parquet"]


# --- what hostile files cost ---------------------------------------------------------------------------------------


def stored_layer(data: bytes) -> bytes:
    return write_zip(changed(".egomotion", data=data, method=0))


def widest_footer() -> bytes:
    """A list of more numbers than a footer may hold."""
    return stored_layer(parquet(b"\x19\xf6" + varint(MAX_VALUES + 1) + bytes(MAX_VALUES + 2)))


def footer_of_structs() -> bytes:
    return stored_layer(parquet(b"\x19\xfc" + varint(MAX_VALUES + 1) + bytes(MAX_VALUES + 2)))


def large_footer() -> bytes:
    return stored_layer(parquet(bytes(MAX_FOOTER_BYTES)))


def hollow_layer() -> bytes:
    """20 MB in 0.3 MB, just below the ratio of a bomb."""
    noise = random.Random(1)
    return with_layer("egomotion_estimate", b"".join(noise.randbytes(10) + bytes(1000) for _ in range(20_000)))


def longest_tables() -> bytes:
    """Each sample a chunk of its own: the costliest tables for their size, a tenth of the largest read."""
    count = 100_000
    film = Film(stsc=table("stsc", (1, 1, 1)), stts=table("stts", (count, 1)))
    film.stsz = full("stsz", f"II{count}I", 0, count, *[1] * count)
    film.stco = full("stco", f"I{count}I", count, *[2_000_000] * count)
    return film.ftyp + film.moov() + box("mdat", bytes(1_000_000))


def tracks_of_boxes() -> bytes:
    return Film(extra_tracks=box("trak", box("free") * 150) * 99).bytes()


def runs_of_nothing() -> bytes:
    trun = full("trun", "I", 0)
    traf = box("traf", full("tfhd", "I", 1), trun * 900)
    return fragmented(*[box("moof", traf * 15)] * 100)


def boxes_of_nothing() -> bytes:
    return FTYP + box("free") * (2 * MAX_BOXES)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (widest_footer, "clip.zip"), (footer_of_structs, "clip.zip"), (hollow_layer, "clip.zip"),
        (large_footer, "clip.zip"), (longest_tables, "clip.mp4"), (tracks_of_boxes, "clip.mp4"),
        (runs_of_nothing, "clip.mp4"), (boxes_of_nothing, "clip.mp4"),
    ],
)  # fmt: skip
def test_a_hostile_file_costs_little(make: object, key: str) -> None:
    assert callable(make)
    data = make()
    tracemalloc.start()
    try:
        began = time.process_time()
        outcome(data, key)
        # Tracing takes five times as long as the check alone.
        assert time.process_time() - began < 15
        assert tracemalloc.get_traced_memory()[1] < 50 * 1024**2
    finally:
        tracemalloc.stop()


def test_every_reason_is_in_the_table() -> None:
    assert failures_module.__doc__ is not None
    rows = [line.split("|")[1].strip() for line in failures_module.__doc__.splitlines() if line.startswith("| ")][1:]
    assert rows == [str(reason) for reason in Reason]
