"""Accepting an import: validation, idempotency, pre-flight, the start of the execution."""

import dataclasses

import pytest

from service.domain.errors import (
    AccessDenied,
    CannotAccess,
    IdempotencyConflict,
    InvalidRequest,
    InvalidUri,
    LimitExceeded,
    SourceUnavailable,
    WorkflowUnavailable,
)
from service.domain.jobs import Job, JobStatus, Source, SourceKind, Trigger
from service.domain.requests import ImportRequest, ImportSettings
from service.imports.intake.submit import submit
from tests.builders import PROJECT, World, import_list, import_prefix
from tests.fakes.faults import CrashError

LIST = import_list(["s3://source/a.zip", "s3://source/b.zip"])


def planned_uris(world: World, job: Job) -> list[str]:
    """The list as planning reads it."""
    world.plan(job.id)
    return [entry.source_uri for entry in world.manifest(job.id)]


def nothing_was_created(world: World) -> bool:
    return not world.jobs.rows and not world.state.files and not world.workflow.started


def test_a_list_becomes_a_pending_job_whose_execution_is_started(world: World) -> None:
    request = dataclasses.replace(LIST, folder="f", labels=("l",), run_name_prefix="r-", test_run_group_name="g")
    job = world.submit(request)
    assert world.job(job.id) == job
    assert (job.project, job.status, job.trigger, job.key_id) == (PROJECT, JobStatus.PENDING, Trigger.API, "key_1")
    assert job.source == Source(kind=SourceKind.LIST, count=2)
    assert (job.folder, job.labels, job.run_name_prefix, job.test_run_group_name) == ("f", ("l",), "r-", "g")
    assert planned_uris(world, job) == list(LIST.exact_paths or ())
    assert world.workflow.waits == {job.id: 0}


def test_a_prefix_job_names_its_prefix(world: World) -> None:
    world.put_sources(1)
    assert world.submit_prefix("p/").source == Source(kind=SourceKind.PREFIX, uri="s3://source/p/")


def test_a_group_name_is_generated_where_none_is_given(world: World) -> None:
    job = world.submit(LIST)
    assert job.test_run_group_name == f"import-2026-11-22-{job.id[-6:]}"


@pytest.mark.parametrize(
    "request_", [ImportRequest(), ImportRequest(exact_paths=("s3://source/a",), root_path="s3://source/")]
)
def test_both_or_neither_path_is_refused(world: World, request_: ImportRequest) -> None:
    with pytest.raises(InvalidRequest, match="Provide exactly one of exact_paths or root_path"):
        world.submit(request_)
    assert nothing_was_created(world)


def test_an_empty_list_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="exact_paths is empty"):
        world.submit(import_list([]))
    assert nothing_was_created(world)


def test_a_list_beyond_the_limit_is_refused_with_both_numbers() -> None:
    world = World(max_clips=2)
    with pytest.raises(InvalidRequest, match="3 URIs, the limit is 2"):
        world.submit_list(["a", "b", "c"])
    assert world.submit_list(["a", "b"]).source.count == 2


@pytest.mark.parametrize("bad", ["http://source/a", "s3://source/", "s3://source/\ud800", "s3://Up/a"])
def test_an_invalid_uri_is_named_by_its_index(world: World, bad: str) -> None:
    with pytest.raises(InvalidUri, match=r"^exact_paths\[2\]: "):
        world.submit(import_list(["s3://source/a", "s3://source/b", bad]))
    assert nothing_was_created(world)


def test_a_list_comes_back_from_the_state_bucket_whatever_its_characters(world: World) -> None:
    uris = ["s3://source/日本 +%20.zip", "s3://source/line\nbreak\r\n", "s3://source/\u2028\x85"]
    job = world.submit(import_list(uris))
    assert planned_uris(world, job) == uris


# --- idempotency -----------------------------------------------------------------------------------------------------


def test_without_a_key_every_request_is_a_job_of_its_own(world: World) -> None:
    assert world.submit(LIST).id != world.submit(LIST).id


def test_the_same_key_and_request_give_the_same_job_started_once(world: World) -> None:
    request = dataclasses.replace(LIST, idempotency_key="k")
    first, second = world.submit(request), world.submit(request)
    assert first == second
    assert len(world.jobs.rows) == 1
    assert world.workflow.started == [first.id]


def test_a_key_belongs_to_its_project(world: World) -> None:
    request = dataclasses.replace(LIST, idempotency_key="k")
    assert world.submit(request).id != world.submit(request, project="other").id


@pytest.mark.parametrize(
    "change", [{"exact_paths": ("s3://source/c.zip",)}, {"folder": "f"}, {"labels": ("l",)}, {"run_name_prefix": "x"}]
)
def test_the_same_key_with_another_request_is_a_conflict(world: World, change: dict[str, object]) -> None:
    first = world.submit(dataclasses.replace(LIST, idempotency_key="k"))
    with pytest.raises(IdempotencyConflict):
        world.submit(dataclasses.replace(LIST, idempotency_key="k", **change))  # type: ignore[arg-type]
    assert list(world.jobs.rows) == [first.id]
    assert planned_uris(world, first) == list(LIST.exact_paths or ())


def test_a_repeated_key_needs_no_new_preflight(world: World) -> None:
    world.put_sources(1)
    first = world.submit_prefix(idempotency_key="k")
    world.storage.fail_list["source"] = [AccessDenied("no", operation="list", uri="s3://source/p/")]
    assert world.submit_prefix(idempotency_key="k") == first


