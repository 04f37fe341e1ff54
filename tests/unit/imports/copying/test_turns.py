"""Batches take turns: when one may copy, when it stops for another project, and what a crash leaves."""

from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread

from hypothesis import given
from hypothesis import strategies as st

from service.domain.manifest import Batch
from service.domain.turns import LEASE_SECONDS, RENEW_SECONDS, Turn
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.lifecycle.turns import BatchTurn, TurnPorts, Wait
from tests.builders import World, import_prefix
from tests.fakes.faults import CrashError
from tests.fakes.turns import FakeTurns


def one_slot() -> tuple[World, Batch]:
    """A world with one slot, and a planned batch of ten clips."""
    world = World(slots=1)
    job = world.planned_list(world.put_sources(10))
    return world, world.batches(job.id)[0]


def turn_of(world: World, batch: Batch, *, since: float | None = None) -> BatchTurn:
    return BatchTurn(batch, world.turn_ports, since=since)


def others_turn(world: World, *, project: str = "demo", holds: bool = True, turn_id: str = "other") -> Turn:
    now = world.clock.now.timestamp()
    return Turn(id=turn_id, project=project, job_id="ij_2", since=now - 1, holds=holds, expires_at=now + LEASE_SECONDS)


def test_a_batch_gives_its_slot_back() -> None:
    world, batch = one_slot()
    tally = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch))
    assert tally is not None
    assert (world.job(batch.job_id).counts.copied, world.turns.rows) == (10, {})
    # It asked, took the slot and gave it back: three writes a batch, whatever its clips.
    assert (world.faults.calls["turns.put"], world.faults.calls["turns.remove"]) == (2, 1)


def test_a_batch_without_a_slot_waits_and_costs_no_attempt() -> None:
    world, batch = one_slot()
    world.turns.put(others_turn(world))
    wait = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch))
    assert isinstance(wait, Wait)
    assert wait.seconds >= 1
    assert world.job(batch.job_id).counts.copied == 0
    world.clock.advance(100)
    again = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch, since=wait.since))
    assert not isinstance(again, Wait)  # the other's turn has expired
    assert world.turns.rows.keys() == {"other"}


def test_a_batch_that_waits_tells_since_when() -> None:
    world, batch = one_slot()
    world.turns.put(others_turn(world))
    first = turn_of(world, batch).take("demo")
    assert first
    world.clock.advance(60)
    world.turns.put(replace(others_turn(world), since=0))
    later = turn_of(world, batch, since=first.since).take("demo")
    assert later
    assert later.since == first.since
    assert later.seconds > first.seconds


def test_a_batch_stops_for_another_project_and_waits_for_its_next_turn() -> None:
    world, batch = one_slot()
    world.slots = 2
    mate = replace(others_turn(world, turn_id="mate"), job_id=batch.job_id, since=0)
    world.turns.put(mate)
    turn, copies = turn_of(world, batch), 0

    def out_of_time() -> bool:
        nonlocal copies
        copies += 1
        if copies == 3:
            world.turns.put(others_turn(world, project="other"))
            world.clock.advance(6)
            turn.look()
        return False

    outcome = copy_batch(batch, attempt=0, ports=world.copy_ports, out_of_time=out_of_time, turn=turn)
    assert isinstance(outcome, Unfinished)
    assert 0 < outcome.left < 10
    assert outcome.wait
    assert outcome.wait.seconds >= 1
    (waiting,) = [one for one in world.turns.rows.values() if one.job_id == batch.job_id and one != mate]
    assert not waiting.holds

    del world.turns.rows["other"]
    turn = turn_of(world, batch, since=outcome.wait.since)
    assert copy_batch(batch, attempt=0, round_number=1, ports=world.copy_ports, turn=turn) is not None
    assert world.job(batch.job_id).counts.copied == 10
    assert set(world.storage.copies.values()) == {1}
    assert world.turns.rows == {"mate": mate}


def test_a_lost_turn_is_no_failed_attempt_even_if_nothing_was_copied() -> None:
    world, batch = one_slot()
    turn = turn_of(world, batch)
    turn.lost = True
    outcomes = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn)
    assert isinstance(outcomes, Unfinished)
    assert outcomes.left == 9  # the first copy of a call begins in any case


