"""The functions behind queue, state machine and schedule, with fakes in the place of the wiring."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

import lambdas.authorize
import lambdas.conclude
import lambdas.copy
import lambdas.delete_sources
import lambdas.extrapolate
import lambdas.finish
import lambdas.on_upload
import lambdas.plan
import lambdas.sweep
import lambdas.watch
from lambdas.wiring.authorize import AuthorizeContainer
from lambdas.wiring.conclude import ConcludeContainer
from lambdas.wiring.copy import CopyContainer
from lambdas.wiring.delete_sources import DeleteSourcesContainer
from lambdas.wiring.extrapolate import ExtrapolateContainer
from lambdas.wiring.finish import FinishContainer
from lambdas.wiring.on_upload import UploadContainer
from lambdas.wiring.plan import PlanContainer
from lambdas.wiring.sweep import SweepContainer
from lambdas.wiring.watch import WatchContainer
from service.domain.errors import BatchIncomplete, SourceUnavailable
from service.domain.jobs import JobStatus, SourceKind
from service.domain.projects import IntegrationState
from service.domain.requests import Archived, DeleteSource, ImportSettings, Notify
from service.domain.schedules import Schedule
from service.domain.state_keys import batches_key, due_batches_key
from service.domain.turns import Turn
from service.imports.watches.events import accept_arrivals
from service.imports.watches.manage import WatchRequest, create
from service.projects.keys import create_key
from service.projects.rate_keys import rate_key_of
from service.support.settings import AuthorizeSettings, PlanSettings
from tests.builders import (
    ASKER,
    DROP_BUCKET,
    PROJECT,
    SOURCE_BUCKET,
    LambdaContext,
    World,
    an_integration,
    import_prefix,
    object_created,
    sqs_event,
)
from tests.fakes.delivery import FakeQueue
from tests.fakes.faults import CrashError
from tests.fakes.projects import FakeSecrets
from tests.unit.formats.making import CLIP

CONTEXT: Any = LambdaContext()
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


# --- plan, copy, finish: one job through the state machine -----------------------------------------------------------


class Functions:
    """The handlers, each with its container's parts from this world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.admin_secrets = FakeSecrets({"arn": "admin-key"})
        self.queue = FakeQueue()
        self.source_buckets = [SOURCE_BUCKET]

    def plan(self, event: dict[str, Any], context: Any = CONTEXT) -> Any:
        container = PlanContainer()
        container.settings = PLAN_SETTINGS
        container.ports = self.world.plan_ports
        return lambdas.plan.handler(event, context, container)

    def copy(self, event: dict[str, Any], context: Any = CONTEXT) -> Any:
        container = CopyContainer()
        container.ports, container.turns = self.world.copy_ports, self.world.turn_ports
        return lambdas.copy.handler(event, context, container)

    def extrapolate(self, event: dict[str, Any], context: Any = CONTEXT) -> Any:
        container = ExtrapolateContainer()
        container.limit_memory = lambda: None  # it would limit the process that runs the tests
        container.ports, container.turns = self.world.extrapolate_ports, self.world.turn_ports
        return lambdas.extrapolate.handler(event, context, container)

    def finish(self, event: dict[str, Any]) -> Any:
        container = FinishContainer()
        container.ports = self.world.finish_ports
        return lambdas.finish.handler(event, CONTEXT, container)

    def conclude(self, event: dict[str, Any]) -> Any:
        container = ConcludeContainer()
        container.ports = self.world.conclude_ports
        return lambdas.conclude.handler(event, CONTEXT, container)

    def delete_sources(self, event: dict[str, Any]) -> Any:
        container = DeleteSourcesContainer()
        container.ports = self.world.delete_ports
        return lambdas.delete_sources.handler(event, CONTEXT, container)

    def sweep(self) -> Any:
        container = SweepContainer()
        container.ports = self.world.sweep_ports
        container.integrations = self.world.integrations
        container.integration_secrets = self.world.integration_secrets
        return lambdas.sweep.handler({}, CONTEXT, container)

    def upload(self, *bodies: object) -> list[str]:
        """Ids of the messages that are to come again."""
        container = UploadContainer()
        container.ports = self.world.upload_ports
        container.source_buckets = self.source_buckets
        accept = lambda arrivals: accept_arrivals(arrivals, self.world.arrival_ports)  # noqa: E731
        container.accept_arrivals = accept  # type: ignore[method-assign]
        container.queue = self.queue  # type: ignore[assignment]
        answer = lambdas.on_upload.handler(sqs_event(*bodies), CONTEXT, container)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def authorize(self, headers: dict[str, str] | None) -> dict[str, Any]:
        container = AuthorizeContainer()
        container.settings = AuthorizeSettings(table_name="table", admin_secret_arn="arn", rate_key_prefix="Clipferry")
        container.keys = self.world.keys
        container.secrets = self.admin_secrets
        answer: dict[str, Any] = lambdas.authorize.handler({"headers": headers, "methodArn": ARN}, CONTEXT, container)
        return answer


