"""Clip rows."""

from dataclasses import replace

import pytest

from service.domain.clips import ClipRow, ClipStatus, Content, Extrapolation, ExtrapolationStatus, Overruled, SourceFate
from service.ports.clips import ClipStore
from tests.samples import DONE, a_sets_rows, row

JOB = "ij_1"

FAILED = Extrapolation(status=ExtrapolationStatus.FAILED, code="NO_OBSTACLES", message="none 日本")


@pytest.mark.parametrize(
    "one",
    [
        row(0),
        row(9_999_999, ClipStatus.FAILED),
        row(1, ClipStatus.SKIPPED),
        row(2, ClipStatus.CANCELLED),
        ClipRow(ordinal=3, status=ClipStatus.COPIED, size=50 * 1024**4, etag="e"),
        ClipRow(ordinal=4, status=ClipStatus.COPIED, size=0, etag="e"),
        replace(row(5), extrapolation=DONE),
        replace(row(6), content=Content.UNCHECKED, content_code="MP4_MOOV_TOO_LARGE", content_message="why 日本"),
        replace(row(7), content=Content.INVALID, overruled=Overruled(code="NOT_A_ZIP", message="why 日本")),
    ],
)
def test_a_row_comes_back_as_it_was(clips: ClipStore, one: ClipRow) -> None:
    clips.put(JOB, [one])
    assert clips.get(JOB, [one.ordinal]) == {one.ordinal: one}


@pytest.mark.parametrize("status", [ClipStatus.COPIED, ClipStatus.SKIPPED])
@pytest.mark.parametrize("made", [DONE, FAILED])
def test_an_extrapolation_is_noted_on_the_row_and_changes_nothing_else(
    clips: ClipStore, status: ClipStatus, made: Extrapolation
) -> None:
    given = replace(row(3, status), facts={"format": "clipgt"})
    clips.put(JOB, [given, row(4)])
    assert clips.extrapolated(JOB, 3, made)
    assert clips.get(JOB, [3, 4]) == {3: replace(given, extrapolation=made), 4: row(4)}
    assert list(clips.in_order(JOB, first=0)) == [replace(given, extrapolation=made), row(4)]


@pytest.mark.parametrize("status", [ClipStatus.FAILED, ClipStatus.CANCELLED])
def test_only_clips_that_landed_get_an_extrapolation(clips: ClipStore, status: ClipStatus) -> None:
    clips.put(JOB, [row(3, status)])
    assert not clips.extrapolated(JOB, 3, DONE)
    assert clips.get(JOB, [3]) == {3: row(3, status)}


@pytest.mark.parametrize(
    "fate", [SourceFate(deleted=True), SourceFate(deleted=False, code="SOURCE_CHANGED", message="it changed")]
)
def test_a_copied_clip_keeps_what_became_of_its_source(clips: ClipStore, fate: SourceFate) -> None:
    clips.put(JOB, [row(3), row(4, ClipStatus.SKIPPED)])
    assert clips.source_settled(JOB, 3, fate)
    assert not clips.source_settled(JOB, 4, fate)
    assert not clips.source_settled(JOB, 5, fate)
    assert clips.get(JOB, [3, 4, 5]) == {3: replace(row(3), source=fate), 4: row(4, ClipStatus.SKIPPED)}


def test_a_source_that_was_deleted_stays_so(clips: ClipStore) -> None:
    kept, deleted = SourceFate(deleted=False, code="COPY_CHANGED", message="m"), SourceFate(deleted=True)
    clips.put(JOB, [row(3)])
    assert clips.source_settled(JOB, 3, kept)
    assert not clips.source_settled(JOB, 3, replace(kept, code="SOURCE_CHANGED"))
    assert clips.get(JOB, [3])[3].source == kept
    assert clips.source_settled(JOB, 3, deleted)
    assert not clips.source_settled(JOB, 3, kept)
    assert clips.get(JOB, [3])[3].source == deleted


def test_a_row_that_was_deleted_does_not_come_back(clips: ClipStore) -> None:
    assert not clips.extrapolated(JOB, 3, DONE)
    assert not clips.get(JOB, [3])


def test_rows_of_a_set_come_back_and_hold(clips: ClipStore) -> None:
    first = a_sets_rows(ClipStatus.FAILED)
    assert clips.settle(JOB, first) == first
    assert clips.settle(JOB, a_sets_rows(ClipStatus.COPIED)) == first, "the first fate holds"
    assert clips.get(JOB, [row.ordinal for row in first]) == {row.ordinal: row for row in first}
    assert clips.failures(JOB, first=0, limit=100) == first


