"""Reporting a completion: report, event, webhook; after crashes, retries and deletions, and through the sweep."""

import json
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from typing import Any

import pytest
from standardwebhooks import Webhook

from service.domain.ends import Delivery, DeliveryStatus, End
from service.domain.errors import (
    EventRefused,
    InvalidRequest,
    NoReport,
    NotEnded,
    NotFound,
    NoWebhook,
    ReportPending,
    WebhookRefused,
    WebhookUnreachable,
    WorkflowUnavailable,
)
from service.domain.ids import execution_name
from service.domain.jobs import Job, JobStatus
from service.domain.requests import ImportSettings, Notify
from service.domain.state_keys import batches_key
from service.imports.completion.conclude import (
    REPORT_FAILURES,
    TURN_SECONDS,
    WEBHOOKS_AT_ONCE,
    conclude,
)
from service.imports.completion.context import CHILD_SECONDS
from service.imports.completion.delete import delete
from service.imports.completion.finish import finish
from service.imports.completion.report_links import replay_webhook, report_link
from service.imports.completion.sweep import CONCLUSION_FAILURES, Swept, sweep
from service.ports.delivery import ExecutionState, WebhookAnswer
from service.projects.webhook_secrets import signing_secrets
from tests.builders import PROJECT, SOURCE_BUCKET, World, import_list, never
from tests.fakes.faults import CrashError
from tests.paths import ROOT
from tests.schema import validate

HOOK = ImportSettings(notify=Notify(webhook_url="https://example.com/hook?token=t"))
GRACE = 120


def ended(world: World, settings: ImportSettings = HOOK, **changes: Any) -> Job:
    job = world.run(world.submit_list([*world.put_sources(2), "missing"], settings=settings, **changes).id)
    world.workflow.states[job.id] = ExecutionState.ENDED
    return job


def end_of(world: World, job: Job) -> End:
    return world.jobs.ends[job.id, world.job(job.id).completed_at or ""]


def webhook_of(world: World, job: Job) -> Delivery:
    found = world.job(job.id).webhook
    assert found == end_of(world, job).webhook
    assert found is not None
    return found


def test_an_end_opens_with_the_status_and_closes_when_all_is_done(world: World) -> None:
    job = ended(world)
    assert [end.job_id for end in world.ends.open()] == [job.id]
    assert world.conclude(job.id) == []
    assert list(world.ends.open()) == []
    (event,) = world.bus.events
    validate(event)
    assert (event["status"], event["counts"]) == (
        "COMPLETED_WITH_ERRORS",
        {"total": 3, "copied": 2, "skipped": 0, "failed": 1, "cancelled": 0, "bytes": 20},
    )
    ((url, headers, body),) = world.sender.sent
    assert (url, json.loads(body)) == ("https://example.com/hook?token=t", event)
    assert headers["webhook-id"] == event["event_id"]
    secret = signing_secrets(PROJECT, world.webhook_secret_ports).current
    Webhook(secret)
    assert webhook_of(world, job).status is DeliveryStatus.DELIVERED
    report: Any = event["report"]
    assert {report[form] for form in ("csv", "jsonl", "summary", "failures")} == set(world.files.files)


def test_what_nobody_asked_for_is_not_sent(world: World) -> None:
    job = ended(world, ImportSettings(notify=Notify(event=False)))
    world.conclude(job.id)
    assert (world.bus.events, world.sender.sent) == ([], [])
    assert end_of(world, job).closed
    assert world.files.files


@pytest.mark.parametrize("take_effect", [False, True])
def test_after_a_crash_at_any_step_everything_happens_and_repeats_carry_the_same_id(take_effect: bool) -> None:
    for at in range(1, 100):
        world = World()
        job = ended(world)
        status, counts = world.job(job.id).status, world.job(job.id).counts
        world.faults.crash_in(at, take_effect=take_effect)
        with suppress(CrashError):
            world.conclude(job.id)
        crashed = world.faults.revive()
        world.conclude(job.id)
        assert end_of(world, job).closed
        assert len({event["event_id"] for event in world.bus.events}) == 1
        assert len({headers["webhook-id"] for _, headers, _ in world.sender.sent}) == 1
        assert len({body for _, _, body in world.sender.sent}) == 1
        assert len(world.bus.events) + len(world.sender.sent) <= 3, "one repeat at most, of the step that crashed"
        assert webhook_of(world, job).status is DeliveryStatus.DELIVERED
        assert (world.job(job.id).status, world.job(job.id).counts) == (status, counts)
        if not crashed:
            assert at > 8
            return
    raise AssertionError("it never ran through")


