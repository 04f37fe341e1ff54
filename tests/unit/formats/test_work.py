"""The cost of hostile files: counted work and measured memory; no result depends on time."""

import tracemalloc

import pytest

from service.formats import limits
from service.formats.check import Depth, check_clip
from service.formats.facts import Verdict
from service.formats.failures import Reason
from tests.unit.formats.hostile import HOSTILE, footer_of_row_groups, fragments_of_nothing, longest_tables
from tests.unit.formats.making import Source, judge

MOST = {
    "boxes": limits.MAX_BOXES,
    "entries": limits.MAX_ENTRIES,
    "unpacked": limits.MAX_UNPACKED_BYTES,
    "values": limits.MAX_FOOTER_VALUES,
}
MEMORY_BYTES = 64 * 1024**2


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_no_more_than_the_limits(name: str, depth: Depth) -> None:
    make, key = HOSTILE[name]
    source = Source(make())
    assert within_limits(check_clip(key, source, depth=depth))
    assert len(source.ranges) <= limits.MAX_READS


@pytest.mark.parametrize(
    "name",
    [
        "large_footer",
        "hollow_layer",
        "longest_tables",
        "longest_times",
        "longest_run",
        "moov_of_boxes",
        "descriptions_of_boxes",
        "footer_of_columns",
        "footer_of_chunks",
    ],
)
def test_a_hostile_file_takes_no_more_memory_than_the_limit(name: str) -> None:
    """Tests the hostile files whose check needs the most memory."""
    make, key = HOSTILE[name]
    source = Source(make())
    tracemalloc.start()
    try:
        check_clip(key, source, depth=Depth.DEEP)
        assert tracemalloc.get_traced_memory()[1] < MEMORY_BYTES
    finally:
        tracemalloc.stop()


def within_limits(verdict: Verdict) -> bool:
    """A step over a limit is counted before it ends the check, so each may be passed by one step's work."""
    assert set(verdict.work) == set(MOST)
    slack = {"boxes": limits.MAX_BOXES, "entries": limits.MAX_TABLE_ENTRIES, "unpacked": 2**40, "values": 2**40}
    over = [kind for kind, count in verdict.work.items() if count > MOST[kind]]
    stopped = verdict.code in (
        Reason.MP4_TOO_MANY_BOXES, Reason.TOO_MUCH_TO_READ, Reason.CLIPGT_LAYERS_TOO_LARGE,
        Reason.PARQUET_FOOTER_TOO_LARGE,
    )  # fmt: skip
    return all(stopped and verdict.work[kind] <= MOST[kind] + slack[kind] for kind in over)


def test_headers_are_parsed_once_and_not_for_every_fragment() -> None:
    """`mvex` has 999 boxes, and 98,000 fragments follow."""
    verdict = judge(fragments_of_nothing(), "clip.mp4")
    assert 98_000 < verdict.work["boxes"] < 98_000 + 2_000


def test_work_is_counted_where_it_is_done() -> None:
    tables = judge(longest_tables(1000), "clip.mp4", depth=Depth.DEEP)
    assert tables.work["entries"] == 2 + 3 + 1000 + 2000 + limits.CHUNK_ENTRIES * 1000
    footer = judge(footer_of_row_groups())
    assert footer.code == Reason.PARQUET_MISSING_COLUMN
    assert footer.work["values"] > 300_000 * 5
    assert footer.work["unpacked"] > 3_000_000
