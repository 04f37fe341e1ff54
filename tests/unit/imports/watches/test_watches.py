"""Watches on a clock that the test moves: runs start once, missed ones are made up once, losses are told once."""

import json
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from service.domain.ends import DeliveryStatus
from service.domain.errors import (
    AccessDenied,
    CannotAccess,
    EventsUnavailable,
    IdempotencyConflict,
    InvalidRequest,
    InvalidSchedule,
    NotFound,
    NoWebhook,
    ObjectError,
    RateLimited,
    SourceUnavailable,
    TooManyWatches,
    UnknownExecutionSettings,
    WatchesIncomplete,
    WebhookUnreachable,
)
from service.domain.jobs import Job, JobTag, Trigger, WatchCause
from service.domain.projects import Action
from service.domain.requests import Filters, ImportSettings, Notify
from service.domain.schedules import Schedule
from service.domain.search_keys import tags_of
from service.domain.watches import (
    MAX_WEBHOOKS,
    Notice,
    NoticeKind,
    Watch,
    WatchStatus,
    notice_id,
    told,
    with_webhook,
)
from service.domain.webhooks import signed_headers
from service.imports.intake.arrivals import Arrival
from service.imports.watches import manage, status
from service.imports.watches.events import accept_arrivals
from service.imports.watches.manage import WatchRequest
from service.imports.watches.runs import serve
from service.imports.watches.tick import NO_URL, Ticked, TickPorts, tick
from service.ports.delivery import WebhookAnswer
from service.projects.webhook_secrets import signing_secrets
from tests.builders import (
    ACCESS_POINT,
    ASKER,
    CLIPS_BUCKET,
    DROP_BUCKET,
    PROJECT,
    SOURCE_BUCKET,
    World,
    an_integration,
    an_upload,
)
from tests.fakes import jobs as fake_jobs
from tests.fakes.faults import CrashError
from tests.schema import WATCH_NOTICE, validate

ROOT = f"s3://{SOURCE_BUCKET}/p/"
MINUTE = 60
HOUR = 3_600
TIME = "2026-11-22T17:00:00Z"


def make(world: World, *, project: str = PROJECT, **changes: Any) -> Watch:
    given: dict[str, Any] = {"name": "fleet", "root_path": ROOT, "schedule": Schedule(every="15m")} | changes
    return manage.create(WatchRequest(**given), project=project, by=ASKER, ports=world.watch_ports)


def change(world: World, watch: Watch, **changes: Any) -> Watch:
    return manage.change(watch.id, changes, project=PROJECT, by=ASKER, ports=world.watch_ports)


def ticked(world: World, seconds: float = MINUTE, times: int = 1) -> Ticked:
    """Tick so often, each time after so many seconds; return what the last tick did."""
    found = Ticked()
    for _ in range(times):
        world.clock.advance(seconds)
        found = tick(world.tick_ports)
    return found


def jobs_of(world: World) -> list[Job]:
    return sorted(world.jobs.rows.values(), key=lambda job: job.created_at)


def run_all(world: World) -> None:
    for job in jobs_of(world):
        if not job.status.terminal:
            world.run(job.id)


def now(world: World, watch: Watch) -> Watch:
    return manage.get(watch.id, project=watch.project, ports=world.watch_ports)


def lose(world: World, error: ObjectError | None = None) -> None:
    """The source answers every listing from now on with an error; `find_again` ends that."""
    world.storage.fail_list[SOURCE_BUCKET] = [error or AccessDenied("no", operation="list", uri=ROOT)]


def find_again(world: World) -> None:
    del world.storage.fail_list[SOURCE_BUCKET]


# --- making and changing ---------------------------------------------------------------------------------------------


def test_a_watch_imports_what_is_there_when_it_is_made(world: World) -> None:
    world.put_sources(3)
    watch = make(world, folder="night", labels=("a",))
    [job] = jobs_of(world)
    assert (job.trigger, job.watch_id, job.folder, job.labels) == (Trigger.WATCH, watch.id, "night", ("a",))
    assert job.watch
    assert job.watch.cause is WatchCause.FIRST
    assert watch.last_run == job.id
    assert world.run(job.id).counts.copied == 3
    assert [entry.action for entry in world.audit.entries] == [Action.WATCH_CREATE, Action.IMPORT_START]