def test_a_set_that_a_retry_opened_is_settled_by_that_run_only(clips: ClipStore) -> None:
    clips.settle(JOB, a_sets_rows(ClipStatus.FAILED))
    opened = [replace(row, status=ClipStatus.PENDING, run=2) for row in a_sets_rows(ClipStatus.PENDING)]
    clips.put(JOB, opened)
    landed = a_sets_rows(ClipStatus.COPIED)
    for former in (0, 1):
        assert clips.settle(JOB, landed, run=former) == opened, "a worker of a former run is told that it is late"
    assert clips.settle(JOB, landed, run=2) == landed
    assert clips.settle(JOB, a_sets_rows(ClipStatus.FAILED), run=2) == landed


def test_a_thousand_rows_come_back(clips: ClipStore) -> None:
    rows = {n: row(n, ClipStatus.FAILED if n % 3 else ClipStatus.COPIED) for n in range(1_000)}
    clips.put(JOB, rows.values())
    assert clips.get(JOB, range(1_000)) == rows


def test_only_the_rows_that_exist_come_back(clips: ClipStore) -> None:
    clips.put(JOB, [row(1), row(3)])
    assert sorted(clips.get(JOB, range(5))) == [1, 3]
    assert clips.get(JOB, []) == {}
    assert clips.get("ij_10", [1, 3]) == {}
    clips.put(JOB, [])


def test_a_row_that_is_written_again_is_replaced(clips: ClipStore) -> None:
    clips.put(JOB, [row(1, ClipStatus.FAILED)])
    clips.put(JOB, [row(1)])
    assert clips.get(JOB, [1]) == {1: row(1)}
    assert clips.failures(JOB, first=0, limit=10) == []


def test_failures_are_in_order_from_where_they_are_asked_for(clips: ClipStore) -> None:
    wanted = {ClipStatus.FAILED: range(0, 200, 5), ClipStatus.CANCELLED: range(1, 200, 50)}
    rows = [row(n, status) for status, ordinals in wanted.items() for n in ordinals]
    clips.put(JOB, [*rows, row(2), row(3, ClipStatus.SKIPPED)])
    clips.put("ij_10", [row(0, ClipStatus.FAILED)])
    expected = sorted(rows, key=lambda one: one.ordinal)
    assert clips.failures(JOB, first=0, limit=1_000) == expected
    assert clips.failures(JOB, first=0, limit=7) == expected[:7]
    assert clips.failures(JOB, first=51, limit=3) == [one for one in expected if one.ordinal >= 51][:3]
    assert clips.failures(JOB, first=10_000, limit=3) == []


def test_paging_through_the_failures_misses_none(clips: ClipStore) -> None:
    clips.put(JOB, (row(n, ClipStatus.FAILED) for n in range(0, 300, 3)))
    found: list[int] = []
    first = 0
    while rows := clips.failures(JOB, first=first, limit=30):
        found += [one.ordinal for one in rows]
        first = found[-1] + 1
    assert found == list(range(0, 300, 3))


def test_rows_are_deleted_some_at_a_time_until_none_are_left(clips: ClipStore) -> None:
    rows = [ClipRow(ordinal=ordinal, status=ClipStatus.COPIED, size=1) for ordinal in range(40)]
    clips.put("ij_1", rows)
    clips.put("ij_10", rows[:3])
    rounds = 0
    while clips.delete_some("ij_1"):
        rounds += 1
    assert rounds > 1
    assert clips.get("ij_1", range(40)) == {}
    assert len(clips.get("ij_10", range(40))) == 3


def test_a_set_of_a_retry_that_plans_for_the_first_time_gets_its_rows(clips: ClipStore) -> None:
    """The first attempt was never planned, so no row waits for the retry."""
    rows = [ClipRow(ordinal=ordinal, status=ClipStatus.FAILED, code="X", message="why") for ordinal in range(2)]
    assert [row.status for row in clips.settle("ij_1", rows, run=1)] == [ClipStatus.FAILED] * 2
    later = [ClipRow(ordinal=ordinal, status=ClipStatus.SKIPPED) for ordinal in range(2)]
    assert [row.status for row in clips.settle("ij_1", later, run=1)] == [ClipStatus.FAILED] * 2


def test_a_message_is_replaced_only_on_the_row_that_was_seen(clips: ClipStore) -> None:
    failed = replace(row(3, ClipStatus.FAILED), message="because")
    clips.put(JOB, [failed, row(4)])
    assert clips.explained(JOB, failed, "because; its copy is still there")
    told = replace(failed, message="because; its copy is still there")
    assert clips.get(JOB, [3]) == {3: told}
    pending = replace(failed, status=ClipStatus.PENDING, run=1)
    for other in (failed, replace(told, status=ClipStatus.CANCELLED), replace(failed, ordinal=9)):
        assert not clips.explained(JOB, other, "stale")
    for other in (pending, replace(told, deleted_at="t")):
        clips.put(JOB, [other])
        assert not clips.explained(JOB, told, "stale")
        assert clips.get(JOB, [3, 9]) == {3: other}