PLAN_SETTINGS = PlanSettings(
    table_name="table",
    state_bucket="state",
    clips_bucket="clips",
    source_buckets=("source",),
    requester_pays_buckets=(),
    drop_bucket="drop",
    default_project="demo",
    max_clips_per_import=1,
    batch_clips=1,
    batch_bytes=1,
    stat_concurrency=1,
    map_concurrency=40,
    source_request_seconds=60,
    restore_wait_hours=60,
    integration_secrets_prefix="secrets/",
    allow_private_urls=False,
)


@pytest.fixture
def functions(world: World) -> Functions:
    return Functions(world)


def test_a_job_runs_through_plan_copy_and_finish(functions: Functions) -> None:
    job = functions.world.submit_list([*functions.world.put_sources(3), "missing"])
    planned = functions.plan({"job_id": job.id, "run": 0, "cursor": None})
    assert planned == {
        "job_id": job.id,
        "done": True,
        "cursor": None,
        "batches": {"bucket": "state", "key": batches_key(job.id), "count": 1},
        "concurrency": 40,
        "extrapolate": False,
    }
    for batch in functions.world.batches(job.id):
        event = {"batch": asdict(batch), "attempt": 0, "round": 0}
        assert functions.copy(event) == {"done": True, "round": 1}
    ended = functions.finish({"job_id": job.id, "run": 0})
    assert ended == {"status": "COMPLETED_WITH_ERRORS", "ended_at": functions.world.job(job.id).completed_at}
    assert functions.world.job(job.id).counts.copied == 3
    concluded = functions.conclude({"job_id": job.id, "ended_at": ended["ended_at"]})
    assert concluded == {"ended_at": ended["ended_at"], "done": True, "wait_seconds": 0}
    assert [event["import_id"] for event in functions.world.bus.events] == [job.id]


def test_an_import_that_waits_for_restores_ends_its_executions_without_an_end(functions: Functions) -> None:
    world = functions.world
    (key,) = world.put_sources(1)
    world.storage.buckets[SOURCE_BUCKET][key] = replace(world.storage.buckets[SOURCE_BUCKET][key], archive="GLACIER")
    job = world.submit_list([key], settings=ImportSettings(archived=Archived.RESTORE))
    planned = functions.plan({"job_id": job.id, "run": 0, "cursor": None})
    assert planned["batches"] == {"bucket": "state", "key": due_batches_key(job.id, 0, 0), "count": 0}
    waits = {"status": "COPYING", "ended_at": None}
    assert functions.finish({"job_id": job.id, "run": 0}) == waits
    assert functions.conclude({"job_id": job.id, "ended_at": None}) == {
        "ended_at": None,
        "done": True,
        "wait_seconds": 0,
    }
    planned = functions.plan({"job_id": job.id, "run": 0, "cursor": None})
    assert planned["batches"] == {"bucket": "state", "key": due_batches_key(job.id, 0, 1), "count": 1}
    (batch,) = world.batches(job.id)
    event = {"batch": asdict(batch), "attempt": 0, "round": 0, "copied": {"round": 0}}
    assert functions.copy(event) == {"done": True, "round": 1}
    assert functions.finish({"job_id": job.id, "run": 0}) == waits
    assert world.turns.rows == {}, "it holds no slot while it waits"


