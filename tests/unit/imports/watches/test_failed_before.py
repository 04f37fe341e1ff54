"""Scheduled runs of a watch leave the clips that failed their check in an earlier run; everything else tries them."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.clips import ClipStatus, Content
from service.domain.codes import ClipCode
from service.domain.errors import AccessDenied
from service.domain.jobs import Job, JobStatus, WatchCause
from service.domain.requests import ContentValidation, ImportSettings
from service.domain.schedules import Schedule
from service.domain.watches import Watch
from service.imports.planning import failed_before
from service.imports.planning.failed_before import left_if_broken
from service.imports.queries.status import clips_page
from service.imports.watches import manage, status
from service.imports.watches.manage import WatchRequest
from service.imports.watches.runs import MAX_FAILED_RUNS
from service.imports.watches.tick import tick
from tests.builders import ASKER, PROJECT, SOURCE_BUCKET, World, always, an_entry
from tests.paths import DATA

GOOD = "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"
STRUCTURE = ImportSettings(content_validation=ContentValidation.STRUCTURE)


def watched(world: World, **changes: Any) -> Watch:
    """Watch a prefix with a good clip and a broken one."""
    world.storage.put_body(SOURCE_BUCKET, f"p/{GOOD}", (DATA / "clipgt" / GOOD).read_bytes())
    world.storage.put_body(SOURCE_BUCKET, "p/broken.zip", b"<html>")
    given: dict[str, Any] = {"name": "fleet", "root_path": f"s3://{SOURCE_BUCKET}/p/", "settings": STRUCTURE}
    request = WatchRequest(**given | {"schedule": Schedule(every="1h")} | changes)
    return manage.create(request, project=PROJECT, by=ASKER, ports=world.watch_ports)


def ran(world: World, watch: Watch) -> Job:
    """Run the watch's last import."""
    last = manage.get(watch.id, project=PROJECT, ports=world.watch_ports).last_run
    assert last is not None
    return world.run(last)


def next_run(world: World, watch: Watch) -> Job:
    """Start the next scheduled run, and run it."""
    world.clock.advance(3_600)
    tick(world.tick_ports)
    return ran(world, watch)


def by_hand(world: World, watch: Watch) -> Job:
    manage.run_now(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports)
    return ran(world, watch)


def change(world: World, watch: Watch, **changes: Any) -> None:
    manage.change(watch.id, changes, project=PROJECT, by=ASKER, ports=world.watch_ports)


def codes(world: World, job: Job) -> dict[str, str | None]:
    page = clips_page(world.job(job.id), limit=100, cursor=None, status=None, ports=world.status_ports)
    return {clip.source_uri.rpartition("/")[2]: clip.code for clip in page.items}


def test_a_scheduled_run_leaves_a_clip_that_failed_its_check(world: World) -> None:
    watch = watched(world)
    first = ran(world, watch)
    assert (first.counts.copied, first.counts.failed) == (1, 1)
    for _ in range(MAX_FAILED_RUNS + 2):
        job = next_run(world, watch)
        assert (job.status, job.counts.skipped, job.counts.failed) == (JobStatus.COMPLETED, 2, 0)
        assert codes(world, job) == {GOOD: "UNCHANGED", "broken.zip": "FAILED_BEFORE"}
        assert (job.failed_before, world.clips.rows[job.id]) == (1, {})
    report = status.report(manage.get(watch.id, project=PROJECT, ports=world.watch_ports), world.watch_ports)
    assert report.complete_until is None, "a clip that is left did not land"


def test_its_message_names_the_import_and_the_code(world: World) -> None:
    watch = watched(world)
    first = ran(world, watch)
    entry = next(entry for entry in world.manifest(next_run(world, watch).id) if entry.code != ClipCode.UNCHANGED)
    assert first.id in (entry.message or "")
    assert "NOT_A_ZIP" in (entry.message or "")


def test_a_run_by_hand_tries_it_again_and_the_next_scheduled_one_leaves_it(world: World) -> None:
    watch = watched(world)
    ran(world, watch)
    next_run(world, watch)
    job = by_hand(world, watch)
    assert (job.counts.failed, job.failed_before) == (1, 0)
    assert next_run(world, watch).failed_before == 1