def test_a_webhook_is_tried_again_until_it_is_taken(world: World) -> None:
    job = ended(world)
    world.sender.answers += [503, WebhookUnreachable("no answer"), WebhookAnswer(429, "400")]
    assert world.conclude(job.id) == [10, 30, 400]
    webhook = webhook_of(world, job)
    assert (webhook.status, webhook.attempts, webhook.last_status_code) == (DeliveryStatus.DELIVERED, 4, 200)
    assert (webhook.last_error, webhook.delivered_at) == (None, webhook.last_attempt_at)
    assert len(world.bus.events) == 1


def test_attempts_are_limited_and_the_last_error_is_kept(world: World) -> None:
    job = ended(world)
    world.sender.answers += [500] * 9
    assert len(world.conclude(job.id)) == 3
    webhook = webhook_of(world, job)
    assert (webhook.status, webhook.attempts) == (DeliveryStatus.FAILED, 4)
    assert (webhook.last_error, webhook.last_status_code) == ("the receiver answered 500", 500)
    assert end_of(world, job).closed


@pytest.mark.parametrize("answer", [410, 404, 302, WebhookRefused("not public")])
def test_a_final_answer_ends_the_delivery(world: World, answer: int | Exception) -> None:
    job = ended(world)
    world.sender.answers.append(answer)
    assert world.conclude(job.id) == []
    assert webhook_of(world, job).status is DeliveryStatus.FAILED
    assert len(world.sender.sent) == 1


def test_a_webhook_url_is_checked_before_the_job_exists(world: World) -> None:
    with pytest.raises(InvalidRequest, match="https://"):
        world.submit_list(["a"], settings=ImportSettings(notify=Notify(webhook_url="http://example.com")))
    assert not world.jobs.rows


# --- jobs that change meanwhile --------------------------------------------------------------------------------------


def test_a_deleted_job_is_not_reported_and_leaves_nothing(world: World) -> None:
    job = ended(world)
    ended_at = job.completed_at or ""
    delete(job.id, project=PROJECT, jobs=world.jobs, clock=world.clock)

    assert conclude(job.id, ended_at, out_of_time=never, ports=world.conclude_ports).done
    assert (world.bus.events, world.sender.sent, world.files.files) == ([], [], {})
    world.purge()
    assert world.jobs.ends == {}
    assert conclude(job.id, ended_at, out_of_time=never, ports=world.conclude_ports).done


def test_a_completion_before_a_running_retry_is_reported_unchanged_without_a_report(world: World) -> None:

    job = ended(world)
    world.jobs.rows[job.id] = replace(job, status=JobStatus.COPYING, completed_at=None)
    assert conclude(job.id, job.completed_at or "", out_of_time=never, ports=world.conclude_ports).done
    (event,) = world.bus.events
    validate(event)
    assert (event["status"], event["report"], event["ended_at"]) == ("COMPLETED_WITH_ERRORS", None, job.completed_at)
    assert world.job(job.id).webhook is None, "that end is not the job's last"
    assert world.sender.sent


# --- callers ---------------------------------------------------------------------------------------------------------


def test_a_link_to_the_report_comes_with_the_report(world: World) -> None:
    job = world.submit_list(["missing"])
    with pytest.raises(NotEnded):
        report_link(job.id, "csv", project=PROJECT, ports=world.ended_ports)
    world.run(job.id)
    with pytest.raises(ReportPending):
        report_link(job.id, "csv", project=PROJECT, ports=world.ended_ports)
    with pytest.raises(NotFound):
        report_link(job.id, "csv", project="other", ports=world.ended_ports)
    world.conclude(job.id)
    link = report_link(job.id, "failures", project=PROJECT, ports=world.ended_ports)
    body = world.files.files[link.uri.removeprefix("s3://state/")]
    assert (link.bytes, json.loads(body)) == (len(body), {"uri": "s3://source/missing"})
    assert f"name={job.id}-failures.jsonl" in link.url
    assert link.expires_at > world.clock()


