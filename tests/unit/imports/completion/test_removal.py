"""Uploads leave the drop bucket some days after their import completed, if they landed."""

from contextlib import suppress

import pytest

from service.domain.batching import PART_CLIPS
from service.domain.clips import Clip, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import AccessDenied, ObjectError, SourceUnavailable
from service.domain.jobs import Job
from service.domain.requests import ImportSettings, Notify, Upload
from service.imports.completion.conclude import conclude
from service.imports.completion.report_links import replay_webhook
from service.imports.completion.report_rows import clips_in_parts
from service.imports.completion.sweep import CONCLUSION_FAILURES, Swept, sweep
from service.imports.intake.drop_bucket import accept_uploads
from service.ports.delivery import ExecutionState
from tests.builders import DROP_BUCKET, PROJECT, World, an_upload, import_list
from tests.fakes.faults import CrashError

DAY = 24 * 3600


@pytest.fixture
def world() -> World:
    return a_world()


def a_world() -> World:
    world = World()
    world.drop_imported_days = 3
    return world


def upload(world: World, key: str) -> Upload:
    there = world.storage.put(DROP_BUCKET, key, version=f"v{world.storage.writes}")
    return an_upload(key, sequencer=f"{world.storage.writes:06d}", etag=there.etag, version=there.version)


def imported(world: World, *uploads: Upload) -> Job:
    """Import the uploads, and conclude their import."""
    accept_uploads(uploads, world.upload_ports)
    (active,) = world.jobs.active()
    world.clock.advance(60)
    job = world.run(active.id)
    world.conclude(job.id)
    world.workflow.states[job.id] = ExecutionState.ENDED
    return job


def sweep_and_conclude(world: World, job: Job) -> list[str]:
    """Return the jobs for which the sweep started an execution."""
    started = sweep(world.sweep_ports).concluding
    if started:
        world.conclude(job.id)
    return started


def clips_of(world: World, job: Job) -> list[Clip]:
    return [clip for part in clips_in_parts(world.job(job.id), 0, world.conclude_ports) for clip in part]


def left(world: World) -> list[str]:
    return sorted(world.storage.buckets[DROP_BUCKET])


def failed(kind: type[ObjectError]) -> ObjectError:
    return kind("said S3", operation="copy", uri="s3://drop/bad.zip")


def test_uploads_that_landed_go_after_the_days_and_failed_ones_stay(world: World) -> None:
    world.storage.fail_copy["bad.zip"] = [failed(AccessDenied)]
    job = imported(world, *(upload(world, key) for key in ("a.zip", "bad.zip", "c.zip")))
    assert world.job(job.id).counts.failed == 1
    world.clock.advance(3 * DAY - 1)
    assert sweep_and_conclude(world, job) == []
    assert left(world) == ["a.zip", "bad.zip", "c.zip"]
    world.clock.advance(2)
    assert sweep_and_conclude(world, job) == [job.id]
    assert left(world) == ["bad.zip"]
    assert sweep_and_conclude(world, job) == [], "once"
    assert len(world.bus.events) == 1, "nobody is notified again"


def test_an_unchanged_upload_landed_before(world: World) -> None:
    there = upload(world, "a.zip")
    imported(world, there)
    again = imported(world, an_upload("a.zip", sequencer="9", etag=there.etag, version=there.version))
    (clip,) = clips_of(world, again)
    assert (clip.status, clip.code) == (ClipStatus.SKIPPED, ClipCode.UNCHANGED)
    world.clock.advance(4 * DAY)
    sweep_and_conclude(world, again)
    assert left(world) == []


def test_an_upload_that_was_overwritten_stays_until_its_own_import_decides(world: World) -> None:
    first = imported(world, upload(world, "a.zip"))
    world.clock.advance(DAY)
    later = upload(world, "a.zip")
    world.storage.fail_copy["a.zip"] = [failed(AccessDenied)]
    second = imported(world, later)
    world.clock.advance(2 * DAY + 61)
    assert sweep_and_conclude(world, first) == [first.id]
    assert left(world) == ["a.zip"]
    world.clock.advance(DAY)
    assert sweep_and_conclude(world, second) == [second.id]
    assert left(world) == ["a.zip"], "it failed"


def test_a_superseded_upload_leaves_the_later_one_alone(world: World) -> None:
    """Both have the same bytes here, so the ETag cannot tell them apart."""
    first = upload(world, "a.zip")
    second = an_upload("a.zip", sequencer="999999", etag=first.etag, version=first.version)
    world.storage.fail_copy["a.zip"] = [failed(AccessDenied)]
    job = imported(world, first, second)
    assert {clip.code for clip in clips_of(world, job)} == {ClipCode.SUPERSEDED, ClipCode.CANNOT_ACCESS}
    world.clock.advance(4 * DAY)
    assert sweep_and_conclude(world, job) == [job.id]
    assert left(world) == ["a.zip"]