def test_the_same_key_makes_one_watch(world: World) -> None:
    request = WatchRequest(name="fleet", root_path=ROOT, schedule=Schedule(every="15m"))

    def ask(request: WatchRequest) -> Watch:
        return manage.create(request, project=PROJECT, by=ASKER, ports=world.watch_ports, idempotency_key="k")

    assert ask(request).id == ask(request).id
    assert len(jobs_of(world)) == 1
    with pytest.raises(IdempotencyConflict):
        ask(replace(request, name="other"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"schedule": None}, InvalidRequest),
        ({"schedule": Schedule(every="1s")}, InvalidSchedule),
        ({"name": ""}, InvalidRequest),
        ({"root_path": "https://x"}, InvalidRequest),
        ({"root_path": f"s3://{CLIPS_BUCKET}/{PROJECT}/"}, InvalidRequest),
        ({"root_path": f"s3://{DROP_BUCKET}/inbox/{PROJECT}/"}, InvalidRequest),
        ({"root_path": "s3://elsewhere/"}, CannotAccess),
        ({"root_path": "gs://elsewhere/", "events": True}, EventsUnavailable),
        ({"root_path": "s3://elsewhere/", "events": True}, EventsUnavailable),
        ({"root_path": f"{ROOT}of.zip!/", "events": True}, EventsUnavailable),
        ({"root_path": f"s3://{ACCESS_POINT}/p/", "events": True}, EventsUnavailable),
        ({"filters": Filters(min_size=-1)}, InvalidRequest),
        ({"execution_settings_id": "es_1"}, UnknownExecutionSettings),
        ({"integration_id": "in_1"}, InvalidRequest),
    ],
)
def test_a_watch_that_could_never_run_is_refused(world: World, changes: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make(world, **changes)
    assert not world.watches.rows
    assert not world.jobs.rows


def test_events_are_refused_where_an_integration_opens_the_bucket(world: World) -> None:
    saved = an_integration(bucket=SOURCE_BUCKET)
    world.integrations.rows[PROJECT, saved.id] = saved
    with pytest.raises(EventsUnavailable, match="integration"):
        make(world, events=True)


def test_a_project_has_so_many_watches_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manage, "MAX_PER_PROJECT", 1)
    make(world)
    with pytest.raises(TooManyWatches):
        make(world)