def test_a_webhook_is_sent_again_under_its_id(world: World) -> None:
    job = ended(world)
    world.sender.answers.append(410)
    world.conclude(job.id)
    again = replay_webhook(job.id, project=PROJECT, ports=world.ended_ports)
    assert again.webhook == Delivery(ended_at=job.completed_at or "", status=DeliveryStatus.PENDING)
    assert len(world.workflow.conclusions) == 1
    world.conclude(job.id)
    assert webhook_of(world, job).status is DeliveryStatus.DELIVERED
    first, second = world.sender.sent
    assert (first[1]["webhook-id"], first[2]) == (second[1]["webhook-id"], second[2])
    assert (len(world.bus.events), world.faults.calls["files.put"]) == (1, 4)


def test_a_replay_while_the_webhook_is_under_way_starts_nothing(world: World) -> None:
    job = ended(world)
    assert replay_webhook(job.id, project=PROJECT, ports=world.ended_ports) == world.job(job.id)
    assert not world.workflow.conclusions


def test_a_replay_that_cannot_be_started_is_left_to_the_sweep(world: World) -> None:
    job = ended(world)
    world.conclude(job.id)
    world.faults.plan("workflow.conclude", [WorkflowUnavailable("throttled")])
    replay_webhook(job.id, project=PROJECT, ports=world.ended_ports)
    world.clock.advance(GRACE)
    assert sweep(world.sweep_ports) == Swept(concluding=[job.id])
    assert end_of(world, job).executions == 1, "the one that was asked for"


def test_there_is_nothing_to_replay_before_the_end_or_without_a_webhook(world: World) -> None:
    with pytest.raises(NotEnded):
        replay_webhook(world.submit_list(["a"]).id, project=PROJECT, ports=world.ended_ports)
    job = ended(world, ImportSettings())
    with pytest.raises(NoWebhook):
        replay_webhook(job.id, project=PROJECT, ports=world.ended_ports)
    with pytest.raises(NotFound):
        replay_webhook(job.id, project="other", ports=world.ended_ports)


# --- the sweep -------------------------------------------------------------------------------------------------------


def test_an_end_that_nobody_concludes_gets_an_execution_of_its_own(world: World) -> None:
    job = ended(world)
    assert sweep(world.sweep_ports) == Swept()
    world.clock.advance(GRACE)
    assert sweep(world.sweep_ports) == Swept(concluding=[job.id])
    (name,) = world.workflow.conclusions
    assert name.startswith(f"{job.id}-2026")
    world.clock.advance(100_000)
    assert sweep(world.sweep_ports) == Swept(), "it runs"
    world.conclude(job.id)
    assert sweep(world.sweep_ports) == Swept()


def test_an_end_whose_import_still_runs_is_left_alone(world: World) -> None:
    job = ended(world)
    world.workflow.states[job.id] = ExecutionState.RUNNING
    world.clock.advance(100_000)
    assert sweep(world.sweep_ports) == Swept()


