"""Two projects at once: a large import runs, and another project posts a small one."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.simulation.clock import run_virtually
from benchmarks.simulation.fleet import Batch, Fleet, Settings, batches_of
from benchmarks.simulation.models import ModelledS3, ModelledTable
from service.domain.turns import Turn
from service.imports.lifecycle.turns import TurnPorts
from service.imports.previews.estimate import FIXED_SECONDS, LIST_SECONDS


@dataclass(frozen=True, kw_only=True)
class Rivalry:
    clips: int
    """Seconds of the large import."""
    clip_bytes: int
    settings: Settings
    slots: int
    """Batches that may be copied at once: `copy_slots`, or Lambda's limit where batches take no turns."""
    after: float
    """Seconds after the large import began to copy until the other project posts its own."""
    rival_clips: int = 10
    table_units: int
    seed: int = 1


@dataclass
class _Turns:
    """A `TurnStore` in memory. `Fleet` models the time of its calls."""

    rows: dict[str, Turn] = field(default_factory=dict)

    def all(self) -> Sequence[Turn]:
        return list(self.rows.values())

    def put(self, turn: Turn) -> None:
        self.rows[turn.id] = turn

    def remove(self, turn_id: str) -> None:
        self.rows.pop(turn_id, None)


def simulate_rivals(case: Rivalry) -> dict[str, Any]:
    """Simulate the large import alone, and beside the small one with turns and with nothing but Lambda's limit."""
    alone = run_virtually(_copied(case, turns=True, rival=False))
    beside = run_virtually(_copied(case, turns=True, rival=True))
    without = run_virtually(_copied(case, turns=False, rival=True))
    figures = {"alone": alone, "with_turns": beside, "without_turns": without}
    return {**asdict(case), "settings": asdict(case.settings), **figures}


async def _copied(case: Rivalry, *, turns: bool, rival: bool) -> dict[str, Any]:
    """Return seconds: of the large import's copying, and from the small import's request to its first clip."""
    random.seed(case.seed)
    loop = asyncio.get_running_loop()
    total = case.clips + case.rival_clips
    s3 = ModelledS3(loop, prefixes=1, clips=total, clip_bytes=case.clip_bytes, seed=case.seed)
    table = ModelledTable(job_id=f"ij_{case.seed:024x}", units=case.table_units, seed=case.seed)
    ports = TurnPorts(store=_Turns(), slots=case.slots, now=loop.time, jitter=random.random)
    # Turns need a few calls more than slots, to ask (docs/operations.md).
    reserved = case.slots + max(2, case.slots // 10) if turns else case.slots
    fleet = Fleet(loop, s3, table, case.settings, turns=ports if turns else None, reserved=reserved)
    large = seconds = 0.0

    async def run_large() -> None:
        nonlocal large
        await fleet.copy_all(batches_of(case.clips, case.clip_bytes, case.settings))
        large = loop.time()

    async def run_small() -> None:
        nonlocal seconds
        await asyncio.sleep(case.after + FIXED_SECONDS + LIST_SECONDS)
        await fleet.copy_all(iter([Batch(case.clips, case.rival_clips, project="b")]))
        seconds = loop.time() - case.after

    await asyncio.gather(run_large(), *([run_small()] if rival else []))
    found: dict[str, Any] = {"large_copying_seconds": round(large, 1), "waits": fleet.waits, "lost": fleet.lost_batches}
    if rival:
        found["small_first_clip_seconds"] = round(fleet.first_copied["b"] - case.after, 1)
        found["small_import_seconds"] = round(seconds, 1)
    return found