def test_a_batch_is_extrapolated_in_rounds(functions: Functions) -> None:
    keys = functions.world.put_sources(2)
    for key in keys:
        functions.world.storage.put_body(SOURCE_BUCKET, key, CLIP)
    job = functions.world.submit_list(keys, settings=ImportSettings(stationary_extrapolation=True))
    planned = functions.plan({"job_id": job.id, "run": 0, "cursor": None})
    assert planned["extrapolate"] is True
    (batch,) = functions.world.batches(job.id)
    functions.copy({"batch": asdict(batch), "attempt": 0, "round": 0})
    late: Any = LambdaContext(lambdas.extrapolate.MARGIN_MS - 1)
    event = {"batch": asdict(batch), "round": 0}
    assert functions.extrapolate(event, late) == {"done": False, "round": 1}
    assert functions.extrapolate(event | {"round": 1}) == {"done": True, "round": 2}
    assert functions.world.faults.calls["results.put"] == 2


def test_extrapolation_waits_for_its_turn_where_the_execution_can_wait(functions: Functions) -> None:
    world = functions.world
    world.slots = 1
    world.storage.put_body(SOURCE_BUCKET, "a.zip", CLIP)
    job = world.planned_list(["a.zip"], settings=ImportSettings(stationary_extrapolation=True))
    (batch,) = world.batches(job.id)
    world.copy(batch)
    now = world.clock.now.timestamp()
    world.turns.put(Turn(id="other", project=PROJECT, job_id="ij_2", since=now, holds=True, expires_at=now + 30))
    event = {"batch": asdict(batch), "round": 0, "extrapolated": {"round": 0}}
    first = functions.extrapolate(event)
    assert (first["done"], first["round"], first["waiting_since"]) == (False, 1, now)
    assert first["wait_seconds"] >= 1
    world.clock.advance(1)
    assert functions.extrapolate(event | {"extrapolated": first})["waiting_since"] == now
    del event["extrapolated"]
    assert functions.extrapolate(event) == {"done": True, "round": 1}, "of an older definition"


def test_a_conclusion_that_has_to_wait_says_how_long_and_for_which_end(functions: Functions) -> None:
    job = functions.world.submit_list(
        functions.world.put_sources(1), settings=ImportSettings(notify=Notify(webhook_url="https://x.com"))
    )
    functions.world.run(job.id)
    functions.world.sender.answers.append(503)
    event = {"job_id": job.id, "ended_at": functions.world.job(job.id).completed_at}
    waiting = functions.conclude(event)
    assert waiting == {"ended_at": event["ended_at"], "done": False, "wait_seconds": 10}
    assert functions.conclude({"job_id": job.id} | waiting)["done"]


def test_sources_are_deleted_before_the_conclusion(functions: Functions) -> None:
    settings = ImportSettings(delete_source=DeleteSource.AFTER_VERIFIED)
    job = functions.world.submit_list(functions.world.put_sources(2), settings=settings)
    functions.world.run(job.id)
    event = {"job_id": job.id, "ended_at": functions.world.job(job.id).completed_at, "can_delete": True}
    asked = functions.conclude(event)
    assert asked == {"ended_at": event["ended_at"], "done": False, "wait_seconds": 0, "delete_sources": True}
    assert functions.delete_sources({"job_id": job.id, "ended_at": asked["ended_at"]}) == {
        "ended_at": event["ended_at"]
    }
    assert functions.world.storage.buckets[SOURCE_BUCKET] == {}
    assert functions.conclude(event) == {"ended_at": event["ended_at"], "done": True, "wait_seconds": 0}


def test_a_job_that_is_gone_or_runs_again_has_nothing_to_conclude(functions: Functions) -> None:
    assert functions.conclude({"job_id": "ij_nope", "ended_at": None})["done"]
    assert not functions.world.faults.calls


def test_plan_continues_from_its_cursor(functions: Functions) -> None:
    functions.world.put_sources(2_500)
    job = functions.world.submit_prefix()
    short_of_time: Any = LambdaContext(remaining_ms=1_000)
    event: dict[str, Any] = {"job_id": job.id, "run": 0, "cursor": None}
    rounds = 0
    while True:
        answer = functions.plan(event, short_of_time)
        rounds += 1
        if answer["done"]:
            break
        assert answer["batches"]["count"] == 0
        event = {"job_id": answer["job_id"], "run": 0, "cursor": answer["cursor"]}
    assert rounds == 3
    assert answer["batches"]["count"] == 25
    assert functions.world.job(job.id).counts.total == 2_500


def test_plan_of_a_job_that_cannot_be_planned_is_done_with_no_batches(functions: Functions) -> None:
    job = functions.world.submit(import_prefix("s3://private/", validate=False))
    answer = functions.plan({"job_id": job.id, "run": 0, "cursor": None})
    assert (answer["done"], answer["batches"]["count"]) == (True, 0)
    assert functions.finish({"job_id": job.id, "run": 0})["status"] == "FAILED"