def test_another_projects_watch_is_not_there(world: World) -> None:
    watch = make(world)
    for act in (
        lambda: manage.get(watch.id, project="other", ports=world.watch_ports),
        lambda: manage.change(watch.id, {"paused": True}, project="other", by=ASKER, ports=world.watch_ports),
        lambda: manage.run_now(watch.id, project="other", by=ASKER, ports=world.watch_ports),
        lambda: manage.delete(watch.id, project="other", by=ASKER, ports=world.watch_ports),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_paused_watch_does_nothing_until_it_is_resumed_and_then_catches_up_once(world: World) -> None:
    watch = make(world)
    run_all(world)
    assert change(world, watch, paused=True).status is WatchStatus.PAUSED
    ticked(world, HOUR, times=3)
    assert len(jobs_of(world)) == 1
    resumed = change(world, watch, paused=False)
    [_, job] = jobs_of(world)
    assert job.watch
    assert (job.watch.cause, resumed.last_run) == (WatchCause.CATCH_UP, job.id)
    run_all(world)
    assert not ticked(world).started


def test_a_watch_that_cannot_read_its_source_can_be_paused_and_deleted(world: World) -> None:
    watch = make(world)
    lose(world)
    change(world, watch, paused=True)
    manage.delete(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports)
    assert not world.watches.rows


def test_new_filters_start_a_run_and_a_new_schedule_plans_the_next_one(world: World) -> None:
    watch = make(world, schedule=Schedule(every="1d"))
    run_all(world)
    planned = change(world, watch, schedule=Schedule(every="1m"))
    assert len(jobs_of(world)) == 1
    assert planned.next_run_at
    assert planned.next_run_at < (watch.next_run_at or "")
    change(world, watch, filters=Filters(include=("*.zip",)))
    assert len(jobs_of(world)) == 2


def test_run_now_starts_one_run_and_shows_the_one_that_goes_on(world: World) -> None:
    watch = make(world)

    def run() -> str | None:
        return manage.run_now(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports).last_run

    assert run() == watch.last_run
    run_all(world)
    assert run() == run() != watch.last_run
    assert len(jobs_of(world)) == 2
    run_all(world)
    lose(world)
    with pytest.raises(CannotAccess):
        run()


# --- the schedule ----------------------------------------------------------------------------------------------------


def test_each_run_starts_when_it_is_due_and_once(world: World) -> None:
    watch = make(world)
    run_all(world)
    ticked(world, times=14)
    assert len(jobs_of(world)) == 1
    ticked(world, times=2)
    run_all(world)
    assert [job.watch and job.watch.cause for job in jobs_of(world)] == [WatchCause.FIRST, WatchCause.SCHEDULED]
    ticked(world, times=13)
    assert len(jobs_of(world)) == 2
    assert (now(world, watch).next_run_at or "").startswith("2026-11-22T17:30:00")


def test_a_run_that_goes_on_is_not_started_twice_and_all_that_were_missed_are_made_up_once(world: World) -> None:
    make(world)
    ticked(world, times=50)
    assert len(jobs_of(world)) == 1
    run_all(world)
    ticked(world, times=2)
    assert len(jobs_of(world)) == 2
    run_all(world)
    ticked(world, times=5)
    assert len(jobs_of(world)) == 2


def test_a_service_that_was_down_makes_up_for_all_runs_once(world: World) -> None:
    make(world, schedule=Schedule(every="1m"))
    run_all(world)
    ticked(world, 10 * HOUR)
    assert len(jobs_of(world)) == 2


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_tick_that_crashes_anywhere_starts_one_import(take_effect: bool) -> None:
    crashed, calls = True, 0
    while crashed:
        calls += 1
        world = World()
        make(world)
        run_all(world)
        world.clock.advance(16 * MINUTE)
        world.faults.crash_in(calls, take_effect=take_effect)
        with suppress(CrashError, WatchesIncomplete):
            tick(world.tick_ports)
        crashed = world.faults.revive()
        ticked(world)
        assert len(jobs_of(world)) == 2
        assert jobs_of(world)[1].id in world.workflow.started
    assert calls > 5


def test_two_ticks_at_once_start_one_import(world: World) -> None:
    watch = make(world)
    run_all(world)
    world.clock.advance(16 * MINUTE)
    due = now(world, watch)
    tick(world.tick_ports)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.watches, "due", lambda _now: iter([due]))
        tick(world.tick_ports)
    assert len(jobs_of(world)) == 2


def test_a_watch_that_was_changed_between_start_and_note_starts_nothing_more(world: World) -> None:
    watch = make(world)
    run_all(world)
    world.clock.advance(16 * MINUTE)
    world.faults.plan("watches.save", [CrashError("x")])
    with pytest.raises(WatchesIncomplete):
        tick(world.tick_ports)
    change(world, watch, labels=("new",))
    ticked(world, times=2)
    assert len(jobs_of(world)) == 2


def test_one_watch_that_fails_does_not_hold_up_the_others(world: World) -> None:
    first, second = make(world), make(world)
    run_all(world)
    world.clock.advance(16 * MINUTE)
    world.faults.plan("jobs.create", [RuntimeError("bug")])
    with pytest.raises(WatchesIncomplete, match=first.id):
        tick(world.tick_ports)
    assert [job.watch_id for job in jobs_of(world)[2:]] == [second.id]


def test_a_tick_that_runs_out_of_time_leaves_nobody_out(world: World) -> None:
    made = [make(world) for _ in range(5)]
    run_all(world)
    world.clock.advance(16 * MINUTE)
    for _ in range(4):
        left = iter([1.0, 1.0, -1.0])
        tick(world.tick_ports, seconds_left=lambda left=left: next(left, -1.0))  # type: ignore[misc]
        world.clock.advance(MINUTE)
    assert {job.watch_id for job in jobs_of(world)[5:]} == {watch.id for watch in made}


def test_watches_of_another_project_do_not_wait_for_slow_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = [make(world, name=f"slow {number}", project="rival") for number in range(3)]
    watch = make(world)
    run_all(world)
    world.clock.advance(16 * MINUTE)
    served = Event()

    def serve_slowly(found: Watch, ports: TickPorts) -> Watch | None:
        if found.id == watch.id:
            served.set()
        else:
            assert served.wait(30), "the other project's watch waits for this one"
        return serve(found, ports)

    monkeypatch.setattr("service.imports.watches.tick.serve", serve_slowly)
    assert len(tick(world.tick_ports).started) == len(slow) + 1