def test_another_version_of_the_object_is_tried(world: World) -> None:
    watch = watched(world)
    ran(world, watch)
    next_run(world, watch)
    world.storage.put_body(SOURCE_BUCKET, "p/broken.zip", b"<html></html>")
    assert next_run(world, watch).counts.failed == 1
    assert next_run(world, watch).failed_before == 1
    world.storage.put_body(SOURCE_BUCKET, "p/broken.zip", (DATA / "clipgt" / GOOD).read_bytes())
    job = next_run(world, watch)
    assert (job.counts.copied, job.failed_before) == (1, 0)


def test_another_check_tries_it_again(world: World) -> None:
    watch = watched(world)
    ran(world, watch)
    change(world, watch, settings=ImportSettings(content_validation=ContentValidation.DEEP))
    assert next_run(world, watch).counts.failed == 1
    change(world, watch, settings=ImportSettings())
    assert next_run(world, watch).counts.copied == 1


def test_a_clip_that_a_retry_copied_is_unchanged(world: World) -> None:
    watch = watched(world)
    first = ran(world, watch)
    next_run(world, watch)
    world.retry(first.id, content_validation=ContentValidation.NONE)
    assert world.run(first.id).counts.copied == 2
    job = next_run(world, watch)
    assert codes(world, job) == {GOOD: "UNCHANGED", "broken.zip": "UNCHANGED"}
    report = status.report(manage.get(watch.id, project=PROJECT, ports=world.watch_ports), world.watch_ports)
    assert report.complete_until == job.created_at


def test_a_clip_that_failed_for_another_reason_is_tried_again(world: World) -> None:
    watch = watched(world)
    world.storage.fail_copy[f"p/{GOOD}"] = [AccessDenied("no", operation="copy", uri="p")]
    assert ran(world, watch).counts.failed == 2
    job = next_run(world, watch)
    assert (job.counts.copied, job.failed_before) == (1, 1)


def test_a_run_after_a_pause_leaves_it_too(world: World) -> None:
    watch = watched(world)
    ran(world, watch)
    change(world, watch, paused=True)
    change(world, watch, paused=False)
    job = ran(world, watch)
    assert job.watch
    assert (job.watch.cause, job.failed_before) == (WatchCause.CATCH_UP, 1)


@pytest.mark.parametrize("destination", [None, "clips/{name}"])
def test_it_is_counted_over_all_rounds_of_a_planning(world: World, destination: str | None) -> None:
    watch = watched(world, settings=replace(STRUCTURE, destination=destination))
    for number in range(2_000):
        world.storage.put_body(SOURCE_BUCKET, f"p/broken-{number:04d}.zip", b"<html>")
    ran(world, watch)
    world.clock.advance(3_600)
    tick(world.tick_ports)
    last = manage.get(watch.id, project=PROJECT, ports=world.watch_ports).last_run or ""
    world.plan(last, out_of_time=always)
    assert world.job(last).failed_before == 2_001
    assert len(world.rounds(last)) > 1


def test_what_is_beyond_the_reads_of_a_round_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_before, "MAX_READ", 3)
    monkeypatch.setattr(failed_before, "READ_AT_ONCE", 2)
    watch = watched(world)
    for number in range(4):
        world.storage.put_body(SOURCE_BUCKET, f"p/broken-{number}.zip", b"<html>")
    ran(world, watch)
    job = next_run(world, watch)
    assert (job.failed_before, job.counts.failed) == (3, 2)


def test_what_decides_a_clip_otherwise_goes_first(world: World) -> None:
    watch = watched(world)
    ran(world, watch)
    known = failed_before.failed_before(world.job(next_run(world, watch).id), world.plan_ports)
    [((uri, etag), fate)] = known.items()
    clip = an_entry(source_uri=uri, etag=etag)
    assert left_if_broken(clip, known).fate == fate
    assert left_if_broken(replace(clip, etag="other"), known).fate is None
    for code, left in ((ClipCode.MEMBER_UNREADABLE, True), (ClipCode.EXISTS, False), (ClipCode.UNCHANGED, False)):
        decided = replace(clip, status=ClipStatus.FAILED, code=code, message="why")
        assert (left_if_broken(decided, known).code == ClipCode.FAILED_BEFORE) is left


def test_a_member_that_cannot_be_unpacked_is_left_too(world: World) -> None:
    watch = watched(world)
    first = ran(world, watch)
    [row] = [row for row in world.clips.rows[first.id].values() if row.content is Content.INVALID]
    world.clips.rows[first.id][row.ordinal] = replace(row, content=None, code=ClipCode.MEMBER_UNREADABLE)
    assert next_run(world, watch).failed_before == 1
