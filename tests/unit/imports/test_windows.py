"""A store says when it may be asked again: the import waits in the state machine, loses nothing and completes."""

import json

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import BatchIncomplete, RateLimited, SourceUnavailable
from service.domain.jobs import JobStatus
from service.domain.rate_windows import LONGEST_WAIT_SECONDS, window_seconds
from service.domain.requests import ImportRequest
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.lifecycle.turns import BatchTurn, NoTurn
from service.imports.planning.context import PlanCursor, Planned
from service.imports.planning.plan import plan
from tests.builders import SOURCE_BUCKET, World, import_prefix


def limited(seconds: float | None = 300) -> RateLimited:
    return RateLimited("too many requests", operation="inspect", uri="hf://datasets/a/b/c", retry_after=seconds)


def planned(world: World, job_id: str, cursor: PlanCursor | None = None, *, can_wait: bool = True) -> Planned:
    return plan(
        job_id,
        cursor or PlanCursor(),
        run=world.run_of(job_id),
        out_of_time=lambda: False,
        ports=world.plan_ports,
        can_wait=can_wait,
    )


@pytest.mark.parametrize(
    ("errors", "seconds"),
    [
        ([], None),
        ([limited(None), SourceUnavailable("m", operation="o", uri="u")], None),
        ([limited(0.2)], 1),
        ([limited(12.5), limited(300), limited(None)], 300),
        ([limited(1e9)], LONGEST_WAIT_SECONDS),
        ([limited(float("inf"))], LONGEST_WAIT_SECONDS),
    ],
)
def test_the_last_window_that_ends_decides(errors: list[Exception], seconds: int | None) -> None:
    assert window_seconds(errors) == seconds


def test_a_list_goes_on_after_the_window_with_the_clip_that_was_refused(world: World) -> None:
    keys = world.put_sources(30)
    job = world.submit_list(keys)
    world.storage.fail_stat[keys[20]] = [limited()]
    first = planned(world, job.id)
    assert (first.wait_seconds, world.job(job.id).status) == (300, JobStatus.PLANNING)
    assert first.cursor is not None
    assert (first.cursor.ordinal, bool(first.cursor.carried)) == (0, True)
    second = planned(world, job.id, first.cursor)
    assert (second.cursor, second.wait_seconds) == (None, None)
    entries = world.manifest(job.id)
    assert [entry.ordinal for entry in entries] == list(range(30))
    assert {entry.status for entry in entries} == {ClipStatus.PENDING}
    assert {world.storage.stats[key] for key in keys[:20]} == {1}, "what was looked at is not looked at again"
    assert world.run(job.id).counts.copied == 30


def test_a_prefix_goes_on_after_its_last_whole_part(world: World) -> None:
    keys = world.put_sources(2_500)
    job = world.submit(import_prefix(f"s3://{SOURCE_BUCKET}/p/"))
    world.storage.fail_list[SOURCE_BUCKET] = [None, None, limited()]
    first = planned(world, job.id)
    assert first.wait_seconds == 300
    assert first.cursor is not None
    assert (first.cursor.ordinal, first.cursor.start_after) == (1_000, keys[999])
    world.storage.fail_list.clear()
    assert planned(world, job.id, first.cursor).cursor is None
    assert [entry.source_uri for entry in world.manifest(job.id)] == [f"s3://{SOURCE_BUCKET}/{key}" for key in keys]


def test_a_manifest_waits_too(world: World) -> None:
    keys = world.put_sources(3)
    lines = "".join(json.dumps({"uri": f"s3://{SOURCE_BUCKET}/{key}"}) + "\n" for key in keys)
    world.storage.put_body(SOURCE_BUCKET, "list.jsonl", lines.encode())
    job = world.submit(ImportRequest(manifest_uri=f"s3://{SOURCE_BUCKET}/list.jsonl"))
    world.storage.fail_stat[keys[1]] = [limited()]
    first = planned(world, job.id)
    assert first.wait_seconds == 300
    assert planned(world, job.id, first.cursor).cursor is None
    assert world.run(job.id).counts.copied == 3


def test_a_retry_waits_too(world: World) -> None:
    keys = world.put_sources(2)
    job = world.submit_list(keys)
    world.storage.fail_stat[keys[1]] = [limited(None)]
    assert world.run(job.id).counts.failed == 1
    world.retry(job.id)
    world.storage.fail_stat[keys[1]] = [limited()]
    first = planned(world, job.id)
    assert first.wait_seconds == 300
    assert first.cursor is not None
    assert world.run(job.id).counts.copied == 2


def test_an_execution_that_cannot_wait_tries_again_as_before(world: World) -> None:
    keys = world.put_sources(1)
    job = world.submit_list(keys)
    world.storage.fail_stat[keys[0]] = [limited()]
    with pytest.raises(RateLimited):
        planned(world, job.id, can_wait=False)


def test_a_limit_without_a_time_fails_its_clip_as_before(world: World) -> None:
    keys = world.put_sources(2)
    job = world.submit_list(keys)
    world.storage.fail_stat[keys[0]] = [limited(None)]
    assert planned(world, job.id).cursor is None
    assert [entry.code for entry in world.manifest(job.id)] == ["RATE_LIMITED", None]


def test_a_batch_waits_for_the_window_and_keeps_what_it_copied(world: World) -> None:
    keys = world.put_sources(3)
    job = world.planned_list(keys)
    (batch,) = world.batches(job.id)
    world.storage.fail_copy[keys[1]] = [limited(240)]
    turn = BatchTurn(batch, world.turn_ports)
    found = copy_batch(batch, attempt=0, turn=turn, ports=world.copy_ports)
    assert isinstance(found, Unfinished)
    assert found.wait is not None
    assert (found.left, found.wait.seconds) == (1, 240)
    assert not world.turn_ports.store.all(), "the slot is free while it waits"
    assert world.copy(batch) == 1
    assert sum(world.storage.copies.values()) == 3, "no clip is copied twice"


def test_a_batch_of_an_older_execution_raises_as_before(world: World) -> None:
    keys = world.put_sources(1)
    (batch,) = world.batches(world.planned_list(keys).id)
    world.storage.fail_copy[keys[0]] = [limited(240)]
    with pytest.raises(BatchIncomplete):
        copy_batch(batch, attempt=0, turn=NoTurn(), ports=world.copy_ports)
