"""Objects that appear in watched buckets: each watch that wants one imports it once, many share few imports."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from service.domain.errors import InvalidRequest
from service.domain.jobs import Job, JobStatus, SourceKind, Trigger, WatchCause
from service.domain.projects import Action
from service.domain.requests import Archived, Filters, ImportSettings
from service.domain.schedules import Schedule
from service.domain.watches import Watch
from service.imports.inputs.upload_lists import claimed_uploads
from service.imports.intake.arrivals import Arrival, parse_arrival
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.watches import events, manage
from service.imports.watches.events import accept_arrivals
from service.imports.watches.manage import WatchRequest
from tests.builders import ASKER, PROJECT, SOURCE_BUCKET, World, an_upload, object_created
from tests.fakes.faults import CrashError

TIME = "2026-11-22T17:00:00Z"


def make(world: World, project: str = PROJECT, **changes: Any) -> Watch:
    given: dict[str, Any] = {"name": "fleet", "root_path": f"s3://{SOURCE_BUCKET}/p/", "events": True} | changes
    return manage.create(WatchRequest(**given), project=project, by=ASKER, ports=world.watch_ports)


def arrive(world: World, *keys: str, size: int = 10, time: str = TIME) -> list[Arrival]:
    """Put the objects into the source bucket; return their events' content."""
    found = []
    for key in keys:
        put = world.storage.put(SOURCE_BUCKET, key, size)
        found.append(Arrival(an_upload(key, bucket=SOURCE_BUCKET, size=size, etag=put.etag), time))
    return found


def gathered(world: World) -> list[Job]:
    """The imports that events started."""
    return [job for job in world.jobs.rows.values() if job.source.kind is SourceKind.UPLOAD]


def keys_of(world: World, job: Job) -> list[str]:
    return sorted(upload.key for upload in claimed_uploads(job.id, world.uploads, world.state))


def test_an_object_that_appears_is_imported_by_the_watch_that_wants_it(world: World) -> None:
    watch = make(world, folder="night", labels=("a", "b"))
    assert accept_arrivals(arrive(world, "p/a.zip", "q/b.zip"), world.arrival_ports) == 1
    [job] = gathered(world)
    assert job.watch
    assert (job.watch_id, job.watch.cause, job.trigger) == (watch.id, WatchCause.EVENTS, Trigger.WATCH)
    assert (job.folder, job.labels, job.source.uri) == ("night", ("a", "b"), watch.root_path)
    done = world.run(job.id)
    assert (done.counts.copied, done.counts.total) == (1, 1)
    assert world.storage.copies[f"{PROJECT}/night/{SOURCE_BUCKET}/p/a.zip"] == 1
    assert world.audit.entries[-1].action is Action.IMPORT_START


def test_events_and_the_schedule_land_an_object_in_one_place(world: World) -> None:
    watch = make(world)
    accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports)
    world.run(gathered(world)[0].id)
    world.run(watch.last_run or "")
    assert sum(world.storage.copies.values()) == 1


@pytest.mark.parametrize(
    ("filters", "taken"),
    [
        (Filters(include=("*.zip",)), 1),
        (Filters(exclude=("*.zip",)), 1),
        (Filters(min_size=11), 0),
        (Filters(max_size=10), 2),
        (Filters(modified_after=TIME), 2),
        (Filters(modified_before=TIME), 0),
    ],
)
def test_the_filters_hold_for_events(world: World, filters: Filters, taken: int) -> None:
    make(world, filters=filters)
    assert accept_arrivals(arrive(world, "p/a.zip", "p/b.mp4"), world.arrival_ports) == taken


def test_watches_of_two_projects_take_the_same_object_apart(world: World) -> None:
    mine, theirs = make(world), make(world, project="other")
    arrivals = arrive(world, "p/a.zip")
    assert accept_arrivals(arrivals, world.arrival_ports) == 2
    jobs = gathered(world)
    assert {(job.project, job.watch_id) for job in jobs} == {(PROJECT, mine.id), ("other", theirs.id)}
    for job in jobs:
        world.run(job.id)
    assert {key.split("/")[0] for key in world.storage.copies} == {PROJECT, "other"}


@pytest.mark.parametrize("changes", [{"paused": True}, {"events": False, "schedule": Schedule(every="1h")}])
def test_a_watch_that_is_paused_or_wants_no_events_takes_none(world: World, changes: dict[str, object]) -> None:
    watch = make(world)
    manage.change(watch.id, changes, project=PROJECT, by=ASKER, ports=world.watch_ports)
    assert accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports) == 0
    manage.delete(watch.id, project=PROJECT, by=ASKER, ports=world.watch_ports)
    assert accept_arrivals(arrive(world, "p/b.zip"), world.arrival_ports) == 0


def test_ten_thousand_objects_at_once_are_few_imports_and_each_is_in_one(world: World) -> None:
    make(world, labels=tuple(f"label {n}" for n in range(50)))
    arrivals = arrive(world, *(f"p/{n:05d}.zip" for n in range(10_000)))
    for first in range(0, 10_000, 1_000):
        accept_arrivals(arrivals[first : first + 1_000], world.arrival_ports)
    accept_arrivals(arrivals[:1_000], world.arrival_ports)
    [job] = gathered(world)
    assert keys_of(world, job) == [f"p/{n:05d}.zip" for n in range(10_000)]