def test_a_repeated_key_shows_the_job_as_it_is_by_now(world: World) -> None:
    world.put_sources(3)
    job = world.submit_prefix(idempotency_key="k")
    world.run(job.id)
    again = world.submit_prefix(idempotency_key="k")
    assert (again.status, again.counts.copied) == (JobStatus.COMPLETED, 3)


def test_a_repeated_key_starts_a_pending_job_that_an_earlier_request_left_unstarted(world: World) -> None:
    world.faults.plan("workflow.start", [CrashError("the process ended here")])
    request = dataclasses.replace(LIST, idempotency_key="k")
    with pytest.raises(CrashError):
        world.submit(request)
    assert not world.workflow.started
    job = world.submit(request)
    assert world.workflow.started == [job.id]


def losing_the_race(world: World, winner: ImportRequest, loser: ImportRequest) -> tuple[Job, Job | Exception]:
    """The winner creates its job between the loser's look for the key and its own attempt to create."""
    won: list[Job] = []
    ports = world.submit_ports

    class Slow(type(world.jobs)):  # type: ignore[misc]
        def get(self, job_id: str) -> Job | None:
            found = super().get(job_id)
            if not won:
                won.append(submit(winner, project=PROJECT, key_id="key_1", ports=ports))
            return found  # type: ignore[no-any-return]

    slow = Slow(world.faults, world.jobs.rows)
    try:
        lost: Job | Exception = submit(
            loser, project=PROJECT, key_id="key_1", ports=dataclasses.replace(ports, jobs=slow)
        )
    except IdempotencyConflict as conflict:
        lost = conflict
    return won[0], lost


def test_two_equal_requests_at_once_get_the_same_job(world: World) -> None:
    request = dataclasses.replace(LIST, idempotency_key="k")
    won, lost = losing_the_race(world, request, request)
    assert won == lost
    assert world.workflow.started == [won.id]


def test_of_two_different_requests_at_once_one_gets_a_conflict(world: World) -> None:
    other = import_list(["s3://source/other.zip"], idempotency_key="k")
    won, lost = losing_the_race(world, dataclasses.replace(LIST, idempotency_key="k"), other)
    assert isinstance(lost, IdempotencyConflict)
    assert list(world.jobs.rows) == [won.id]


def test_the_loser_of_a_race_leaves_the_winners_list_alone(world: World) -> None:
    other = import_list(["s3://source/other.zip"], idempotency_key="k")
    won, _ = losing_the_race(world, dataclasses.replace(LIST, idempotency_key="k"), other)
    assert planned_uris(world, won) == list(LIST.exact_paths or ())


# --- pre-flight ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (AccessDenied("no", operation="list", uri="u"), CannotAccess),
        (SourceUnavailable("throttled", operation="list", uri="u"), SourceUnavailable),
    ],
)
def test_a_refused_preflight_creates_nothing(world: World, failure: Exception, expected: type[Exception]) -> None:
    world.storage.fail_list["source"] = [failure]
    with pytest.raises(expected, match="cannot list"):
        world.submit_prefix()
    assert nothing_was_created(world)


def test_a_bucket_the_service_may_not_read_is_refused_without_a_look_at_it(world: World) -> None:
    with pytest.raises(CannotAccess, match="not among the deploy settings' source buckets"):
        world.submit(import_prefix("s3://private/p/"))
    assert nothing_was_created(world)
    assert not world.faults.calls["storage.list_page"]


def test_a_prefix_beyond_the_limit_is_refused() -> None:
    world = World(max_clips=2)
    world.put_sources(3)
    with pytest.raises(LimitExceeded, match="more than 2 objects"):
        world.submit_prefix()
    assert nothing_was_created(world)


def test_validate_false_skips_the_preflight(world: World) -> None:
    job = world.submit(import_prefix("s3://private/p/", validate=False))
    assert job.status is JobStatus.PENDING
    assert not world.faults.calls["storage.list_page"]


def test_a_list_is_not_inspected_before_its_job_is_created(world: World) -> None:
    world.submit_list(["missing.zip"])
    assert not world.storage.stats


def test_an_empty_prefix_is_accepted(world: World) -> None:
    assert world.submit_prefix("nothing/").status is JobStatus.PENDING


# --- start -----------------------------------------------------------------------------------------------------------


def test_a_start_that_fails_keeps_the_job_for_the_sweep(world: World) -> None:
    world.faults.plan("workflow.start", [WorkflowUnavailable("throttled")])
    job = world.submit(LIST)
    assert world.job(job.id).status is JobStatus.PENDING
    assert not world.workflow.started


def test_the_list_is_stored_before_the_job_exists(world: World) -> None:
    world.faults.plan("jobs.create", [CrashError("the process ended here")])
    with pytest.raises(CrashError):
        world.submit(LIST)
    assert not world.jobs.rows
    assert len(world.state.files) == 1


def test_saved_settings_are_held_to_what_the_deployment_allows(world: World) -> None:
    request = import_list(["s3://source/a"], execution_settings_id="es_1")
    saved = ImportSettings(max_concurrency=world.max_concurrency + 1)
    with pytest.raises(InvalidRequest, match="this deployment allows 1 to"):
        submit(request, project="demo", key_id=None, ports=world.submit_ports, saved_settings=lambda _: saved)
    assert world.jobs.rows == {}
