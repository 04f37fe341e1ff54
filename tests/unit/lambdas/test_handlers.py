"""The functions behind queue, state machine and schedule, with fakes in the place of the wiring."""

from dataclasses import asdict
from typing import Any

import pytest

import lambdas.authorize
import lambdas.conclude
import lambdas.copy
import lambdas.extrapolate
import lambdas.finish
import lambdas.on_upload
import lambdas.plan
import lambdas.sweep
from service.domain.errors import BatchIncomplete, SourceUnavailable
from service.domain.jobs import JobStatus
from service.domain.projects import IntegrationState
from service.domain.requests import ImportSettings, Notify
from service.domain.state_keys import batches_key
from service.projects.keys import create_key
from service.support.settings import PlanSettings
from tests.builders import (
    ASKER,
    SOURCE_BUCKET,
    LambdaContext,
    World,
    an_integration,
    import_prefix,
    object_created,
    sqs_event,
)
from tests.fakes.faults import CrashError
from tests.fakes.projects import FakeSecrets
from tests.unit.formats.making import CLIP

CONTEXT: Any = LambdaContext()
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


# --- plan, copy, finish: one job through the state machine -----------------------------------------------------------


@pytest.fixture
def wired(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(lambdas.plan, "plan_ports", lambda: world.plan_ports)
    monkeypatch.setattr(lambdas.copy, "copy_ports", lambda: world.copy_ports)
    monkeypatch.setattr(lambdas.extrapolate, "extrapolate_ports", lambda: world.extrapolate_ports)
    # Of a function, not of the process that runs the tests.
    monkeypatch.setattr(lambdas.extrapolate, "limit_memory", lambda: None)
    monkeypatch.setattr(lambdas.finish, "finish_ports", lambda: world.finish_ports)
    monkeypatch.setattr(lambdas.conclude, "conclude_ports", lambda: world.conclude_ports)
    monkeypatch.setattr(lambdas.sweep, "sweep_ports", lambda: world.sweep_ports)
    unsettled = world.integrations, world.integration_secrets
    monkeypatch.setattr(lambdas.sweep, "unsettled_integrations", lambda: unsettled)
    monkeypatch.setattr(lambdas.on_upload, "upload_ports", lambda: world.upload_ports)
    settings = PlanSettings(
        table_name="table",
        state_bucket="state",
        clips_bucket="clips",
        source_buckets=("source",),
        max_clips_per_import=1,
        batch_clips=1,
        batch_bytes=1,
        stat_concurrency=1,
        map_concurrency=40,
        source_request_seconds=60,
        integration_secrets_prefix="secrets/",
        allow_private_urls=False,
    )
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    return world


def test_a_job_runs_through_plan_copy_and_finish(wired: World) -> None:
    job = wired.submit_list([*wired.put_sources(3), "missing"])
    planned = lambdas.plan.handler({"job_id": job.id, "run": 0, "cursor": None}, CONTEXT)
    assert planned == {
        "job_id": job.id,
        "done": True,
        "cursor": None,
        "batches": {"bucket": "state", "key": batches_key(job.id), "count": 1},
        "concurrency": 40,
        "extrapolate": False,
    }
    for batch in wired.batches(job.id):
        event = {"batch": asdict(batch), "attempt": 0, "round": 0}
        assert lambdas.copy.handler(event, CONTEXT) == {"done": True, "round": 1}
    ended = lambdas.finish.handler({"job_id": job.id, "run": 0}, CONTEXT)
    assert ended == {"status": "COMPLETED_WITH_ERRORS", "ended_at": wired.job(job.id).completed_at}
    assert wired.job(job.id).counts.copied == 3
    concluded = lambdas.conclude.handler({"job_id": job.id, "ended_at": ended["ended_at"]}, CONTEXT)
    assert concluded == {"ended_at": ended["ended_at"], "done": True, "wait_seconds": 0}
    assert [event["import_id"] for event in wired.bus.events] == [job.id]


def test_a_batch_is_extrapolated_in_rounds(wired: World) -> None:
    keys = wired.put_sources(2)
    for key in keys:
        wired.storage.put_body(SOURCE_BUCKET, key, CLIP)
    job = wired.submit_list(keys, settings=ImportSettings(stationary_extrapolation=True))
    planned = lambdas.plan.handler({"job_id": job.id, "run": 0, "cursor": None}, CONTEXT)
    assert planned["extrapolate"] is True
    (batch,) = wired.batches(job.id)
    lambdas.copy.handler({"batch": asdict(batch), "attempt": 0, "round": 0}, CONTEXT)
    late: Any = LambdaContext(lambdas.extrapolate.MARGIN_MS - 1)
    event = {"batch": asdict(batch), "round": 0}
    assert lambdas.extrapolate.handler(event, late) == {"done": False, "round": 1}
    assert lambdas.extrapolate.handler(event | {"round": 1}, CONTEXT) == {"done": True, "round": 2}
    assert wired.faults.calls["results.put"] == 2


def test_a_conclusion_that_has_to_wait_says_how_long_and_for_which_end(wired: World) -> None:
    job = wired.submit_list(wired.put_sources(1), settings=ImportSettings(notify=Notify(webhook_url="https://x.com")))
    wired.run(job.id)
    wired.sender.answers.append(503)
    event = {"job_id": job.id, "ended_at": wired.job(job.id).completed_at}
    waiting = lambdas.conclude.handler(event, CONTEXT)
    assert waiting == {"ended_at": event["ended_at"], "done": False, "wait_seconds": 10}
    assert lambdas.conclude.handler({"job_id": job.id} | waiting, CONTEXT)["done"]


def test_a_job_that_is_gone_or_runs_again_has_nothing_to_conclude(wired: World) -> None:
    assert lambdas.conclude.handler({"job_id": "ij_nope", "ended_at": None}, CONTEXT)["done"]
    assert not wired.faults.calls


def test_plan_goes_on_from_the_cursor_that_it_gave(wired: World) -> None:
    wired.put_sources(2_500)
    job = wired.submit_prefix()
    short_of_time: Any = LambdaContext(remaining_ms=1_000)
    event: dict[str, Any] = {"job_id": job.id, "run": 0, "cursor": None}
    rounds = 0
    while True:
        answer = lambdas.plan.handler(event, short_of_time)
        rounds += 1
        if answer["done"]:
            break
        assert answer["batches"]["count"] == 0
        event = {"job_id": answer["job_id"], "run": 0, "cursor": answer["cursor"]}
    assert rounds == 3
    assert answer["batches"]["count"] == 25
    assert wired.job(job.id).counts.total == 2_500


def test_plan_of_a_job_that_cannot_be_planned_is_done_with_no_batches(wired: World) -> None:
    job = wired.submit(import_prefix("s3://private/", validate=False))
    answer = lambdas.plan.handler({"job_id": job.id, "run": 0, "cursor": None}, CONTEXT)
    assert (answer["done"], answer["batches"]["count"]) == (True, 0)
    assert lambdas.finish.handler({"job_id": job.id, "run": 0}, CONTEXT)["status"] == "FAILED"


def test_copy_raises_what_another_attempt_can_mend_and_takes_its_number(wired: World) -> None:
    job = wired.planned_list(wired.put_sources(3))
    (batch,) = wired.batches(job.id)
    fault = SourceUnavailable("slow down", operation="copy", uri="u")
    wired.storage.fail_copy["p/000001.zip"] = [fault]
    with pytest.raises(BatchIncomplete):
        lambdas.copy.handler({"batch": asdict(batch), "attempt": 0, "round": 0}, CONTEXT)
    done = {"done": True, "round": 1}
    assert lambdas.copy.handler({"batch": asdict(batch), "attempt": 1, "round": 0}, CONTEXT) == done
    assert lambdas.copy.handler({"batch": asdict(batch), "attempt": 2, "round": 0}, CONTEXT) == done
    assert set(wired.storage.copies.values()) == {1}


def test_copy_goes_on_in_rounds_where_its_time_is_short(wired: World) -> None:
    job = wired.planned_list(wired.put_sources(3))
    (batch,) = wired.batches(job.id)
    short_of_time: Any = LambdaContext(remaining_ms=lambdas.copy.MARGIN_MS - 1)
    event: dict[str, Any] = {"batch": asdict(batch), "attempt": 0, "round": 0}
    answers = []
    while not answers or not answers[-1]["done"]:
        answers.append(lambdas.copy.handler(event, short_of_time))
        event["round"] = answers[-1]["round"]
    assert [answer["done"] for answer in answers] == [False, False, True]
    assert wired.job(job.id).counts.copied == 3
    assert set(wired.storage.copies.values()) == {1}


@pytest.mark.parametrize(("asked", "given"), [(None, 40), (7, 7), (40, 40), (41, 40)])
def test_plan_says_how_many_copy_functions_may_run(wired: World, asked: int | None, given: int) -> None:
    wired.max_concurrency = 50
    settings = ImportSettings(max_concurrency=asked)
    job = wired.submit_list(wired.put_sources(1), settings=settings)
    assert lambdas.plan.handler({"job_id": job.id, "run": 0, "cursor": None}, CONTEXT)["concurrency"] == given


def test_finish_names_the_error_that_was_caught(wired: World) -> None:
    job = wired.submit_list(["a"])
    caught = {"Error": "States.Timeout", "Cause": "long text"}
    assert lambdas.finish.handler({"job_id": job.id, "run": 0, "error": caught}, CONTEXT)["status"] == "FAILED"
    assert "States.Timeout" in (wired.clips.rows[job.id][0].message or "")


def test_finish_of_an_unknown_job_has_no_status(wired: World) -> None:
    assert lambdas.finish.handler({"job_id": "ij_nope", "run": 0}, CONTEXT) == {"status": None, "ended_at": None}
    assert not wired.jobs.rows


def test_sweep_tells_what_it_did(wired: World) -> None:
    wired.faults.plan("workflow.start", [CrashError("here")])
    with pytest.raises(CrashError):
        wired.submit_list(["a"])
    wired.clock.advance(1_000)
    (job_id,) = wired.jobs.rows
    assert lambdas.sweep.handler({}, CONTEXT) == {
        "started": [job_id],
        "ended": [],
        "concluding": [],
        "given_up": [],
    }


def test_the_sweep_removes_what_is_left_of_an_integration(wired: World) -> None:
    left = an_integration(state=IntegrationState.DELETING)
    wired.integrations.rows[left.project, left.id] = left
    wired.integration_secrets.values[left.secret_name] = "secret"
    wired.faults.plan("jobs.active", [RuntimeError("throttled")])
    with pytest.raises(RuntimeError):
        lambdas.sweep.handler({}, CONTEXT)
    assert not wired.integrations.rows
    assert not wired.integration_secrets.values


# --- uploads ---------------------------------------------------------------------------------------------------------


def upload(*bodies: object) -> list[str]:
    """Ids of the messages that are to come again."""
    answer = lambdas.on_upload.handler(sqs_event(*bodies), CONTEXT)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_readable_messages_are_taken_and_the_others_come_again(wired: World) -> None:
    other_bucket = object_created("a")
    other_bucket["detail"]["bucket"]["name"] = "another"
    failed = upload(object_created("a"), "not json", "{}", object_created("folder/", size=0), other_bucket, "null")
    assert failed == ["m1", "m2", "m4", "m5"]
    assert len(wired.uploads.owners) == 1


def test_all_uploads_of_a_batch_make_one_job(wired: World) -> None:
    assert upload(*(object_created(f"{n}.zip") for n in range(10))) == []
    (job,) = wired.jobs.rows.values()
    assert job.status is JobStatus.PENDING
    assert wired.faults.calls["uploads.open"] == 1
    assert not wired.faults.calls["uploads.claim"]


def test_nothing_but_unreadable_messages_makes_no_job(wired: World) -> None:
    assert upload("not json") == ["m0"]
    assert not wired.jobs.rows


def test_a_fault_sends_the_whole_batch_back(wired: World) -> None:
    wired.faults.plan("uploads.open", [ConnectionError("no answer")])
    with pytest.raises(ConnectionError):
        upload(object_created("a"))
    assert upload(object_created("a")) == []
    assert len(wired.jobs.rows) == 1


# --- authorizer ------------------------------------------------------------------------------------------------------

ARN = "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/v1/imports"


@pytest.fixture
def project_key(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(lambdas.authorize, "key_store", lambda: world.keys)
    monkeypatch.setattr(lambdas.authorize, "admin_secret", lambda: (FakeSecrets({"arn": "admin-key"}), "arn"))
    return create_key("demo", "ci", keys=world.keys, clock=world.clock, by=ASKER, audit=world.audit_ports)[1]


def authorize(headers: dict[str, str] | None) -> dict[str, Any]:
    answer: dict[str, Any] = lambdas.authorize.handler({"headers": headers, "methodArn": ARN}, CONTEXT)
    return answer


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
def test_a_key_is_found_in_either_header(world: World, project_key: str, name: str, form: str) -> None:
    answer = authorize({name: form.format(project_key)})
    (key_id,) = world.keys.rows
    assert effect(answer) == "Allow"
    assert answer["principalId"] == key_id
    assert answer["context"] == {"key_id": key_id, "project": "demo"}


def test_x_api_key_wins_over_bearer(project_key: str) -> None:
    assert authorize({"X-API-Key": project_key, "Authorization": "Bearer admin-key"})["context"]["project"] == "demo"
    assert effect(authorize({"X-API-Key": "wrong", "Authorization": f"Bearer {project_key}"})) == "Deny"
    assert effect(authorize({"X-API-Key": "", "Authorization": f"Bearer {project_key}"})) == "Allow"


def test_the_admin_has_an_empty_project(project_key: str) -> None:
    assert project_key
    answer = authorize({"X-API-Key": "admin-key"})
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
def test_everything_else_is_denied_and_not_an_error(headers: dict[str, str] | None) -> None:
    answer = authorize(headers)
    assert effect(answer) == "Deny"
    assert answer["principalId"] == "anonymous"
    assert "context" not in answer