def test_a_cancelled_batch_needs_no_turn_and_leaves_none() -> None:
    world, batch = one_slot()
    world.turns.put(others_turn(world))
    wait = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch))
    assert isinstance(wait, Wait)
    world.jobs.request_cancel(batch.job_id, world.clock())
    turn = turn_of(world, batch, since=wait.since)
    assert not isinstance(copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn), Wait)
    assert world.job(batch.job_id).counts.cancelled == 10
    assert world.turns.rows.keys() == {"other"}


def test_a_batch_that_another_delivery_counted_stops_waiting() -> None:
    world, batch = one_slot()
    other = others_turn(world)
    world.turns.put(other)
    wait = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch))
    assert isinstance(wait, Wait)
    copy_batch(batch, attempt=0, ports=world.copy_ports)
    turn = turn_of(world, batch, since=wait.since)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn) is None
    assert world.turns.rows == {"other": other}


def test_a_turn_is_renewed_while_it_is_used_and_expires_after_a_crash() -> None:
    world, batch = one_slot()
    turn = turn_of(world, batch)
    assert turn.take("demo") is None
    for _ in range(20):
        world.clock.advance(RENEW_SECONDS)
        turn.look()
        assert turn_of(world, replace(batch, number=7)).take("demo")
    world.clock.advance(LEASE_SECONDS + 10)
    assert turn_of(world, replace(batch, number=8)).take("demo") is None


def test_a_look_that_is_under_way_does_not_bring_an_ended_turn_back() -> None:
    world, batch = one_slot()
    reading, go_on = Event(), Event()

    class Slow(FakeTurns):
        def put(self, turn: Turn) -> None:
            if not reading.is_set() and turn.holds and turn.id in self.rows and self.rows[turn.id].holds:
                reading.set()
                go_on.wait(10)
            super().put(turn)

    store = Slow()
    ports = TurnPorts(store=store, slots=1, now=lambda: world.clock.now.timestamp())
    turn = BatchTurn(batch, ports)
    assert turn.take("demo") is None
    world.clock.advance(RENEW_SECONDS)
    looking, ending = Thread(target=turn.look), Thread(target=turn.end)
    looking.start()
    assert reading.wait(10)
    ending.start()
    go_on.set()
    looking.join()
    ending.join()
    assert store.rows == {}


@given(st.integers(1, 12), st.booleans())
def test_a_crash_at_any_call_costs_no_clip_and_keeps_no_slot(calls: int, take_effect: bool) -> None:
    world, batch = one_slot()
    world.faults.crash_in(calls, take_effect=take_effect)
    with suppress(CrashError):
        copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch))
    world.faults.revive()
    # The same child tries again at once: the turn of its crashed call is its own.
    assert not isinstance(copy_batch(batch, attempt=1, ports=world.copy_ports, turn=turn_of(world, batch)), Wait)
    assert world.job(batch.job_id).counts.copied == 10
    world.clock.advance(LEASE_SECONDS + 10)
    world.storage.buckets["clips"].clear()  # else the next import has nothing to copy
    other = world.submit_prefix()
    world.plan(other.id)
    (second,) = world.batches(other.id)
    assert turn_of(world, second).take("demo") is None


def test_imports_of_several_projects_all_complete_on_one_slot() -> None:
    world = World(slots=1, batch_clips=2)
    world.put_sources(6)
    jobs = [world.submit(import_prefix("s3://source/p/"), project=project) for project in ("a", "b", "c")]
    waiting: list[tuple[Batch, float | None]] = []
    for job in jobs:
        world.plan(job.id)
        waiting += [(batch, None) for batch in world.batches(job.id)]
    while waiting:
        batch, since = waiting.pop(0)
        outcome = copy_batch(batch, attempt=0, ports=world.copy_ports, turn=turn_of(world, batch, since=since))
        if isinstance(outcome, Wait):
            world.clock.advance(outcome.seconds)
            waiting.append((batch, outcome.since))
    assert [world.job(job.id).counts.copied for job in jobs] == [6, 6, 6]
    assert world.turns.rows == {}
