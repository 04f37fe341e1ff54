"""For any bytes, a check returns facts or an error, within its limits, and the same each time."""

import zipfile
from io import BytesIO

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.formats.check import Depth, check_clip
from service.formats.facts import ClipFacts
from service.formats.failures import Reason
from tests.unit.formats.making import (
    CLIP,
    CLIP_ID,
    FILM,
    FRAGMENTED,
    FTYP,
    Film,
    Raw,
    Source,
    clip_files,
    fragment,
    fragmented,
    parquet,
    write_zip,
)

fuzz = settings(max_examples=250, suppress_health_check=list(HealthCheck))
DIRECTORY = CLIP.index(b"PK\1\2")
FILES = clip_files()
EGO = FILES[f"{CLIP_ID}.egomotion_estimate.parquet"]
MOOV = FILM.index(b"moov") - 4
SMALL = write_zip([Raw(name.encode(), data) for name, data in FILES.items() if b"_estimate" in name.encode()])
FILMS = [FILM, FRAGMENTED, Film().bytes(), fragmented(*[fragment()] * 3)]


def decided(data: bytes, key: str) -> ClipFacts | Reason:
    """Facts, or why it is invalid, at the deeper depth; a shallower check refuses nothing that this one accepts."""
    outcomes: list[ClipFacts | Reason] = []
    for depth in Depth:
        source = Source(data)
        verdict = check_clip(key, source, depth=depth)
        if verdict.finding:
            assert verdict.finding.message.isprintable()
            assert len(verdict.finding.message) < 4000
        outcomes.append(verdict.finding.reason if verdict.failure and verdict.finding else verdict.facts)
    shallow, deep = outcomes
    assert not (isinstance(deep, ClipFacts) and isinstance(shallow, Reason))
    return deep


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