def test_a_run_waits_while_the_project_has_too_many_imports(world: World) -> None:
    watch = make(world)
    run_all(world)
    world.max_active = 0
    ticked(world, 16 * MINUTE)
    waiting = now(world, watch)
    assert (waiting.status, len(jobs_of(world))) == (WatchStatus.ACTIVE, 1)
    world.max_active = 9
    ticked(world, MINUTE + 1)
    assert len(jobs_of(world)) == 2


# --- lost access -----------------------------------------------------------------------------------------------------


def test_lost_access_is_told_once_and_tried_with_back_off_until_it_is_back(world: World) -> None:
    watch = make(world)
    run_all(world)
    lose(world)
    ticked(world, times=16)
    failing = now(world, watch)
    assert failing.failure
    assert (failing.status, failing.failure.code) == (WatchStatus.FAILING, "CANNOT_ACCESS")
    before = world.faults.calls["storage.list_page"]
    ticked(world, times=24 * 60)
    tries = world.faults.calls["storage.list_page"] - before
    assert 8 <= tries <= 14, "after 1, 2, 4, … 256 minutes and every 6 hours"
    assert [event["type"] for event in world.bus.events] == ["clipferry.watch.failing"]
    assert len(jobs_of(world)) == 1
    find_again(world)
    ticked(world, times=6 * 60 + 1)
    assert [event["type"] for event in world.bus.events] == ["clipferry.watch.failing", "clipferry.watch.recovered"]
    assert now(world, watch).status is WatchStatus.ACTIVE
    assert len(jobs_of(world)) == 2, "what was missed is made up once"


def test_a_watch_that_can_read_again_says_so_while_its_run_waits_for_room(world: World) -> None:
    watch = make(world)
    run_all(world)
    lose(world)
    ticked(world, times=16)
    find_again(world)
    world.max_active = 0
    ticked(world, HOUR, times=2)
    assert now(world, watch).status is WatchStatus.ACTIVE
    assert [event["type"] for event in world.bus.events] == ["clipferry.watch.failing", "clipferry.watch.recovered"]
    world.max_active = 1_000
    ticked(world, times=2)
    [_, job] = jobs_of(world)
    assert job.watch
    assert job.watch.cause is WatchCause.CATCH_UP


def test_a_deleted_integration_is_noticed_between_the_runs(world: World) -> None:
    saved = an_integration(bucket=SOURCE_BUCKET)
    world.integrations.rows[PROJECT, saved.id] = saved
    watch = make(world, schedule=Schedule(cron="0 2 * * *"), integration_id=saved.id)
    run_all(world)
    del world.integrations.rows[PROJECT, saved.id]
    ticked(world, times=61)
    failing = now(world, watch)
    assert failing.failure
    assert failing.failure.code == "UNKNOWN_INTEGRATION"
    world.integrations.rows[PROJECT, saved.id] = saved
    ticked(world, times=3)
    [_, job] = jobs_of(world)
    assert job.watch
    assert job.watch.cause is WatchCause.CATCH_UP


def test_a_watch_can_be_given_another_integration(world: World) -> None:
    """New credentials are a new integration."""
    saved = an_integration(bucket=SOURCE_BUCKET)
    other = replace(saved, id="in_" + "9" * 24)
    world.integrations.rows[PROJECT, saved.id] = saved
    watch = make(world, integration_id=saved.id)
    run_all(world)
    del world.integrations.rows[PROJECT, saved.id]
    ticked(world, times=16)
    assert now(world, watch).status is WatchStatus.FAILING
    with pytest.raises(InvalidRequest):
        change(world, watch, integration_id=other.id)
    world.integrations.rows[PROJECT, other.id] = other
    change(world, watch, integration_id=other.id)
    ticked(world)
    assert now(world, watch).status is WatchStatus.ACTIVE
    assert [job.integration_id for job in jobs_of(world)] == [saved.id, other.id]


