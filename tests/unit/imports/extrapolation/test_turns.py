"""Extrapolations share the slots of copies, so all imports together are bounded."""

from dataclasses import replace

import pytest

from service.domain.manifest import Batch
from service.domain.requests import ImportSettings
from service.domain.turns import LEASE_SECONDS, LOOK_SECONDS, Turn
from service.imports.copying.batch import copy_batch
from service.imports.extrapolation.batch import Progress, extrapolate_batch
from service.imports.intake.cancel import cancel
from service.imports.lifecycle.turns import BatchTurn, Wait
from tests.builders import PROJECT, SOURCE_BUCKET, World, never
from tests.unit.formats.making import CLIP


@pytest.fixture
def world() -> World:
    return World(slots=1)


def copied(world: World, clips: int) -> Batch:
    """Return a copied batch."""
    keys = [f"c/{number}.zip" for number in range(clips)]
    for key in keys:
        world.storage.put_body(SOURCE_BUCKET, key, CLIP)
    job = world.planned_list(keys, settings=ImportSettings(stationary_extrapolation=True))
    (batch,) = world.batches(job.id)
    world.copy(batch)
    return batch


def another(world: World, **changes: object) -> Turn:
    now = world.clock.now.timestamp()
    turn = Turn(id="other", project=PROJECT, job_id="ij_2", since=now - 1, holds=True, expires_at=now + LEASE_SECONDS)
    return replace(turn, **changes)  # type: ignore[arg-type]


def extrapolated(world: World, batch: Batch, since: float | None = None) -> Progress:
    turn = BatchTurn(batch, world.turn_ports, since=since)
    return extrapolate_batch(batch, out_of_time=never, ports=world.extrapolate_ports, turn=turn)


def test_a_batch_without_a_slot_waits_and_begins_no_clip(world: World) -> None:
    batch = copied(world, 2)
    world.turns.put(another(world))
    refused = extrapolated(world, batch)
    assert (refused.done, refused.failed, refused.left) == (0, 0, 2)
    assert refused.wait is not None
    world.clock.advance(LEASE_SECONDS + 1)
    assert extrapolated(world, batch, since=refused.wait.since).done == 2
    assert world.turns.rows.keys() == {"other"}


def test_a_batch_that_extrapolates_takes_the_slot_of_one_that_would_copy(world: World) -> None:
    batch = copied(world, 1)
    waiting = world.planned_list(world.put_sources(1))
    (other,) = world.batches(waiting.id)
    asked: list[object] = []
    extrapolate = world.extrapolate_ports.extrapolate

    def meanwhile(*layers: object) -> object:
        turn = BatchTurn(other, world.turn_ports)
        asked.append(copy_batch(other, attempt=0, ports=world.copy_ports, turn=turn))
        return extrapolate(*layers)  # type: ignore[arg-type]

    ports = replace(world.extrapolate_ports, extrapolate=meanwhile)  # type: ignore[arg-type]
    turn = BatchTurn(batch, world.turn_ports)
    assert extrapolate_batch(batch, out_of_time=never, ports=ports, turn=turn).done == 1
    assert [type(one) for one in asked] == [Wait]
    turn = BatchTurn(other, world.turn_ports)
    assert not isinstance(copy_batch(other, attempt=0, ports=world.copy_ports, turn=turn), Wait)
    assert world.turns.rows == {}


def test_a_batch_that_lost_its_turn_begins_no_more_clips(world: World) -> None:
    batch = copied(world, 3)
    extrapolate = world.extrapolate_ports.extrapolate

    def meanwhile(*layers: object) -> object:
        world.turns.put(another(world, since=0.0))
        world.clock.advance(LOOK_SECONDS + 1)
        return extrapolate(*layers)  # type: ignore[arg-type]

    ports = replace(world.extrapolate_ports, extrapolate=meanwhile, concurrency=1)  # type: ignore[arg-type]
    progress = extrapolate_batch(batch, out_of_time=never, ports=ports, turn=BatchTurn(batch, world.turn_ports))
    assert (progress.done, progress.left) == (1, 2)
    assert progress.wait is not None


def test_a_batch_with_nothing_to_do_takes_no_turn(world: World) -> None:
    batch = copied(world, 1)
    world.turns.put(another(world))
    cancel(batch.job_id, project=PROJECT, jobs=world.jobs, workflow=world.workflow, clock=world.clock)
    assert extrapolated(world, batch) == Progress()
    assert world.turns.rows.keys() == {"other"}