def test_copy_raises_what_another_attempt_can_mend_and_takes_its_number(functions: Functions) -> None:
    job = functions.world.planned_list(functions.world.put_sources(3))
    (batch,) = functions.world.batches(job.id)
    fault = SourceUnavailable("slow down", operation="copy", uri="u")
    functions.world.storage.fail_copy["p/000001.zip"] = [fault]
    with pytest.raises(BatchIncomplete):
        functions.copy({"batch": asdict(batch), "attempt": 0, "round": 0})
    done = {"done": True, "round": 1}
    assert functions.copy({"batch": asdict(batch), "attempt": 1, "round": 0}) == done
    assert functions.copy({"batch": asdict(batch), "attempt": 2, "round": 0}) == done
    assert set(functions.world.storage.copies.values()) == {1}


def test_copy_continues_in_rounds_if_its_time_is_short(functions: Functions) -> None:
    job = functions.world.planned_list(functions.world.put_sources(3))
    (batch,) = functions.world.batches(job.id)
    short_of_time: Any = LambdaContext(remaining_ms=lambdas.copy.MARGIN_MS - 1)
    event: dict[str, Any] = {"batch": asdict(batch), "attempt": 0, "round": 0}
    answers: list[dict[str, Any]] = []
    while not answers or not answers[-1]["done"]:
        answers.append(functions.copy(event, short_of_time))
        event["round"] = answers[-1]["round"]
    assert [answer["done"] for answer in answers] == [False, False, True]
    assert functions.world.job(job.id).counts.copied == 3
    assert set(functions.world.storage.copies.values()) == {1}


def test_copy_waits_for_its_turn_and_says_since_when(functions: Functions) -> None:
    world = functions.world
    world.slots = 1
    job = world.planned_list(world.put_sources(3))
    (batch,) = world.batches(job.id)
    now = world.clock.now.timestamp()
    world.turns.put(Turn(id="other", project=PROJECT, job_id="ij_2", since=now, holds=True, expires_at=now + 30))
    event = {"batch": asdict(batch), "attempt": 0, "round": 0, "copied": {"round": 0}}
    first = functions.copy(event)
    assert (first["done"], first["round"]) == (False, 0)
    assert first["wait_seconds"] >= 1
    world.clock.advance(first["wait_seconds"])
    second = functions.copy(event | {"copied": first})
    assert second["waiting_since"] == first["waiting_since"]
    world.clock.advance(30)
    assert functions.copy(event | {"copied": second}) == {"done": True, "round": 1}
    assert world.job(job.id).counts.copied == 3


@pytest.mark.parametrize(("asked", "given"), [(None, 40), (7, 7), (40, 40), (41, 40)])
def test_plan_says_how_many_copy_functions_may_run(functions: Functions, asked: int | None, given: int) -> None:
    functions.world.max_concurrency = 50
    settings = ImportSettings(max_concurrency=asked)
    job = functions.world.submit_list(functions.world.put_sources(1), settings=settings)
    assert functions.plan({"job_id": job.id, "run": 0, "cursor": None})["concurrency"] == given


def test_finish_names_the_error_that_was_caught(functions: Functions) -> None:
    job = functions.world.submit_list(["a"])
    caught = {"Error": "States.Timeout", "Cause": "long text"}
    assert functions.finish({"job_id": job.id, "run": 0, "error": caught})["status"] == "FAILED"
    assert "States.Timeout" in (functions.world.clips.rows[job.id][0].message or "")


def test_finish_of_an_unknown_job_has_no_status(functions: Functions) -> None:
    assert functions.finish({"job_id": "ij_nope", "run": 0}) == {"status": None, "ended_at": None}
    assert not functions.world.jobs.rows


def test_sweep_tells_what_it_did(functions: Functions) -> None:
    functions.world.faults.plan("workflow.start", [CrashError("here")])
    with pytest.raises(CrashError):
        functions.world.submit_list(["a"])
    functions.world.clock.advance(1_000)
    (job_id,) = functions.world.jobs.rows
    assert functions.sweep() == {
        "started": [job_id],
        "ended": [],
        "concluding": [],
        "given_up": [],
        "resumed": [],
        "continued": [],
    }


