"""What is queued, waits for a turn and fails: of a project, and of the whole deployment."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from service.domain.jobs import Door, Job, JobStatus
from service.domain.projects import Action, Actor
from service.domain.turns import Turn
from service.domain.watches import Failure, Watch, WatchStatus
from service.imports.queries import health
from service.imports.queries.health import ProjectSlots, Slots, deployment_health, project_health
from service.ports.health import Alarm, AlarmState, Queue
from service.projects.audit import entry_of
from tests.builders import PROJECT, World, import_list


def a_watch(world: World, watch_id: str, **changes: Any) -> None:
    watch = Watch(
        id=watch_id,
        project=PROJECT,
        name="w",
        root_path="s3://source/p/",
        created_at="t",
        updated_at="t",
        request_digest="d",
    )
    entry = entry_of(
        Action.WATCH_CREATE,
        watch_id,
        project=PROJECT,
        by=Actor(door=Door.API, key_id="key_1"),
        now=world.clock(),
        days=1,
    )
    world.watches.create(replace(watch, **changes), limit=10, entry=entry)


def a_turn(world: World, name: str, *, project: str = PROJECT, holds: bool, expires_in: float = 60) -> None:
    now = datetime.fromisoformat(world.clock()).timestamp()
    world.turns.put(Turn(id=name, project=project, job_id="ij_1", since=now, holds=holds, expires_at=now + expires_in))


def test_running_imports_count_by_status_and_ended_ones_for_a_day() -> None:
    world = World()
    ended = world.run(world.submit_list([*world.put_sources(1), "gone.zip"]).id)
    assert ended.status is JobStatus.COMPLETED_WITH_ERRORS
    copying = world.submit_list(world.put_sources(3, prefix="q/"))
    world.plan(copying.id)
    waiting = world.submit_list(world.put_sources(1, prefix="r/"))
    world.submit(import_list(["s3://source/r/000000.zip"]), project="other")
    found = project_health(PROJECT, world.health_ports)
    assert found.active == {JobStatus.COPYING: 1, JobStatus.PENDING: 1}
    assert (found.clips_pending, found.waiting_since) == (3, waiting.updated_at)
    assert (found.ended, found.webhooks_failed, found.complete) == ({JobStatus.COMPLETED_WITH_ERRORS: 1}, 0, True)
    world.clock.advance(health.RECENT_SECONDS + 1)
    assert not project_health(PROJECT, world.health_ports).ended


def test_running_imports_of_other_projects_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rows may be large, and the page asks again and again."""
    world = World()
    own = world.submit_list(world.put_sources(1))
    world.submit(import_list(["s3://source/000000.zip"]), project="other")
    read: list[str] = []
    get_some = world.jobs.get_some

    def noting(job_ids: Collection[str]) -> Mapping[str, Job]:
        read.extend(job_ids)
        return get_some(job_ids)

    monkeypatch.setattr(world.jobs, "get_some", noting)
    assert project_health(PROJECT, world.health_ports).active.total() == 1
    assert read == [own.id]


def test_too_many_imports_to_read_make_each_count_a_least(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(3):
        world.submit_list(world.put_sources(1, prefix=f"{number}/"))
    assert project_health(PROJECT, world.health_ports).complete
    monkeypatch.setattr(health, "MAX_READ", 2)
    found = project_health(PROJECT, world.health_ports)
    assert (found.complete, found.active.total()) == (False, 2)


def test_slots_are_those_of_the_project_and_expired_turns_count_for_nobody() -> None:
    world = World(slots=7)
    a_turn(world, "a", holds=True)
    a_turn(world, "b", holds=False)
    a_turn(world, "c", holds=True, project="other")
    a_turn(world, "d", holds=True, expires_in=-1)
    assert project_health(PROJECT, world.health_ports).slots == Slots(limit=7, held=1, waiting=1)
    found = deployment_health(world.health_ports)
    assert found.slots == Slots(limit=7, held=2, waiting=1)
    assert found.projects == [
        ProjectSlots(project=PROJECT, held=1, waiting=1),
        ProjectSlots(project="other", held=1, waiting=0),
    ]


def test_watches_count_by_status() -> None:
    world = World()
    a_watch(world, "wa_1")
    a_watch(world, "wa_2", failure=Failure(code="ACCESS_DENIED", message="no", since="t"))
    a_watch(world, "wa_3", project="other")
    assert project_health(PROJECT, world.health_ports).watches == {WatchStatus.ACTIVE: 1, WatchStatus.FAILING: 1}


def test_alarms_that_ring_come_first_and_their_queues_are_counted_once() -> None:
    world = World()
    quiet = Alarm(name="a", state=AlarmState.OK, since="t", description="", queue="q")
    rings = replace(quiet, name="b", state=AlarmState.ALARM)
    world.monitor.known = [quiet, rings, replace(quiet, name="c")]
    world.monitor.waiting["q"] = 2
    found = deployment_health(world.health_ports)
    assert [alarm.name for alarm in found.alarms] == ["b", "a", "c"]
    assert found.queues == [Queue(name="q", waiting=2, in_flight=0)], "two alarms watch it"
