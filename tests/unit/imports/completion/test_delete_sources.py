"""An import with `delete_source` deletes each source once its copy is proven, and says why it kept the others."""

import json
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import pytest

from service.domain.clips import Clip
from service.domain.codes import ClipCode, KeptCode
from service.domain.errors import AccessDenied, DeleteSourceRefused, SourceUnavailable
from service.domain.jobs import Job
from service.domain.projects import Action, IntegrationType
from service.domain.requests import DeleteSource, ImportRequest, ImportSettings, ViewSet
from service.formats.archive import STORED
from service.imports.completion.conclude import REPORT_FAILURES, TURN_SECONDS, Concluded, conclude
from service.imports.completion.delete_sources import AT_ONCE, delete_sources
from service.imports.completion.report_rows import clips_in_parts
from service.imports.completion.sweep import sweep
from service.imports.previews.preview import preview
from service.ports.delivery import ExecutionState
from tests.builders import (
    CLIPS_BUCKET,
    PROJECT,
    SOURCE_BUCKET,
    World,
    always,
    an_integration,
    never,
)
from tests.fakes.faults import CrashError
from tests.unit.formats.making import Raw, write_zip

MOVE = ImportSettings(delete_source=DeleteSource.AFTER_VERIFIED)


def imported(world: World, keys: list[str], settings: ImportSettings = MOVE) -> Job:
    return concluded(world, world.run(world.submit_list(keys, settings=settings).id))


def concluded(world: World, job: Job) -> Job:
    world.workflow.states[job.id] = ExecutionState.ENDED
    world.conclude(job.id)
    return world.job(job.id)


def left(world: World) -> list[str]:
    return sorted(world.storage.buckets[SOURCE_BUCKET])


def clips_of(world: World, job: Job) -> list[Clip]:
    return [clip for part in clips_in_parts(world.job(job.id), 0, world.conclude_ports) for clip in part]


def fates(world: World, job: Job) -> list[tuple[bool | None, str | None]]:
    return [(clip.source_deleted, clip.source_kept_code) for clip in clips_of(world, job)]


def report_lines(world: World) -> list[dict[str, Any]]:
    (body,) = (file for key, file in world.files.files.items() if key.endswith("clips.jsonl"))
    return [json.loads(line) for line in body.splitlines()]


def failing(kind: type[AccessDenied | SourceUnavailable]) -> AccessDenied | SourceUnavailable:
    return kind("said the store", operation="delete", uri="s3://source/a.zip")


def test_sources_are_deleted_when_the_import_has_completed_and_before_its_report(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(3), settings=MOVE).id)
    assert (job.counts.copied, len(left(world))) == (3, 3), "not while it copies"
    assert fates(world, job) == [(None, None)] * 3
    concluded(world, job)
    assert left(world) == []
    assert world.job(job.id).counts == job.counts
    assert [line["source_deleted"] for line in report_lines(world)] == [True] * 3
    assert fates(world, job) == [(True, None)] * 3


def test_no_other_import_deletes_or_asks_anything(world: World) -> None:
    keys = world.put_sources(2)
    job = world.run(world.submit_list(keys).id)
    ended_at = world.job(job.id).completed_at or ""
    asked = conclude(job.id, ended_at, out_of_time=never, ports=world.conclude_ports, can_delete=True)
    assert (asked.delete_sources, asked.done) == (False, True)
    assert len(left(world)) == 2
    assert fates(world, job) == [(None, None)] * 2


def test_an_execution_of_an_older_definition_completes_without_deleting(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(1), settings=MOVE).id)
    ended_at = world.job(job.id).completed_at or ""
    assert conclude(job.id, ended_at, out_of_time=never, ports=world.conclude_ports) == Concluded()
    assert len(left(world)) == 1


