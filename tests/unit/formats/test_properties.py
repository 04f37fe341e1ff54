"""Properties of all generated films and archives, whole or damaged."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.formats.check import Depth, check_clip
from service.formats.facts import Content, Verdict
from service.formats.limits import MAX_READS, MAX_TOTAL_BYTES
from tests.unit.formats.making import CLIP, CLIP_ID, Source, judge
from tests.unit.formats.strategies import Damage, Made, archives, damages, films, fragmented_films

thorough = settings(max_examples=100, suppress_health_check=list(HealthCheck))
FINGERPRINT = judge(CLIP).facts.fingerprint


def both(data: bytes, key: str) -> tuple[Verdict, Verdict]:
    """The verdicts of both depths, within the limits, the deep one at least as strict."""
    verdicts = []
    for depth in Depth:
        source = Source(data)
        verdicts.append(check_clip(key, source, depth=depth))
        assert verdicts[-1].reads == len(source.ranges) <= MAX_READS
        assert source.total <= MAX_TOTAL_BYTES
        assert verdicts[-1].message is None or verdicts[-1].message.isprintable()
        assert (verdicts[-1].finding is None) == (verdicts[-1].content is Content.VALID)
    structure, deep = verdicts
    assert not (structure.failure and deep.finding is None), (structure, deep)
    return structure, deep


@thorough
@given(films() | fragmented_films())
def test_a_film_is_valid_and_as_long_as_it_plays(made: Made) -> None:
    for verdict in both(made.data, "clip.mp4"):
        assert verdict.content is Content.VALID, verdict.message
        assert verdict.facts.duration_s is not None
        assert abs(verdict.facts.duration_s - made.seconds) <= max(0.01, made.seconds * 1e-6)


@thorough
@given(archives())
def test_an_archive_is_valid_however_it_is_packed(data: bytes) -> None:
    for verdict in both(data, "clip.zip"):
        assert verdict.content is Content.VALID, verdict.message
        assert (verdict.facts.clip_id, verdict.facts.fingerprint) == (CLIP_ID, FINGERPRINT)


@thorough
@given(films(), st.floats(0, 1))
def test_a_film_that_is_cut_is_invalid(made: Made, share: float) -> None:
    cut = min(int(share * made.whole), made.whole - 1)
    structure, _ = both(made.data[:cut], "clip.mp4")
    assert structure.content is Content.INVALID


@thorough
@given(archives(), st.floats(0, 1))
def test_an_archive_that_is_cut_is_invalid(data: bytes, share: float) -> None:
    structure, _ = both(data[: min(int(share * len(data)), len(data) - 600)], "clip.zip")
    assert structure.content is Content.INVALID


@thorough
@given(films() | fragmented_films(), damages())
def test_any_damage_to_a_film_comes_to_a_verdict(made: Made, hits: list[Damage]) -> None:
    data = made.data
    for hit in hits:
        data = hit.of(data)
    both(data, "clip.mp4")


@thorough
@given(archives(), damages())
def test_any_damage_to_an_archive_is_found_or_harmless(data: bytes, hits: list[Damage]) -> None:
    """In an archive that passes a deep check, every file is unchanged or was replaced by another valid file."""
    for hit in hits:
        data = hit.of(data)
    _, deep = both(data, "clip.zip")
    if deep.content is Content.VALID:
        assert deep.facts.rows is not None
        assert deep.facts.rows["egomotion_estimate"] == 601