def test_the_sweep_removes_what_is_left_of_an_integration(functions: Functions) -> None:
    left = an_integration(state=IntegrationState.DELETING)
    functions.world.integrations.rows[left.project, left.id] = left
    functions.world.integration_secrets.values[left.secret_name] = "secret"
    functions.world.faults.plan("jobs.active", [RuntimeError("throttled")])
    with pytest.raises(RuntimeError):
        functions.sweep()
    assert not functions.world.integrations.rows
    assert not functions.world.integration_secrets.values


# --- uploads ---------------------------------------------------------------------------------------------------------


def test_readable_messages_are_taken_and_the_others_come_again(functions: Functions) -> None:
    other_bucket = object_created("a")
    other_bucket["detail"]["bucket"]["name"] = "another"
    failed = functions.upload(
        object_created("a"), "not json", "{}", object_created("folder/", size=0), other_bucket, "null"
    )
    assert failed == ["m1", "m2", "m4", "m5"]
    assert len(functions.world.uploads.owners) == 1


@pytest.mark.parametrize(
    "poison",
    [
        json.dumps(object_created("half \ud800")),
        "[" * 200_000 + "]" * 200_000,
        json.dumps(object_created("a", size=float("inf"))),
        json.dumps(object_created("k" * 100_000)),
        json.dumps(object_created("a", **{"version-id": {"deep": []}})),
    ],
)
def test_a_poisonous_message_fails_alone(functions: Functions, poison: str) -> None:
    assert functions.upload(object_created("a"), poison, object_created("b")) == ["m1"]
    assert len(functions.world.uploads.owners) == 2


def test_uploads_are_imported_though_the_drop_bucket_is_named_among_the_source_buckets(functions: Functions) -> None:
    functions.source_buckets = [SOURCE_BUCKET, DROP_BUCKET]
    assert functions.upload(object_created("a.zip")) == []
    assert len(functions.world.jobs.rows) == 1


def test_all_uploads_of_a_batch_make_one_job(functions: Functions) -> None:
    assert functions.upload(*(object_created(f"{n}.zip") for n in range(10))) == []
    (job,) = functions.world.jobs.rows.values()
    assert job.status is JobStatus.PENDING
    assert functions.world.faults.calls["uploads.open"] == 1
    assert not functions.world.faults.calls["uploads.claim"]


def test_nothing_but_unreadable_messages_makes_no_job(functions: Functions) -> None:
    assert functions.upload("not json") == ["m0"]
    assert not functions.world.jobs.rows


def test_a_manifest_without_room_comes_again_as_a_new_message(functions: Functions) -> None:
    """A failed message would be in the dead-letter queue after five tries."""
    functions.world.max_active = 1
    bodies = [object_created(f"inbox/demo/{n}.manifest.jsonl") for n in range(3)]
    assert functions.upload("not json", object_created("a.zip"), *bodies) == ["m0"]
    assert len(functions.world.jobs.rows) == 2
    assert [seconds for _, seconds in functions.queue.messages] == [lambdas.on_upload.WAIT_SECONDS] * 2
    waiting = [json.loads(body) for body, _ in functions.queue.messages]
    assert len([body for body in waiting if body in bodies]) == 2
    functions.queue.messages.clear()
    functions.world.max_active = 3
    assert functions.upload(*waiting) == []
    assert not functions.queue.messages
    assert len(functions.world.jobs.rows) == 4


def test_a_fault_sends_the_whole_batch_back(functions: Functions) -> None:
    functions.world.faults.plan("uploads.open", [ConnectionError("no answer")])
    with pytest.raises(ConnectionError):
        functions.upload(object_created("a"))
    assert functions.upload(object_created("a")) == []
    assert len(functions.world.jobs.rows) == 1


# --- authorizer ------------------------------------------------------------------------------------------------------

ARN = "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/v1/imports"


@pytest.fixture
def project_key(world: World) -> str:
    return create_key("demo", "ci", keys=world.keys, clock=world.clock, by=ASKER, audit=world.audit_ports)[1]