def test_clips_that_were_not_copied_keep_their_source(world: World) -> None:
    keys = world.put_sources(3)
    imported(world, keys[:1], ImportSettings())
    world.storage.fail_copy[keys[1]] = [failing(AccessDenied)]
    job = imported(world, keys)
    assert [clip.status for clip in clips_of(world, job)] == ["SKIPPED", "FAILED", "COPIED"]
    assert fates(world, job) == [(False, KeptCode.NOT_COPIED)] * 2 + [(True, None)]
    assert len(left(world)) == 2


def test_a_copy_without_proof_keeps_its_source(world: World) -> None:
    world.multipart_threshold = 5  # the fake store does not verify copies by parts
    job = imported(world, world.put_sources(1))
    assert fates(world, job) == [(False, KeptCode.NOT_VERIFIED)]
    assert len(left(world)) == 1


def test_a_source_that_changed_after_its_copy_is_kept(world: World) -> None:
    keys = world.put_sources(2)
    job = world.run(world.submit_list(keys, settings=MOVE).id)
    world.storage.put(SOURCE_BUCKET, keys[0], 11)
    concluded(world, job)
    assert fates(world, job) == [(False, ClipCode.SOURCE_CHANGED), (True, None)]
    assert left(world) == [keys[0]]


@pytest.mark.parametrize("gone", [True, False])
def test_a_copy_that_is_not_there_any_more_keeps_its_source(world: World, gone: bool) -> None:
    job = world.run(world.submit_list(world.put_sources(1), settings=MOVE).id)
    (destination,) = world.visible()
    if gone:
        del world.storage.buckets[CLIPS_BUCKET][destination]
    else:
        world.storage.put(CLIPS_BUCKET, destination)
    concluded(world, job)
    assert fates(world, job) == [(False, KeptCode.COPY_CHANGED)]
    assert len(left(world)) == 1


def test_the_error_of_a_request_is_the_reason(world: World) -> None:
    keys = world.put_sources(3)
    world.storage.fail_remove = {keys[0]: [failing(AccessDenied)], keys[1]: [failing(SourceUnavailable)]}
    job = imported(world, keys)
    assert fates(world, job) == [
        (False, ClipCode.CANNOT_ACCESS),
        (False, ClipCode.SOURCE_UNAVAILABLE),
        (True, None),
    ]
    assert "said the store" in str(clips_of(world, job)[0].source_kept_message)


def test_a_source_with_the_key_of_its_copy_is_kept(world: World) -> None:
    """An access point may give the clips bucket another name."""
    settings = replace(MOVE, destination="{name}")
    world.storage.put(SOURCE_BUCKET, f"{PROJECT}/-/a.zip")
    job = imported(world, [f"{PROJECT}/-/a.zip"], settings)
    assert world.visible() == {f"{PROJECT}/-/a.zip"}
    assert fates(world, job) == [(False, KeptCode.SAME_KEY)]


def test_a_zip_is_kept_whose_members_were_copied(world: World) -> None:
    """It may hold more than the import copied."""
    zipped = write_zip([Raw(b"c1.front.mp4", b"one", method=STORED), Raw(b"c2.front.mp4", b"two", method=STORED)])
    world.storage.put_body(SOURCE_BUCKET, "chunk.zip", zipped)
    job = imported(world, ["chunk.zip!/c1.front.mp4"])
    assert fates(world, job) == [(False, KeptCode.IN_A_ZIP)]
    assert left(world) == ["chunk.zip"]


def test_a_set_keeps_what_a_set_that_did_not_land_shares(world: World) -> None:
    keys = world.put_sources(3)
    uris = [f"s3://{SOURCE_BUCKET}/{key}" for key in keys]
    sets = (
        ViewSet(views=(("front", uris[0]), ("rear", uris[1])), name="lands"),
        ViewSet(views=(("front", uris[0]), ("rear", "s3://source/missing")), name="fails"),
    )
    job = concluded(world, world.run(world.submit(ImportRequest(sets=sets, settings=MOVE)).id))
    assert [clip.status for clip in clips_of(world, job)] == ["COPIED", "COPIED", "FAILED", "FAILED"]
    kept = (False, KeptCode.NOT_COPIED)
    assert fates(world, job) == [(False, KeptCode.STILL_NEEDED), (True, None), kept, kept]
    assert keys[1] not in left(world)