def test_a_job_that_the_sweep_ended_is_concluded_too(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    world.workflow.states[job.id] = ExecutionState.ENDED
    world.clock.advance(CHILD_SECONDS)
    assert sweep(world.sweep_ports).ended == [job.id]
    world.clock.advance(GRACE)
    assert sweep(world.sweep_ports) == Swept(concluding=[job.id])


def test_a_conclusion_that_never_works_is_tried_ever_less_often_and_then_given_up(world: World) -> None:
    job = ended(world)
    found: list[Swept] = []
    for _ in range(CONCLUSION_FAILURES + 1):
        world.faults.plan("bus.put", [EventRefused("no such bus")])
        world.clock.advance(GRACE * 2 ** len(found) - 1)
        assert sweep(world.sweep_ports) == Swept()
        world.clock.advance(2)
        found.append(sweep(world.sweep_ports))
        for name in world.workflow.conclusions:
            world.workflow.states[name] = ExecutionState.ENDED
    assert found == [Swept(concluding=[job.id])] * CONCLUSION_FAILURES + [Swept(given_up=[job.id])]
    webhook = webhook_of(world, job)
    assert webhook.status is DeliveryStatus.FAILED
    assert "see its log" in (webhook.last_error or "")
    with pytest.raises(NoReport):
        report_link(job.id, "csv", project=PROJECT, ports=world.ended_ports)


def test_where_no_report_can_be_written_event_and_webhook_go_out_without_one(world: World) -> None:
    job = ended(world)
    world.faults.plan("clips.in_order", [RuntimeError("broken")] * 9)
    for _ in range(REPORT_FAILURES):
        with pytest.raises(RuntimeError):
            world.conclude(job.id)
        world.clock.advance(100_000)
        for name in world.workflow.conclusions:
            world.workflow.states[name] = ExecutionState.ENDED
        sweep(world.sweep_ports)
    world.conclude(job.id)
    (event,) = world.bus.events
    assert event["report"] is None
    assert webhook_of(world, job).status is DeliveryStatus.DELIVERED


def test_one_that_another_execution_took_over_keeps_nothing(world: World) -> None:
    job = ended(world)
    stale = end_of(world, job)
    assert world.ends.restart(stale, failures=1, webhook=None, now=world.clock())
    assert world.ends.restart(stale, failures=1, webhook=None, now=world.clock()) is None
    assert not world.ends.save(replace(stale, closed=True), now=world.clock())
    assert not end_of(world, job).closed


def test_the_documented_example_fits_the_schema() -> None:
    page = (ROOT / "docs" / "events.md").read_text()
    validate(json.loads(page.split("```json\n")[1].split("```")[0]))


# --- ends of a job that ran again ------------------------------------------------------------------------------------


def retried(world: World, job: Job) -> Job:
    """The next run, to its end: the missing source has appeared."""
    world.storage.put(SOURCE_BUCKET, "missing")
    world.retry(job.id)
    again = world.run(job.id)
    world.workflow.states[execution_name(job.id, 1)] = ExecutionState.ENDED
    return again


def told(world: World) -> list[tuple[object, object, object]]:
    return [(event["run"], event["counts"], event["ended_at"]) for event in world.bus.events]


COUNTS = {"total": 3, "copied": 2, "skipped": 0, "failed": 1, "cancelled": 0, "bytes": 20}
COUNTS_AGAIN = {**COUNTS, "copied": 3, "failed": 0, "bytes": 30}


def test_each_completion_is_reported_with_its_own_counts_and_report(world: World) -> None:
    job = ended(world)
    world.conclude(job.id)
    again = retried(world, job)
    world.conclude(job.id)
    assert told(world) == [(0, COUNTS, job.completed_at), (1, COUNTS_AGAIN, again.completed_at)]
    first, second = world.bus.events
    for event in (first, second):
        validate(event)
    assert first["event_id"] != second["event_id"]
    assert (first["started_at"], second["started_at"]) == (job.created_at, again.retry and again.retry.at)
    for event, statuses in ((first, ["COPIED", "COPIED", "FAILED"]), (second, ["COPIED"] * 3)):
        report: Any = event["report"]
        lines = world.files.files[report["jsonl"]].splitlines()
        assert [json.loads(line)["status"] for line in lines] == statuses
        assert json.loads(world.files.files[report["summary"]])["run"] == event["run"]
    assert [json.loads(body)["run"] for _, _, body in world.sender.sent] == [0, 1]
    assert webhook_of(world, again).ended_at == again.completed_at


@pytest.mark.parametrize("runs_again_first", [True, False])
def test_a_completion_not_reported_before_a_retry_is_reported_without_a_report(
    world: World, runs_again_first: bool
) -> None:
    job = ended(world)
    again = None
    if runs_again_first:
        again = retried(world, job)
    else:
        world.retry(job.id)
        world.plan(job.id)
    assert job.completed_at is not None
    conclude(job.id, job.completed_at, out_of_time=never, ports=world.conclude_ports)
    assert told(world) == [(0, COUNTS, job.completed_at)]
    assert world.bus.events[0]["report"] is None
    assert world.jobs.ends[job.id, job.completed_at].closed
    assert world.job(job.id).webhook is None, "the job shows the delivery of its last end"
    if again:
        world.conclude(job.id)
        assert told(world)[1:] == [(1, COUNTS_AGAIN, again.completed_at)]
        assert world.bus.events[1]["report"]


def test_a_report_that_a_retry_overtakes_is_no_report(world: World) -> None:
    job = ended(world)
    put = world.files.put

    def overtaken(key: str, body: bytes, content_type: str) -> None:
        put(key, body, content_type)
        if world.job(job.id).run == 0:
            world.retry(job.id)
            world.plan(job.id)

    world.files.put = overtaken  # type: ignore[method-assign]
    assert job.completed_at is not None
    conclude(job.id, job.completed_at, out_of_time=never, ports=world.conclude_ports)
    assert told(world) == [(0, COUNTS, job.completed_at)]
    assert world.bus.events[0]["report"] is None


def test_the_sweep_asks_for_the_execution_of_the_run_that_ended(world: World) -> None:
    again = retried(world, ended(world))
    world.workflow.states[again.id] = ExecutionState.ENDED
    world.workflow.states[execution_name(again.id, 1)] = ExecutionState.RUNNING
    world.clock.advance(GRACE)
    assert sweep(world.sweep_ports).concluding == [again.id], "the first end; the second one's execution is at it"
    (first,) = world.workflow.conclusions.values()
    assert first.run == 0
    world.workflow.states[execution_name(again.id, 1)] = ExecutionState.ENDED
    world.clock.advance(GRACE)
    assert [end.run for end in world.ends.open()] == [0, 1]
    sweep(world.sweep_ports)
    assert sorted(end.run for end in world.workflow.conclusions.values()) == [0, 1]


def test_recounted_counts_are_the_reported_ones(world: World) -> None:
    job = world.planned_list(["missing", *world.put_sources(1)])
    del world.state.files[batches_key(job.id)]
    finish(job.id, error=None, ports=world.finish_ports)
    world.conclude(job.id)
    (event,) = world.bus.events
    assert event["counts"] == asdict(world.job(job.id).counts)
    assert (world.job(job.id).counts.total, world.job(job.id).counts.failed) == (2, 2)


def test_a_deleted_job_leaves_no_end_of_any_run(world: World) -> None:
    job = ended(world)
    world.conclude(job.id)
    retried(world, job)
    world.conclude(job.id)
    delete(job.id, project=PROJECT, jobs=world.jobs, clock=world.clock)
    assert world.purge() == [job.id]
    assert not [name for name, _ in world.jobs.ends if name == job.id]
    assert not world.state.files


def test_receivers_that_hang_hold_few_functions_of_their_project(world: World) -> None:
    mine = ended(world)
    theirs = world.run(world.submit(import_list([f"s3://{SOURCE_BUCKET}/x"], settings=HOOK), project="other").id)
    ports = world.conclude_ports
    with ExitStack() as sent:
        for _ in range(WEBHOOKS_AT_ONCE):
            sent.enter_context(ports.sending.one(PROJECT))
        waits = conclude(mine.id, mine.completed_at or "", out_of_time=never, ports=ports)
        assert (waits.done, waits.wait_seconds) == (False, TURN_SECONDS)
        assert (webhook_of(world, mine).status, webhook_of(world, mine).attempts) == (DeliveryStatus.PENDING, 0)
        assert not world.sender.sent
        assert conclude(theirs.id, theirs.completed_at or "", out_of_time=never, ports=ports).done
    assert conclude(mine.id, mine.completed_at or "", out_of_time=never, ports=ports).done
    assert webhook_of(world, mine).attempts == 1
    assert [len(world.sender.sent), len(world.bus.events)] == [2, 2]
    assert not any(turns.rows for turns in world.sending.values())