def test_a_crash_anywhere_loses_no_object_and_takes_none_twice() -> None:
    crashed, calls = True, 0
    while crashed:
        calls += 1
        world = World()
        make(world)
        arrivals = arrive(world, *(f"p/{n}.zip" for n in range(150)))
        world.faults.crash_in(calls, take_effect=bool(calls % 2))
        with suppress(CrashError):
            accept_arrivals(arrivals, world.arrival_ports)
        crashed = world.faults.revive()
        accept_arrivals(arrivals, world.arrival_ports)
        taken = [key for job in gathered(world) for key in keys_of(world, job)]
        assert sorted(taken) == sorted(arrival.upload.key for arrival in arrivals)
        assert all(job.id in world.workflow.started for job in gathered(world))
    assert calls > 5


def test_an_older_event_does_not_replace_what_a_later_one_brought(world: World) -> None:
    make(world)
    arrivals = []
    for version in ("v1", "v2"):
        put = world.storage.put(SOURCE_BUCKET, "p/a.zip", version=version)
        upload = an_upload("p/a.zip", sequencer=version, bucket=SOURCE_BUCKET, etag=put.etag, version=version)
        arrivals.append(Arrival(upload, TIME))
    accept_arrivals(arrivals[:1], world.arrival_ports)
    [older] = gathered(world)
    world.jobs.rows[older.id] = replace(older, status=JobStatus.PLANNING)
    accept_arrivals(arrivals[1:], world.arrival_ports)
    [newer] = [job for job in gathered(world) if job.id != older.id]
    assert world.run(newer.id).counts.copied == 1
    assert world.run(older.id).counts.skipped == 1
    assert world.storage.copies == {f"{PROJECT}/-/{SOURCE_BUCKET}/p/a.zip": 1}


def test_uploads_of_a_project_do_not_gather_with_a_watchs_objects(world: World) -> None:
    make(world)
    accept_uploads([an_upload("clip.zip")], world.upload_ports)
    accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports)
    assert len(gathered(world)) == 2
    assert {len(keys_of(world, job)) for job in gathered(world)} == {1}


def test_imports_of_events_need_no_room_among_the_active_ones(world: World) -> None:
    make(world)
    world.max_active = 0
    accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports)
    [job] = gathered(world)
    assert not job.counted
    assert world.run(job.id).counts.copied == 1


def test_a_watch_without_its_preset_takes_nothing_and_does_not_hold_up_others(world: World) -> None:
    watch, other = make(world), make(world)
    world.watches.rows[PROJECT, watch.id] = replace(watch, execution_settings_id="es_" + "0" * 24)
    assert accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports) == 1
    assert [job.watch_id for job in gathered(world)] == [other.id]


def test_a_watch_that_fails_holds_up_no_others(world: World) -> None:
    make(world, project="rival")
    make(world)
    world.faults.plan("uploads.open", [ConnectionError("no answer")])
    with pytest.raises(ConnectionError):
        accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports)
    assert len(gathered(world)) == 1
    assert accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports) == 2
    assert len(gathered(world)) == 2


def test_many_watches_of_one_project_hold_up_no_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "WATCHES_AT_ONCE", 1)
    for _ in range(60):
        make(world, project="rival")
    other = make(world)
    accept_arrivals(arrive(world, "p/a.zip"), world.arrival_ports)
    assert other.id in [job.watch_id for job in gathered(world)][:2]


def test_an_event_tells_the_object_and_its_time() -> None:
    event = object_created("p/a.zip", size=7)
    arrival = parse_arrival(event, buckets=["drop"])
    assert arrival
    assert (arrival.upload.key, arrival.time) == ("p/a.zip", "2021-11-12T00:00:00Z")
    assert parse_arrival(object_created("p/", size=0), buckets=["drop"]) is None
    assert parse_arrival(object_created("p/._a.zip", size=4_096), buckets=["drop"]) is None


@pytest.mark.parametrize("time", [None, 5, "", "yesterday", "2021-11-12T00:00:00"])
def test_an_event_without_a_time_is_refused(time: object) -> None:
    with pytest.raises(InvalidRequest, match="not an S3 Object Created event"):
        parse_arrival(object_created() | {"time": time}, buckets=["drop"])


@pytest.mark.parametrize("setting", [Archived.SKIP, Archived.RESTORE])
def test_an_object_that_was_uploaded_into_an_archive_is_skipped_or_restored(world: World, setting: Archived) -> None:
    """Events do not tell the storage class."""
    make(world, settings=ImportSettings(archived=setting))
    found = arrive(world, "p/a.zip", "p/b.zip")
    bucket = world.storage.buckets[SOURCE_BUCKET]
    bucket["p/b.zip"] = replace(bucket["p/b.zip"], archive="DEEP_ARCHIVE")
    assert accept_arrivals(found, world.arrival_ports) == 2
    [job] = gathered(world)
    done = world.run(job.id)
    restores = setting is Archived.RESTORE
    assert (done.counts.copied, done.counts.skipped, done.counts.pending) == (1, int(not restores), int(restores))
    assert set(world.storage.restores) == ({"p/b.zip"} if restores else set())