def test_a_retry_deletes_what_it_copies_by_its_own_pins(world: World) -> None:
    keys = world.put_sources(2)
    key = left(world)[1]
    world.storage.fail_copy[key] = [failing(AccessDenied)]
    job = imported(world, keys)
    assert left(world) == [key]
    world.storage.put(SOURCE_BUCKET, key, 12)
    world.retry(job.id)
    concluded(world, world.run(job.id))
    assert fates(world, job) == [(True, None)] * 2
    assert left(world) == []


def test_a_retry_that_begins_first_takes_over_the_sources_of_all_attempts(world: World) -> None:
    keys = world.put_sources(2)
    world.storage.fail_copy[left(world)[1]] = [failing(AccessDenied)]
    job = world.run(world.submit_list(keys, settings=MOVE).id)
    first = world.job(job.id).completed_at or ""
    world.retry(job.id)
    asked = conclude(job.id, first, out_of_time=never, ports=world.conclude_ports, can_delete=True)
    assert not asked.delete_sources
    assert len(left(world)) == 2
    concluded(world, world.run(job.id))
    assert left(world) == []


def test_rounds_continue_where_the_time_ran_out(world: World) -> None:
    world.batch_clips = 1
    job = world.run(world.submit_list(world.put_sources(4), settings=MOVE).id)
    world.workflow.states[job.id] = ExecutionState.ENDED
    world.conclude(job.id, out_of_time=always)
    assert left(world) == []
    assert fates(world, job) == [(True, None)] * 4


@pytest.mark.parametrize("take_effect", [False, True])
def test_after_a_crash_at_any_step_nothing_is_lost_and_the_next_call_goes_on(take_effect: bool) -> None:
    for at in range(1, 200):
        world = World(batch_clips=2)
        job = world.run(world.submit_list(world.put_sources(3), settings=MOVE).id)
        world.faults.crash_in(at, take_effect=take_effect)
        with suppress(CrashError):
            world.conclude(job.id)
        crashed = world.faults.revive()
        assert len(world.visible()) == 3
        world.conclude(job.id)
        assert left(world) == []
        assert fates(world, job) == [(True, None)] * 3
        assert len({event["event_id"] for event in world.bus.events}) == 1
        if not crashed:
            assert at > 15
            return
    raise AssertionError("it never ran through")


def test_a_lost_execution_is_made_up_for_by_the_sweep(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(1), settings=MOVE).id)
    world.workflow.states[job.id] = ExecutionState.ENDED
    world.clock.advance(3600)
    assert sweep(world.sweep_ports).concluding == [job.id]
    world.conclude(job.id)
    assert left(world) == []


def test_a_function_that_keeps_failing_delays_no_report(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(1), settings=MOVE).id)
    ended_at = world.job(job.id).completed_at or ""
    end = world.jobs.ends[job.id, ended_at]
    world.jobs.ends[job.id, ended_at] = replace(end, failures=REPORT_FAILURES)
    assert conclude(job.id, ended_at, out_of_time=never, ports=world.conclude_ports, can_delete=True).done
    assert fates(world, job) == [(None, None)], "not decided: the source is there"
    assert len(left(world)) == 1


