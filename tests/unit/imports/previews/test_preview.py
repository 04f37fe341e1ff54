"""Previews: the planner's dry run, within its time, writing nothing."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from threading import Event
from typing import Any

import pytest

import service.sources.deadline
from service.domain.clips import ClipStatus
from service.domain.errors import (
    AccessDenied,
    CannotAccess,
    InvalidRequest,
    InvalidUri,
    LimitExceeded,
)
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import Archived, ImportRequest, ImportSettings, OnExisting, Restore, RestoreTier
from service.domain.uris import Location
from service.formats.reader import RangeReader
from service.imports.previews.preview import preview
from service.imports.previews.restores import restore_prices
from service.imports.previews.result import Preview, Total
from service.ports.objects import SourceStorage
from tests.builders import PROJECT, World, a_set, import_list, import_prefix, import_sets

MIB = 1024**2
PREFIX = import_prefix("s3://source/p/")


def look(
    world: World,
    request: ImportRequest = PREFIX,
    *,
    seconds: float = 1e5,
    storage: SourceStorage | None = None,
    monotonic: Callable[[], float] | None = None,
    **figures: Any,
) -> Preview:
    """Every look at the clock takes a second, unless the test brings its own clock."""
    ports = world.preview_ports
    ports = replace(
        ports,
        seconds=seconds,
        access=ports.access.through(storage) if storage else ports.access,
        monotonic=monotonic or map(float, itertools.count()).__next__,
        deployment=replace(ports.deployment, **figures),
    )
    return preview(request, project=PROJECT, ports=ports)


def uris(*keys: str) -> list[str]:
    return [f"s3://source/{key}" for key in keys]


def sums(found: Preview) -> bool:
    outcome = found.outcome
    totals = (outcome.to_copy, outcome.to_skip, outcome.to_fail)
    counted = (sum(t.count for t in totals), sum(t.bytes for t in totals))
    by_code = all(
        sum(t.count for t in fates.by_code.values()) == fates.count for fates in (outcome.to_skip, outcome.to_fail)
    )
    return by_code and counted == (found.count, found.bytes)


# --- what lies there -------------------------------------------------------------------------------------------------


def test_it_counts_objects_bytes_and_extensions_and_skips_folder_markers(world: World) -> None:
    for key, size in [("p/", 0), ("p/a.zip", 5), ("p/b.ZIP", 7), ("p/c", 1), ("p/d.mp4", 0), ("q/e.zip", 9)]:
        world.storage.put("source", key, size)
    found = look(world)
    assert (found.root_path, found.count, found.bytes, found.complete) == ("s3://source/p/", 4, 13, True)
    assert found.keys == ["p/a.zip", "p/b.ZIP", "p/c", "p/d.mp4"]
    totals = {name: (total.count, total.bytes) for name, total in found.by_extension.items()}
    assert totals == {".zip": (2, 12), "": (1, 1), ".mp4": (1, 0)}
    assert sums(found)


def test_extensions_after_the_first_hundred_are_counted_together(world: World) -> None:
    for number in range(120):
        world.storage.put("source", f"p/{number:03d}.x{number:03d}", 1)
    found = look(world)
    assert len(found.by_extension) == 101
    assert found.by_extension["other"].count == 20


def test_it_shows_the_first_20_keys_and_clips(world: World) -> None:
    keys = world.put_sources(30)
    found = look(world, replace(PREFIX, run_name_prefix="run-", folder="f"))
    assert (found.count, found.keys) == (30, keys[:20])
    assert [clip.source_uri for clip in found.sample] == uris(*keys[:20])
    assert asdict(found.sample[0]) == {
        "run_name": "run-000000",
        "source_uri": "s3://source/p/000000.zip",
        "destination": "s3://clips/demo/f/source/p/000000.zip",
        "size": 10,
        "status": ClipStatus.PENDING,
        "code": None,
        "message": None,
    }


def test_an_empty_prefix_is_no_error(world: World) -> None:
    found = look(world, import_prefix("s3://source/nothing"))
    assert (found.count, found.complete, found.estimate.storage_per_month) == (0, True, 0)


# --- what would happen -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_existing", list(OnExisting))
@pytest.mark.parametrize("ask", [lambda keys: import_list(uris(*keys, "gone", keys[0])), lambda _keys: PREFIX])
def test_it_says_what_the_import_does_then(
    world: World, on_existing: OnExisting, ask: Callable[[Sequence[str]], ImportRequest]
) -> None:
    keys = world.put_sources(6)
    world.run(world.submit_list(keys[:3]).id)
    world.storage.put("source", keys[0], 99)
    request = replace(ask(keys), settings=ImportSettings(on_existing=on_existing))
    found = look(world, request)
    assert sums(found)
    job = world.submit(request)
    world.plan(job.id)
    fates = [(entry.destination, entry.status, entry.code) for entry in world.manifest(job.id)]
    shown = [(clip.destination.removeprefix("s3://clips/"), clip.status, clip.code) for clip in found.sample]
    assert shown == fates
    counts = world.run(job.id).counts
    outcome = found.outcome
    assert (outcome.to_copy.count, outcome.to_skip.count, outcome.to_fail.count) == (
        counts.copied,
        counts.skipped,
        counts.failed,
    )
    assert outcome.to_copy.bytes == counts.bytes


def test_a_list_is_inspected_and_every_mistake_has_its_code(world: World) -> None:
    world.put_sources(2)
    world.storage.fail_stat["p/denied"] = [AccessDenied("no", operation="inspect", uri="u")]
    good, again = uris("p/000000.zip"), uris("p/000000.zip")
    found = look(world, import_list([*good, *again, *uris("gone", "p/denied"), "s3://private/x.zip"]))
    assert (found.root_path, found.count, found.complete) == (None, 5, True)
    assert {code: total.count for code, total in found.outcome.to_skip.by_code.items()} == {"DUPLICATE": 1}
    failures = {code: total.count for code, total in found.outcome.to_fail.by_code.items()}
    assert failures == {"NOT_FOUND": 1, "CANNOT_ACCESS": 2}
    assert [clip.source_uri for clip in found.outcome.problems] == [*uris("gone", "p/denied"), "s3://private/x.zip"]
    assert all(clip.message for clip in found.outcome.problems)
    assert sums(found)


def test_sets_are_planned_whole_and_counted_in_views(world: World) -> None:
    keys = world.put_sources(99)
    sets = [a_set(*keys[first : first + 3]) for first in range(0, 99, 3)]
    found = look(world, import_sets(*sets, a_set("missing", keys[0])))
    assert (found.count, found.outcome.to_copy.count, found.outcome.to_fail.count) == (101, 99, 2)
    assert {problem.code for problem in found.outcome.problems} == {"NOT_FOUND", "SET_INCOMPLETE"}
    assert found.root_path is None


def test_no_more_than_20_problems_are_shown(world: World) -> None:
    found = look(world, import_list(uris(*(f"gone/{number}" for number in range(50)))))
    assert (found.outcome.to_fail.count, len(found.outcome.problems)) == (50, 20)


def test_nothing_is_written(world: World) -> None:
    world.put_sources(3)
    look(world)
    look(world, import_list(uris("p/000000.zip")))
    assert not world.jobs.rows
    assert not world.state.files
    assert not world.clips.rows
    counted = {"turns.all", "turns.put", "turns.remove"}  # as a slow request, while it runs
    assert set(world.faults.calls) <= {"integrations.page", "storage.list_page", "storage.stat"} | counted
    assert not world.slow[PROJECT].rows
    assert not world.storage.copies


def test_what_planning_asks_of_s3_is_in_the_estimate(world: World) -> None:
    world.put_sources(3)
    cheap = look(world, PREFIX).estimate.cost.s3_requests  # two listings
    dear = look(world, import_list(uris(*(f"p/00000{n}.zip" for n in range(3))))).estimate.cost.s3_requests  # 6 HEADs
    assert dear - cheap == pytest.approx(6 * 0.0004 / 1000 - 2 * 0.005 / 1000)


def test_batches_are_cut_as_the_manifest_cuts_them(world: World) -> None:
    world.put_sources(1_300)
    job = world.submit_prefix()
    world.plan(job.id)
    found = look(world, batch_clips=world.batch_clips, batch_bytes=world.batch_bytes)
    batches = len(world.batches(job.id))
    assert batches == 13
    assert found.estimate.cost.step_functions == pytest.approx((7 + 5 * batches) * 0.025 / 1000)


# --- in time ---------------------------------------------------------------------------------------------------------


def test_a_listing_that_takes_too_long_says_at_least(world: World) -> None:
    world.storage.page_size = 10
    world.put_sources(100)
    found = look(world, seconds=7)
    assert not found.complete
    assert 0 < found.count < 100
    assert found.count % 10 == 0
    assert found.outcome.to_copy.count == found.count
    assert sums(found)


def test_what_lets_nothing_through_is_cut_too(world: World) -> None:
    world.storage.page_size = 10
    for number in range(100):
        world.storage.put("source", f"p/{number:03d}/", 0)
    found = look(world, seconds=4)
    assert (found.count, found.complete) == (0, False)
    assert world.faults.calls["storage.list_page"] < 10


def test_a_list_is_cut_in_the_middle(world: World) -> None:
    keys = world.put_sources(100)
    found = look(world, import_list(uris(*keys)), seconds=30, stat_concurrency=4)
    assert not found.complete
    assert 0 < found.count < 30
    assert found.count % 4 == 0
    assert world.storage.stats.total() < 40
    assert sums(found)


def test_destinations_that_take_too_long_lose_what_is_not_compared(world: World) -> None:
    """A clip is never said to be copied because nobody had the time to look whether it is there."""
    world.storage.page_size = 10
    world.put_sources(20)
    for number in range(200):
        world.storage.put("clips", f"demo/-/source/p/000000.a{number:03d}", 1)
    found = look(world, seconds=6)
    assert (found.count, found.complete) == (0, False)


@dataclass
class AMillion:
    """A million keys, a page of them every `page_seconds` of its own clock. Nothing lies in the clips bucket."""

    page_seconds: float
    now: float = 0.0
    calls: list[str] = field(default_factory=list)

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        assert not start_after
        assert integration is None
        for page in range(1_000 if at.bucket == "source" else 0):
            self.now += self.page_seconds
            self.calls.append(at.bucket)
            yield [
                ListedObject(key=f"{at.key}{page * 1_000 + number:07d}.zip", size=MIB, etag="e", modified="2026")
                for number in range(1_000)
            ]

    def list_as_of(self, at: Location, as_of: str, **asked: Any) -> Iterator[Sequence[ListedObject]]:
        raise NotImplementedError

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        raise AssertionError(f"{at} {version} needs no request of its own ({integration})")

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None:
        raise AssertionError(f"{at} has no commits ({integration})")

    def reader(self, entry: ManifestEntry) -> RangeReader:
        raise AssertionError(f"{entry} is not looked into")


@pytest.mark.no_cover
def test_of_a_million_keys_it_covers_what_the_source_lists_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.sources.deadline, "LAST_SECONDS", 3_600.0)  # only the store's own clock ends it
    world.max_clips = 2_000_000
    store = AMillion(page_seconds=0.08)
    found = look(world, seconds=8, storage=store, monotonic=lambda: store.now)
    assert not found.complete
    assert 100_000 <= found.count <= 101_000
    assert store.now <= 8.2
    assert found.bytes == found.count * MIB
    assert found.outcome.to_copy.count == found.count
    assert found.estimate.cost.total > found.count * 0.005 / 1000
    assert len(store.calls) == found.count // 1_000


def test_a_source_that_hangs_is_left_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.sources.deadline, "LAST_SECONDS", 0.0)
    hangs, freed = Event(), Event()

    class Hanging(AMillion):
        def list_pages(
            self, at: Location, *, start_after: str = "", integration: str | None = None
        ) -> Iterator[Sequence[ListedObject]]:
            pages = super().list_pages(at, start_after=start_after, integration=integration)
            yield from itertools.islice(pages, 1)
            hangs.wait()
            freed.set()
            yield from pages

    found = look(world, seconds=0.2, storage=Hanging(0.0), monotonic=lambda: 0.0)
    assert not found.complete
    count = found.count
    hangs.set()
    assert freed.wait(10)
    assert found.count == count == found.outcome.to_copy.count


# --- refusals --------------------------------------------------------------------------------------------------------


def test_one_object_beyond_the_limit_is_too_many(world: World) -> None:
    world.put_sources(10)
    world.max_clips = 10
    assert look(world).count == 10
    world.max_clips = 9
    with pytest.raises(LimitExceeded):
        look(world)


def test_a_bucket_that_is_not_a_source_is_refused(world: World) -> None:
    with pytest.raises(CannotAccess):
        look(world, import_prefix("s3://private/p/"))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (import_prefix("p/"), InvalidUri),
        (import_list(["s3://source"]), InvalidUri),
        (import_list([]), InvalidRequest),
        (ImportRequest(), InvalidRequest),
        (ImportRequest(root_path="s3://source/", exact_paths=("s3://source/a",)), InvalidRequest),
    ],
)
def test_a_request_that_could_not_be_submitted_cannot_be_previewed(
    world: World, request_: ImportRequest, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        look(world, request_)


def test_archived_sources_are_counted_named_and_priced(world: World) -> None:
    sources = world.put_sources(4, size=1024**3)
    bucket = world.storage.buckets["source"]
    for key, archive in zip(sources, ("GLACIER", "GLACIER", "DEEP_ARCHIVE"), strict=False):
        bucket[key] = replace(bucket[key], archive=archive)
    found = look(world)
    assert {code: total.count for code, total in found.outcome.to_fail.by_code.items()} == {"ARCHIVED": 3}
    assert [clip.source_uri for clip in found.outcome.problems] == uris(*sources[:3])
    assert {archive: total.count for archive, total in found.outcome.archived.items()} == {
        "GLACIER": 2,
        "DEEP_ARCHIVE": 1,
    }
    assert found.outcome.tier is None
    prices = restore_prices(found.outcome.archived)
    assert prices["bulk"] == pytest.approx(0.025 / 1000 + 0.0025)
    assert prices["standard"] == pytest.approx(2 * (0.05 / 1000 + 0.01) + 0.1 / 1000 + 0.02)
    assert prices["expedited"] is None, "S3 does not offer it for DEEP_ARCHIVE"
    assert restore_prices({"GLACIER": Total(2, 1024**3)})["expedited"] == pytest.approx(0.02 + 0.03)
    assert restore_prices({"ARCHIVE_ACCESS": Total(2, 1024**3)})["standard"] == 0
    assert restore_prices({}) == {}


def test_sources_that_would_be_restored_are_counted_among_those_to_copy(world: World) -> None:
    sources = world.put_sources(3)
    bucket = world.storage.buckets["source"]
    for key, archive in zip(sources, ("GLACIER", "DEEP_ARCHIVE"), strict=False):
        bucket[key] = replace(bucket[key], archive=archive)
    settings = ImportSettings(archived=Archived.RESTORE, restore=Restore(tier=RestoreTier.STANDARD))
    found = look(world, import_prefix("s3://source/p/", settings=settings))
    assert (found.outcome.to_copy.count, found.outcome.tier) == (3, RestoreTier.STANDARD)
    assert {archive: total.count for archive, total in found.outcome.archived.items()} == {
        "GLACIER": 1,
        "DEEP_ARCHIVE": 1,
    }
    assert not world.storage.restores, "a preview requests nothing"
    settings = replace(settings, restore=Restore(tier=RestoreTier.EXPEDITED))
    found = look(world, import_prefix("s3://source/p/", settings=settings))
    assert (found.outcome.to_copy.count, found.outcome.to_fail.by_code["ARCHIVED"].count) == (2, 1)


def test_a_listed_key_that_no_uri_has_is_a_failure(world: World) -> None:
    world.put_sources(1)
    world.storage.put("source", "p/" + "é" * 600)
    seen = look(world)
    assert (seen.count, seen.outcome.to_copy.count) == (2, 1)
    assert [clip.code for clip in seen.sample] == [None, "INVALID_URI"]


def test_what_tools_leave_beside_clips_is_counted_apart_and_not_imported(world: World) -> None:
    world.storage.put("source", "p/a.zip", 10)
    for key, size in (("p/._a.zip", 4_096), ("p/x_$folder$", 0), ("p/a.zip.stationary.parquet", 9), ("p/x/", 0)):
        world.storage.put("source", key, size)
    found = look(world)
    assert (found.count, found.bytes, found.no_clips, found.keys) == (1, 10, 4, ["p/a.zip"])
    assert world.run(world.submit(PREFIX).id).counts.total == 1
    named = world.run(world.submit(import_list(uris("p/._a.zip"))).id)
    assert named.counts.copied == 1, "a list imports what it names"
