"""One run of the model: what a seed decides, from the first request until all is quiet."""

import itertools
import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from unittest import mock

from service.imports.copying import batch as copy_module
from service.imports.copying import set_rollback
from service.imports.intake import drop_bucket
from tests.builders import World
from tests.model.invariants import check, quiet
from tests.model.ledger import Ledger
from tests.model.machine import Aws, swallowing_nothing
from tests.model.process import Chaos
from tests.model.rows import RowsAtOnce
from tests.model.scheduler import Scheduler
from tests.model.users import PROJECTS, Habits, ModelStorage, Users

MAX_PAUSES = 200_000
"""Requests after which a run that is not quiet is an error; most need some thousand."""


@dataclass(frozen=True)
class Ran:
    requests: int
    events: Counter[str]
    scheduler: Scheduler
    error: BaseException | None


def run(
    seed: int, *, broken: Callable[[World], object] = lambda _world: None, acts: int = 6, drops: bool = False
) -> Ran:
    """Run a seed. `broken` may spoil the fakes, to see that the model notices. `acts`: what each of four users does.

    `drops`: users also upload manifests, and few imports of a project may be active.
    """
    rng = random.Random(seed)
    world = World(batch_clips=3, multipart_threshold=20, part_bytes=10, stream_part_bytes=20)
    world.storage = ModelStorage(world.storage.clips_bucket, faults=world.faults, now=world.clock, page_size=3)
    world.copiers = world.storage
    if drops:
        world.max_active = rng.choice((1, 2, 4))
    broken(world)
    scheduler = Scheduler(rng, world.clock, stickiness=rng.choice((0.2, 0.6, 0.9, 0.98)), max_pauses=MAX_PAUSES)
    world.monotonic = lambda: world.clock.now.timestamp()
    ledger = Ledger(world)
    aws = Aws(
        world,
        scheduler,
        Chaos.drawn(rng),
        ledger,
        late=rng.choice((0, 0.05, 0.2, 0.5)),
        short=rng.choice((0, 0.1, 0.5)),
        tries=rng.choice((1, 2, 4)),
    )
    users = Users(aws, Habits.drawn(rng), drops=drops)
    users.set_up()
    numbers = itertools.count()

    def token(size: int = 16) -> str:
        return f"{next(numbers):0{2 * size}x}"[-2 * size :]

    error: BaseException | None = None
    with (
        mock.patch.object(secrets, "token_hex", token),
        mock.patch.object(random, "uniform", lambda _low, high: high),
        mock.patch.object(copy_module, "RowWriter", RowsAtOnce),
        mock.patch.object(set_rollback, "REMOVALS_IN_FLIGHT", 1),
        mock.patch.object(drop_bucket, "MANIFESTS_AT_ONCE", 1),
        swallowing_nothing(scheduler),
    ):
        for project in (*PROJECTS, *PROJECTS):
            aws.busy_users += 1
            scheduler.spawn(f"user of {project}", partial(users.live, project, acts))
        scheduler.spawn("queue", aws.deliver)
        scheduler.spawn(
            "schedule",
            lambda actor: aws.sweep_until_quiet(
                actor, lambda: not aws.busy_users and not aws.queue and quiet(world) and scheduler.others(actor) == 0
            ),
        )
        try:
            scheduler.run()
            check(world, ledger)
        except Exception as found:  # noqa: BLE001  # the caller decides
            error = found
    return Ran(scheduler.pauses, ledger.events, scheduler, error)