def test_a_permission_that_was_taken_back_keeps_the_sources(world: World) -> None:
    world.integrations.rows[PROJECT, "in_1"] = replace(an_integration(), id="in_1", bucket="other", allow_delete=True)
    world.storage.put("other", "a.zip")
    job = world.run(world.submit(ImportRequest(exact_paths=("s3://other/a.zip",), settings=MOVE)).id)
    world.integrations.rows[PROJECT, "in_1"] = replace(world.integrations.rows[PROJECT, "in_1"], allow_delete=False)
    concluded(world, job)
    assert fates(world, job) == [(False, KeptCode.NOT_ALLOWED)]
    assert "in_1" in str(clips_of(world, job)[0].source_kept_message)


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("allowed", [False, True])
def test_an_integration_must_allow_it(world: World, prefix: bool, allowed: bool) -> None:
    world.integrations.rows[PROJECT, "in_1"] = replace(
        an_integration(), id="in_1", bucket="other", allow_delete=allowed
    )
    world.storage.put("other", "a.zip")
    source: Any = {"root_path": "s3://other/"} if prefix else {"exact_paths": ("s3://other/a.zip",)}
    request = ImportRequest(**source, settings=MOVE)
    if allowed:
        preview(request, project=PROJECT, ports=world.preview_ports)
        world.conclude(world.run(world.submit(request).id).id)
        assert not world.storage.buckets["other"]
        return
    for ask in (world.submit, lambda asked: preview(asked, project=PROJECT, ports=world.preview_ports)):
        with pytest.raises(DeleteSourceRefused, match="integration in_1 does not allow it"):
            ask(request)
    assert not world.jobs.rows


def test_the_deployment_must_allow_it_for_its_source_buckets(world: World) -> None:
    world.delete_buckets = ()
    uris = tuple(f"s3://{SOURCE_BUCKET}/{key}" for key in world.put_sources(1))
    sets = (ViewSet(views=(("front", uris[0]),)),)
    sources: list[dict[str, Any]] = [{"exact_paths": uris}, {"root_path": f"s3://{SOURCE_BUCKET}/"}, {"sets": sets}]
    for source in sources:
        with pytest.raises(DeleteSourceRefused, match="delete_source_buckets does not name source"):
            world.submit(ImportRequest(**source, settings=MOVE))


def test_hugging_face_is_refused(world: World) -> None:
    request = ImportRequest(exact_paths=("hf://datasets/a/b/c.zip",), settings=MOVE)
    with pytest.raises(DeleteSourceRefused, match="deletes nothing"):
        world.submit(request)
    hub = replace(an_integration(), type=IntegrationType.HF_BUCKET, bucket="a/b", allow_delete=True)
    world.integrations.rows[PROJECT, hub.id] = hub
    with pytest.raises(DeleteSourceRefused, match="deletes nothing"):
        world.submit(ImportRequest(exact_paths=("hf://buckets/a/b/c.zip",), settings=MOVE))


def test_the_audit_has_one_entry_for_an_import_that_deletes(world: World) -> None:
    job = imported(world, world.put_sources(3))
    (entry,) = [one for one in world.jobs.audit if one.subject == job.id]
    assert (entry.action, entry.details) == (Action.IMPORT_START, {"delete_source": "after_verified"})
    assert entry.by.key_id == "key_1"
    other = imported(world, world.put_sources(4), ImportSettings())
    (entry,) = [one for one in world.jobs.audit if one.subject == other.id]
    assert entry.details is None


def test_slow_stores_hold_few_functions_of_their_project(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(1), settings=MOVE).id)
    ended_at = job.completed_at or ""

    def ask() -> Concluded:
        return conclude(job.id, ended_at, out_of_time=never, ports=world.conclude_ports, can_delete=True)

    with ExitStack() as others:
        for _ in range(AT_ONCE):
            others.enter_context(world.delete_ports.deleting.one(PROJECT))
        assert ask() == Concluded(done=False, wait_seconds=TURN_SECONDS)
        delete_sources(job.id, ended_at, out_of_time=never, ports=world.delete_ports)
        assert left(world)
    assert ask() == Concluded(done=False, delete_sources=True)
    delete_sources(job.id, ended_at, out_of_time=never, ports=world.delete_ports)
    assert not left(world)
    assert ask().done
    assert not any(turns.rows for turns in world.deleting.values())