def effect(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", ARN)
    return str(statement["Effect"])


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("X-API-Key", "{}"),
        ("x-api-key", "{}"),
        ("X-Api-Key", " {} "),
        ("Authorization", "Bearer {}"),
        ("authorization", "bearer {}"),
        ("AUTHORIZATION", "BEARER   {}"),
    ],
)
def test_a_key_is_found_in_either_header(functions: Functions, project_key: str, name: str, form: str) -> None:
    answer = functions.authorize({name: form.format(project_key)})
    assert answer["usageIdentifierKey"] == rate_key_of("Clipferry", PROJECT)
    (key_id,) = functions.world.keys.rows
    assert effect(answer) == "Allow"
    assert answer["principalId"] == key_id
    assert answer["context"] == {"key_id": key_id, "project": "demo"}


def test_x_api_key_wins_over_bearer(functions: Functions, project_key: str) -> None:
    assert (
        functions.authorize({"X-API-Key": project_key, "Authorization": "Bearer admin-key"})["context"]["project"]
        == "demo"
    )
    assert effect(functions.authorize({"X-API-Key": "wrong", "Authorization": f"Bearer {project_key}"})) == "Deny"
    assert effect(functions.authorize({"X-API-Key": "", "Authorization": f"Bearer {project_key}"})) == "Allow"


NOT_UNICODE = json.dumps(object_created("inbox/demo/KEY.zip")).replace("KEY", "\\ud800")


@pytest.mark.parametrize("body", ["[" * 50_000, NOT_UNICODE, "{", "null", "NaN"])
def test_a_poisonous_upload_event_fails_alone(functions: Functions, body: str) -> None:
    assert functions.upload(object_created("inbox/demo/a.zip"), body) == ["m1"]
    assert len(functions.world.jobs.rows) == 1


def test_a_projects_key_does_not_read_the_admin_secret(functions: Functions, project_key: str) -> None:
    functions.admin_secrets = FakeSecrets({})  # reading it would fail
    assert effect(functions.authorize({"X-API-Key": project_key})) == "Allow"
    for text in (project_key[:-1], "cf_", "cf_x" * 2_000, "k" * 129, "clé", "a\x00b"):
        assert effect(functions.authorize({"X-API-Key": text})) == "Deny"
    with pytest.raises(KeyError):
        functions.authorize({"X-API-Key": "admin-key"})


def test_the_admin_has_an_empty_project(functions: Functions, project_key: str) -> None:
    assert project_key
    answer = functions.authorize({"X-API-Key": "admin-key"})
    assert answer["usageIdentifierKey"] == rate_key_of("Clipferry", None)
    assert effect(answer) == "Allow"
    assert answer["context"] == {"key_id": "admin", "project": ""}


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"X-API-Key": "ünïcode \ud800"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic admin-key"},
        {"Authorization": "admin-key"},
        {"Cookie": "admin-key"},
    ],
)
@pytest.mark.usefixtures("project_key")
def test_everything_else_is_denied_and_not_an_error(functions: Functions, headers: dict[str, str] | None) -> None:
    answer = functions.authorize(headers)
    assert effect(answer) == "Deny"
    assert answer["principalId"] == "anonymous"
    assert "context" not in answer


def test_objects_of_watched_buckets_and_uploads_come_in_one_batch(functions: Functions) -> None:
    world = functions.world
    request = WatchRequest(name="fleet", root_path=f"s3://{SOURCE_BUCKET}/p/", events=True)
    watch = create(request, project="demo", by=ASKER, ports=world.watch_ports)
    arrived = object_created("p/a.zip")
    arrived["detail"]["bucket"]["name"] = SOURCE_BUCKET
    elsewhere = object_created("p/a.zip")
    elsewhere["detail"]["bucket"]["name"] = "elsewhere"
    assert functions.upload(object_created("a.zip"), arrived, elsewhere) == ["m2"]
    gathering = [job for job in world.jobs.rows.values() if job.source.kind is SourceKind.UPLOAD]
    assert sorted(str(job.watch_id) for job in gathering) == ["None", watch.id]


def test_the_watch_function_starts_runs_that_are_due(functions: Functions) -> None:
    world = functions.world
    request = WatchRequest(name="fleet", root_path=f"s3://{SOURCE_BUCKET}/p/", schedule=Schedule(every="1m"))
    create(request, project="demo", by=ASKER, ports=world.watch_ports)
    for job in list(world.jobs.rows.values()):
        world.run(job.id)
    world.clock.advance(61)
    container = WatchContainer()
    container.ports = world.tick_ports
    ticked = lambdas.watch.handler({}, CONTEXT, container)
    assert len(ticked["started"]) == 1
    assert lambdas.watch.handler({}, CONTEXT, container)["started"] == []