def test_a_retry_finds_its_upload_and_counts_the_days_anew(world: World) -> None:
    world.storage.fail_copy["bad.zip"] = [failed(AccessDenied)]
    job = imported(world, upload(world, "a.zip"), upload(world, "bad.zip"))
    world.clock.advance(4 * DAY)
    world.retry(job.id)
    assert sweep(world.sweep_ports).concluding == [job.id]
    (end,) = world.ends.open()
    conclude(job.id, end.ended_at, out_of_time=lambda: False, ports=world.conclude_ports)
    assert left(world) == ["a.zip", "bad.zip"], "the attempt that runs now removes both"
    assert world.run(job.id).counts.copied == 2
    world.conclude(job.id)
    world.clock.advance(3 * DAY + 1)
    assert sweep_and_conclude(world, job) == [job.id]
    assert left(world) == []


def test_by_default_uploads_stay_and_other_imports_remove_nothing(world: World) -> None:
    world.drop_imported_days = 0
    job = imported(world, upload(world, "a.zip"))
    world.drop_imported_days = 3
    other = world.run(world.submit(import_list([f"s3://{DROP_BUCKET}/a.zip"])).id)
    world.conclude(other.id)
    world.clock.advance(30 * DAY)
    assert sweep(world.sweep_ports) == Swept()
    assert left(world) == ["a.zip"], job.id


def test_a_setting_that_was_switched_off_removes_nothing_more(world: World) -> None:
    job = imported(world, upload(world, "a.zip"))
    world.drop_imported_days = 0
    world.clock.advance(4 * DAY)
    assert sweep_and_conclude(world, job) == [job.id]
    assert left(world) == ["a.zip"]
    assert sweep_and_conclude(world, job) == []


def test_rounds_go_on_where_the_last_one_ended(world: World) -> None:
    uploads = [upload(world, f"{n:04d}.zip") for n in range(2 * PART_CLIPS + 1)]
    job = imported(world, *uploads)
    world.clock.advance(4 * DAY)
    sweep(world.sweep_ports)
    assert world.conclude(job.id, out_of_time=lambda: True) == [0, 0]
    assert left(world) == []
    assert world.faults.calls["storage.remove"] == 3


@pytest.mark.parametrize("take_effect", [False, True])
def test_after_a_crash_at_any_step_they_all_go(take_effect: bool) -> None:
    for at in range(1, 100):
        world = a_world()
        job = imported(world, upload(world, "a.zip"), upload(world, "b.zip"))
        world.clock.advance(4 * DAY)
        sweep(world.sweep_ports)
        world.faults.crash_in(at, take_effect=take_effect)
        with suppress(CrashError):
            world.conclude(job.id)
        crashed = world.faults.revive()
        world.conclude(job.id)
        assert left(world) == []
        assert (list(world.ends.open()), list(world.ends.due("9"))) == ([], [])
        if not crashed:
            assert at > 4
            return
    raise AssertionError("it never ran through")


def test_a_webhook_that_is_sent_again_meanwhile_changes_nothing(world: World) -> None:
    world.defaults = ImportSettings(notify=Notify(webhook_url="https://example.com/hook"))
    job = imported(world, upload(world, "a.zip"))
    replay_webhook(job.id, project=PROJECT, ports=world.ended_ports)
    world.conclude(job.id)
    assert left(world) == ["a.zip"]
    world.clock.advance(3 * DAY + 1)
    assert sweep_and_conclude(world, job) == [job.id]
    assert left(world) == []


def test_a_removal_that_always_fails_is_given_up_and_no_webhook_counts_as_failed(world: World) -> None:
    job = imported(world, upload(world, "a.zip"))
    world.storage.fail_remove["a.zip"] = [failed(SourceUnavailable)] * 100
    world.clock.advance(4 * DAY)
    found: list[Swept] = []
    for tries in range(CONCLUSION_FAILURES + 2):
        found.append(sweep(world.sweep_ports))
        if found[-1].concluding:
            with pytest.raises(SourceUnavailable):
                world.conclude(job.id)
        for name in world.workflow.conclusions:
            world.workflow.states[name] = ExecutionState.ENDED
        world.clock.advance(120 * 2**tries + 1)
    assert found == [Swept(concluding=[job.id])] * (CONCLUSION_FAILURES + 1) + [Swept(given_up=[job.id])]
    world.clock.advance(DAY)
    assert sweep(world.sweep_ports) == Swept()
    assert (left(world), world.job(job.id).webhook) == (["a.zip"], None)