def test_a_store_that_is_busy_for_a_moment_is_not_lost(world: World) -> None:
    watch = make(world)
    run_all(world)
    busy = SourceUnavailable("slow down", operation="list", uri=ROOT)
    lose(world, busy)
    ticked(world, times=17)
    find_again(world)
    ticked(world, times=3)
    assert not world.bus.events
    assert len(jobs_of(world)) == 2
    run_all(world)
    lose(world, busy)
    ticked(world, times=25)
    assert [event["code"] for event in world.bus.events] == ["SOURCE_UNAVAILABLE"]
    assert now(world, watch).status is WatchStatus.FAILING


def test_a_store_that_says_when_to_ask_again_is_asked_then(world: World) -> None:
    watch = make(world)
    run_all(world)
    lose(world, RateLimited("slow down", operation="list", uri=ROOT, retry_after=600))
    before = world.faults.calls["storage.list_page"]
    ticked(world, times=15 + 15)
    assert world.faults.calls["storage.list_page"] - before <= 3, "at 15 and 25 minutes"
    find_again(world)
    ticked(world, times=11)
    assert not world.bus.events, "a limit is no loss"
    assert (now(world, watch).status, len(jobs_of(world))) == (WatchStatus.ACTIVE, 2)


def test_a_store_that_does_not_answer_in_time_is_not_taken_for_readable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = make(world)
    run_all(world)
    monkeypatch.setattr("service.imports.intake.preflight.done_within", lambda _seconds, _work: False)
    ticked(world, times=16)
    assert len(jobs_of(world)) == 1
    ticked(world, times=10)
    assert now(world, watch).status is WatchStatus.FAILING


def test_a_notice_survives_a_crash_and_keeps_its_id() -> None:
    crashed, calls = True, 0
    while crashed:
        calls += 1
        world = World()
        make(world)
        run_all(world)
        lose(world)
        world.clock.advance(16 * MINUTE)
        world.faults.crash_in(calls)
        with suppress(CrashError, WatchesIncomplete):
            tick(world.tick_ports)
        crashed = world.faults.revive()
        ticked(world, times=4)
        assert {event["type"] for event in world.bus.events} == {"clipferry.watch.failing"}
        assert len({event["event_id"] for event in world.bus.events}) == 1
    assert calls > 3


URL = "https://hooks.example.com/clipferry"
HOOKED = ImportSettings(notify=Notify(event=False, webhook_url=URL))


def webhooks(world: World) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in world.sender.sent]


def lost_with_webhook(world: World, *answers: int | WebhookAnswer | Exception) -> Watch:
    """Make a watch whose receiver gives these answers first, and lose its source."""
    watch = make(world, settings=HOOKED)
    run_all(world)
    world.sender.sent.clear()
    world.sender.answers.extend(answers)
    lose(world)
    return watch


def test_a_loss_and_its_end_are_sent_as_signed_webhooks_once(world: World) -> None:
    lost_with_webhook(world)
    ticked(world, times=6 * 60)
    find_again(world)
    ticked(world, times=6 * 60 + 1)
    assert webhooks(world) == world.bus.events[-2:]
    assert [one["type"] for one in webhooks(world)] == ["clipferry.watch.failing", "clipferry.watch.recovered"]
    for (url, headers, body), document in zip(world.sender.sent, webhooks(world), strict=True):
        validate(document, WATCH_NOTICE)
        assert (url, headers["webhook-id"]) == (URL, document["event_id"])
        expected = signed_headers(
            body,
            event_id=document["event_id"],
            timestamp=int(headers["webhook-timestamp"]),
            secret=signing_secrets(PROJECT, world.webhook_secret_ports).current,
        )
        assert headers == expected
    assert len(jobs_of(world)) == 2, "what was missed is made up once"


def test_the_url_of_a_preset_gets_the_webhook(world: World) -> None:
    watch = make(world)
    run_all(world)
    world.watches.save(replace(now(world, watch), execution_settings_id="es_1"))
    lose(world)
    world.clock.advance(HOUR)
    tick(replace(world.tick_ports, saved_settings=lambda _project, _id: HOOKED))
    assert [(url, json.loads(body)["watch_id"]) for url, _, body in world.sender.sent] == [(URL, watch.id)]


def test_a_receiver_that_is_down_gets_the_webhook_later_and_the_source_is_not_asked_more_often(world: World) -> None:
    watch = lost_with_webhook(world, 503, WebhookUnreachable("no answer"), WebhookAnswer(429, retry_after="1800"))
    before = world.faults.calls["storage.list_page"]
    ticked(world, times=16 + 60)
    ids = {headers["webhook-id"] for _, headers, _ in world.sender.sent}
    [webhook] = now(world, watch).webhooks
    assert (len(world.sender.sent), len(ids), webhook.again_at) == (4, 1, None)
    assert (webhook.status, webhook.attempts, webhook.last_status_code) == (DeliveryStatus.DELIVERED, 4, 200)
    assert webhook.delivered_at == webhook.last_attempt_at
    assert world.faults.calls["storage.list_page"] - before <= 7, "after 1, 2, 4, … 32 minutes"


@pytest.mark.parametrize(("answers", "sent"), [([410], 1), ([500] * 9, 4)])
def test_a_webhook_is_given_up(world: World, answers: list[int], sent: int) -> None:
    watch = lost_with_webhook(world, *answers)
    ticked(world, times=6 * 60)
    [webhook] = now(world, watch).webhooks
    assert (len(world.sender.sent), webhook.attempts, webhook.again_at) == (sent, sent, None)
    assert (webhook.status, webhook.last_status_code) == (DeliveryStatus.FAILED, answers[0])
    assert webhook.last_error


def replay(world: World, watch: Watch, event_id: str | None = None) -> Watch:
    return manage.replay_webhook(watch.id, event_id, project=PROJECT, by=ASKER, ports=world.watch_ports)


def test_a_webhook_is_sent_again_with_the_same_id(world: World) -> None:
    watch = lost_with_webhook(world, *[500] * 4)
    ticked(world, times=HOUR // MINUTE)
    find_again(world)
    ticked(world, times=HOUR // MINUTE)
    lost, ended = now(world, watch).webhooks
    assert (lost.status, ended.status) == (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED)
    world.sender.sent.clear()
    for event_id, one in ((None, ended), (notice_id(watch, lost.notice), lost)):
        again = replay(world, watch, event_id)
        assert replay(world, watch, event_id).webhooks == again.webhooks, "it waits already"
        ticked(world)
        assert world.sender.sent[-1][1]["webhook-id"] == notice_id(watch, one.notice)
        ticked(world, times=5)
    assert len(world.sender.sent) == 2
    assert [one.status for one in now(world, watch).webhooks] == [DeliveryStatus.DELIVERED] * 2
    assert Action.WEBHOOK_REPLAY in [entry.action for entry in world.audit.entries]


def test_a_paused_watch_sends_a_webhook_again(world: World) -> None:
    watch = lost_with_webhook(world)
    ticked(world, times=16)
    change(world, watch, paused=True)
    replay(world, watch)
    ticked(world, times=2)
    assert (len(world.sender.sent), now(world, watch).look_at) == (2, None)


def test_what_cannot_be_sent_again(world: World) -> None:
    watch = make(world)
    with pytest.raises(NoWebhook, match=r"settings\.notify\.webhook_url"):
        replay(world, watch)
    watch = lost_with_webhook(world)
    with pytest.raises(NoWebhook, match="has sent no webhook"):
        replay(world, watch)
    ticked(world, times=16)
    with pytest.raises(NotFound, match="event_id"):
        replay(world, watch, "wa_1")
    with pytest.raises(NotFound):
        manage.replay_webhook(watch.id, None, project="other", by=ASKER, ports=world.watch_ports)


def test_a_watch_that_cannot_read_its_source_can_be_changed(world: World) -> None:
    watch = lost_with_webhook(world)
    ticked(world, times=16)
    other = ImportSettings(notify=Notify(event=False, webhook_url="https://other.example.com/"))
    changed = change(world, watch, settings=other, labels=("b",), schedule=Schedule(every="1h"))
    assert (changed.status, changed.labels) == (WatchStatus.FAILING, ("b",))
    find_again(world)
    ticked(world, times=2 * HOUR // MINUTE)
    assert world.sender.sent[-1][0] == "https://other.example.com/"


def test_a_change_that_mends_a_watch_takes_effect_within_a_minute(world: World) -> None:
    watch = make(world)
    run_all(world)
    world.watches.save(replace(now(world, watch), execution_settings_id="es_" + "0" * 24))
    ticked(world, times=6 * 60)
    assert now(world, watch).status is WatchStatus.FAILING
    change(world, watch, execution_settings_id=None, settings=ImportSettings())
    ticked(world)
    assert now(world, watch).status is WatchStatus.ACTIVE
    assert len(jobs_of(world)) == 2


def test_a_webhook_whose_url_was_removed_says_so(world: World) -> None:
    watch = lost_with_webhook(world, 503)
    ticked(world, times=15)
    change(world, watch, settings=ImportSettings(), paused=True)
    ticked(world, times=10)
    [webhook] = now(world, watch).webhooks
    assert (webhook.status, webhook.last_error) == (DeliveryStatus.FAILED, NO_URL)
    assert len(world.sender.sent) == 1


def test_a_webhook_of_a_paused_watch_is_still_sent(world: World) -> None:
    watch = lost_with_webhook(world, 503)
    ticked(world, times=15)
    assert len(world.sender.sent) == 1
    change(world, watch, paused=True)
    ticked(world, times=10)
    assert len(world.sender.sent) == 2
    assert now(world, watch).look_at is None


def test_receivers_that_stay_down_leave_a_bounded_number_of_webhooks(world: World) -> None:
    watch, notice = make(world), Notice(kind=NoticeKind.FAILING, at="t", code="c", message="m", since="t")
    for number in range(MAX_WEBHOOKS + 3):
        watch = told(replace(watch, notice=replace(notice, at=str(number))), "now", webhook=True)
    assert [one.notice.at for one in watch.webhooks] == [str(number) for number in range(3, MAX_WEBHOOKS + 3)]
    for one in watch.webhooks:
        watch = with_webhook(watch, one, replace(one, again_at=None), look_at=None)
    assert [one.notice.at for one in watch.webhooks] == [str(number) for number in range(13, MAX_WEBHOOKS + 3)]


def test_a_webhook_survives_a_crash_and_keeps_its_id() -> None:
    crashed, calls = True, 0
    while crashed:
        calls += 1
        world = World()
        lost_with_webhook(world)
        world.clock.advance(16 * MINUTE)
        world.faults.crash_in(calls)
        with suppress(CrashError, WatchesIncomplete):
            tick(world.tick_ports)
        crashed = world.faults.revive()
        ticked(world, times=8)
        assert 1 <= len(world.sender.sent) <= 2
        assert len({headers["webhook-id"] for _, headers, _ in world.sender.sent}) == 1
    assert calls > 5


def test_of_two_ticks_at_once_one_sends_the_webhook(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_with_webhook(world, 503)
    ticked(world, times=15)
    assert len(world.sender.sent) == 1
    post = world.sender.post

    def racing(url: str, headers: Any, body: bytes) -> WebhookAnswer:
        tick(world.tick_ports)
        return post(url, headers, body)

    monkeypatch.setattr(world.sender, "post", racing)
    ticked(world)
    assert len(world.sender.sent) == 2


def lost(world: World, _: Watch) -> None:
    lose(world)
    ticked(world, times=20)
    find_again(world)
    world.clock.advance(HOUR)


def more_is_wanted(world: World, watch: Watch) -> None:
    change(world, watch, filters=Filters(include=("*.zip",)))


def asked(world: World, watch: Watch) -> None:
    manage.run_now(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports)


def waits(world: World, watch: Watch) -> None:
    """The run that is due waits, because the project has too many imports."""
    world.max_active = 0
    ticked(world, times=20)
    world.max_active = 1_000
    assert now(world, watch).next_cause is WatchCause.SCHEDULED


@pytest.mark.parametrize(("before", "then"), [(None, lost), (waits, more_is_wanted), (waits, asked)])
def test_a_run_that_makes_up_for_something_takes_young_objects_too_though_a_scheduled_one_waits(
    world: World, before: Any, then: Any
) -> None:
    watch = make(world, events=True, filters=Filters(exclude=("*.txt",)))
    run_all(world)
    if before:
        before(world, watch)
    [key] = world.put_sources(1, prefix="p/young")
    then(world, watch)
    bucket = world.storage.buckets[SOURCE_BUCKET]
    bucket[key] = replace(bucket[key], modified=world.clock())
    ticked(world, times=7)
    run_all(world)
    assert sum(world.storage.copies.values()) == 1


# --- what callers see ------------------------------------------------------------------------------------------------


def test_a_watch_shows_its_runs_and_how_far_it_is_behind(world: World) -> None:
    world.put_sources(2)
    watch = make(world)
    world.clock.advance(30)
    shown = status.report(watch, world.watch_ports)
    assert shown.lag_seconds == 30
    assert shown.complete_until is None
    run_all(world)
    shown = status.report(now(world, watch), world.watch_ports)
    assert (shown.lag_seconds, shown.missed_by_events) == (None, None)
    assert shown.complete_until == shown.runs[0].created_at
    lose(world)
    ticked(world, times=16)
    assert status.report(now(world, watch), world.watch_ports).lag_seconds is not None


def test_a_scheduled_run_says_how_many_objects_events_missed(world: World) -> None:
    world.put_sources(2)
    watch = make(world, events=True)
    run_all(world)
    world.put_sources(3, prefix="p/missed")
    world.clock.advance(10 * MINUTE)
    for key in world.put_sources(4, prefix="p/young"):
        bucket = world.storage.buckets[SOURCE_BUCKET]
        bucket[key] = replace(bucket[key], modified=world.clock())
    world.clock.advance(4 * MINUTE)
    ticked(world, 2 * MINUTE)
    run_all(world)
    shown = status.report(now(world, watch), world.watch_ports)
    assert shown.missed_by_events == 3, "the young ones may still come by events"
    assert shown.complete_until
    assert shown.complete_until < shown.runs[0].created_at


def test_the_test_of_a_watch_lists_and_asks_for_the_buckets_events(world: World) -> None:
    watch = make(world, events=True)
    found = status.test(watch, world.watch_ports)
    assert [(one.action, one.ok, one.code) for one in found] == [("list", True, None), ("events", False, "EVENTS_OFF")]
    world.bucket_events.on.add(SOURCE_BUCKET)
    lose(world)
    found = status.test(watch, world.watch_ports)
    assert [(one.action, one.ok, one.code) for one in found] == [
        ("list", False, "CANNOT_ACCESS"),
        ("events", True, None),
    ]


def test_imports_of_events_do_not_hide_what_the_last_run_of_all_found(world: World) -> None:
    watch = make(world, events=True)
    running = status.report(watch, world.watch_ports)
    for number in range(status.RUNS_SHOWN):
        world.clock.advance(MINUTE)
        accept_arrivals([Arrival(an_upload(f"p/{number}.zip", bucket=SOURCE_BUCKET), TIME)], world.arrival_ports)
        [job] = [job for job in jobs_of(world) if not job.status.terminal and job.id != watch.last_run]
        world.run(job.id)
    assert watch.last_run not in [job.id for job in status.report(watch, world.watch_ports).runs]
    assert status.report(watch, world.watch_ports).lag_seconds == status.RUNS_SHOWN * MINUTE
    run_all(world)
    assert status.report(watch, world.watch_ports).complete_until == running.runs[0].created_at


def test_runs_by_other_filters_or_without_events_prove_nothing(world: World) -> None:
    world.put_sources(2)
    watch = make(world)
    run_all(world)
    world.put_sources(3, prefix="p/later")
    ticked(world, 15 * MINUTE)
    run_all(world)
    watch = change(world, watch, events=True)
    shown = status.report(watch, world.watch_ports)
    assert (shown.missed_by_events, shown.complete_until is None) == (None, False)
    watch = change(world, watch, filters=Filters(include=("*.mp4",)))
    assert status.report(watch, world.watch_ports).complete_until is None
    run_all(world)
    assert status.report(watch, world.watch_ports).complete_until is None, "the run before the change"
    ticked(world)
    run_all(world)
    assert status.report(now(world, watch), world.watch_ports).complete_until


def test_a_scheduled_run_takes_back_nothing_that_a_run_of_all_objects_found(world: World) -> None:
    watch = make(world, events=True)
    world.clock.advance(14 * MINUTE)
    manage.run_now(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports)
    run_all(world)
    manage.run_now(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports)
    run_all(world)
    complete = status.report(now(world, watch), world.watch_ports).complete_until
    assert ticked(world, 2 * MINUTE).started
    run_all(world)
    assert status.report(now(world, watch), world.watch_ports).complete_until == complete


def test_a_run_that_older_code_started_counts_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = make(world)
    run_all(world)
    monkeypatch.setattr(fake_jobs, "tags_of", lambda job: [one for one in tags_of(job) if one[0] is JobTag.WATCH])
    assert status.report(watch, world.watch_ports).complete_until
