"""Simulate the time and cost of an import on AWS: the service's own batching and backoff on modelled limits.

`python -m benchmarks.simulate --clips 100000 --clip-mib 200` prints one JSON line. Settings not given are the deploy
defaults. `--grid` runs 100,000, 1,000,000 and 10,000,000 clips of 1 and of 200 MiB with the defaults and with
`NARROW`, and writes benchmarks/results/simulation.json and the tables of docs/performance.md between its markers.
`--rival-after 60` lets another project post ten clips 60 s after copying began, and prints when the first is copied.

`--faults 0.3` imports 10,000,000 clips while 30 % of the requests and calls fail, and counts what was lost, doubled or
miscounted (`benchmarks.simulation.faults`); `--publish` writes the result to docs/reliability.md.

It measures nothing and uses no network: `benchmarks.simulation` says which parts are real and which are modelled, with
a source for each figure. Time is virtual, so the same seed gives the same figures on any machine.
"""

import argparse
import asyncio
import gc
import json
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.pages import with_figures
from benchmarks.report import PAGE, clock_time, table
from benchmarks.simulation import faults
from benchmarks.simulation.clock import run_virtually
from benchmarks.simulation.fleet import Fleet, Settings, batches_of
from benchmarks.simulation.models import WARM_UNITS, ModelledS3, ModelledTable
from benchmarks.simulation.rival import Rivalry, simulate_rivals
from service.imports.previews.estimate import (
    COPIES_PER_SECOND,
    COPY_GB,
    FIXED_SECONDS,
    LIST_SECONDS,
    PLAN_SECONDS,
    TRANSITIONS_PER_BATCH,
    WRITES_PER_BATCH,
    WRITES_PER_CLIP,
    price_list,
)
from stacks.settings import DeploySettings

MIB = 1024**2
RESULTS = Path(__file__).with_name("results") / "simulation.json"
BEGIN, END = "<!-- simulated: written by python -m benchmarks.simulate --grid -->", "<!-- end of simulated -->"

PAGE_KEYS = 1_000

DEPLOYED = DeploySettings()
DEFAULTS = Settings(
    batch_clips=DEPLOYED.batch_clips,
    batch_bytes=DEPLOYED.batch_bytes,
    map_concurrency=DEPLOYED.map_concurrency,
    copy_concurrency=DEPLOYED.copy_concurrency,
    memory_mb=round(COPY_GB * 1024),
)
NARROW = Settings(batch_clips=250, batch_bytes=50 * 1024**3, map_concurrency=40, copy_concurrency=32, memory_mb=1_769)
"""As many copies in flight as with one thread per copy, on a whole vCPU."""
SETTINGS = {"defaults": DEFAULTS, "narrow": NARROW}

GRID_CLIPS = (100_000, 1_000_000, 10_000_000)
GRID_MIB = (1, 200)
EXTRAPOLATED_FROM = 1_000_000
"""With `NARROW`, larger imports are extrapolated: their copying takes proportionally longer."""
GRID_PROCESSES = 2


@dataclass(frozen=True, kw_only=True)
class Case:
    clips: int
    clip_bytes: int
    settings: Settings
    prefixes: int = 1
    table_units: int = WARM_UNITS
    """Writes per second of the table when the import begins: a new table's, or more if it was used or warmed."""
    seed: int = 1


def simulate(case: Case) -> dict[str, Any]:
    """Simulate one import on an account without other load."""
    began = time.process_time()
    random.seed(case.seed)  # for the requests' backoff
    gc.disable()  # there are no reference cycles, and searching for them takes a fifth of the time
    try:
        fleet, copying = run_virtually(copied(case))
    finally:
        gc.enable()
    return figures(case, fleet, copying) | {"simulated_in_cpu_seconds": round(time.process_time() - began, 1)}


async def copied(case: Case) -> tuple[Fleet, float]:
    """Run the copies; return the fleet and the seconds."""
    loop = asyncio.get_running_loop()
    s3 = ModelledS3(loop, prefixes=case.prefixes, clips=case.clips, clip_bytes=case.clip_bytes, seed=case.seed)
    rows = ModelledTable(job_id=f"ij_{case.seed:024x}", units=case.table_units, seed=case.seed)
    fleet = Fleet(loop, s3, rows, case.settings)
    await fleet.copy_all(batches_of(case.clips, case.clip_bytes, case.settings))
    return fleet, loop.time()


def figures(case: Case, fleet: Fleet, copying: float) -> dict[str, Any]:
    s3, rows = fleet.s3, fleet.table
    copies = sum(s3.taken)
    steady = steady_rate(s3.taken)
    limit = COPIES_PER_SECOND * case.prefixes
    dollars = bill(fleet, copies)
    return {
        "clips": case.clips,
        "clip_mib": round(case.clip_bytes / MIB, 3),
        "prefixes": case.prefixes,
        **asdict(case.settings),
        "import_seconds": round(import_seconds(case.clips, copying)),
        "copying_seconds": round(copying, 1),
        "copies_per_second": round(case.clips / copying),
        "steady_copies_per_second": round(steady),
        "steady_percent_of_limit": round(100 * steady / limit, 1),
        "most_in_a_second": max(s3.taken),
        "refusals_per_1000_copies": round(1000 * s3.refused / copies, 1),
        "attempts_per_copy": round((copies + s3.refused) / copies, 3),
        "most_attempts": max(s3.tries),
        "out_of_attempts": fleet.out_of_attempts,
        "without_turn": fleet.without_turn,
        "copied_again": copies - case.clips,
        "batches": fleet.batches,
        "batches_tried_again": fleet.batches_tried_again,
        "lost_batches": fleet.lost_batches,
        "calls": fleet.calls,
        "sandboxes": len(fleet.sandboxes),
        "most_in_flight": s3.most_in_flight,
        "most_connections_of_a_sandbox": max(box.connections.opened for box in fleet.sandboxes),
        "gb_seconds": round(fleet.billed_seconds * case.settings.memory_mb / 1024, 1),
        "rows_refused": rows.refused,
        "transaction_conflicts": rows.conflicts,
        "hottest_key_units_per_second": rows.hottest,
        "units_by_key": {"least": min(rows.units), "most": max(rows.units)},
        "table_partitions_at_the_end": rows.partitions,
        "dollars": {name: round(value, 4) for name, value in dollars.items()},
        "dollars_per_million": round(sum(dollars.values()) / case.clips * 1e6, 3),
    }


def import_seconds(clips: int, copying: float) -> float:
    """Add planning, which completes before copying begins, and the states around both."""
    return FIXED_SECONDS + math.ceil(clips / PAGE_KEYS) * LIST_SECONDS + clips * PLAN_SECONDS + copying


def steady_rate(taken: Sequence[int]) -> float:
    """Return copies per second between the first and the last tenth of all copies."""
    tenth, sum_so_far = sum(taken) / 10, 0
    inside = []
    for count in taken:
        if tenth <= sum_so_far < 9 * tenth:
            inside.append(count)
        sum_so_far += count
    return sum(inside) / len(inside) if inside else float(max(taken))


def bill(fleet: Fleet, copies: int) -> dict[str, float]:
    """Leaves out planning, finish and their calls, which all settings share. S3 does not bill a 503."""
    prices = price_list()
    gb_seconds = fleet.billed_seconds * fleet.settings.memory_mb / 1024
    writes = WRITES_PER_CLIP * sum(fleet.table.units) + WRITES_PER_BATCH * fleet.batches
    return {
        "s3": copies * prices.of("s3.write.STANDARD") + fleet.s3.reads * prices.of("s3.read.STANDARD"),
        "lambda": gb_seconds * prices.of("lambda.gb_second") + fleet.calls * prices.of("lambda.request"),
        "step_functions": TRANSITIONS_PER_BATCH * fleet.batches * prices.of("states.transition"),
        "dynamodb": writes * prices.of("dynamodb.write"),
    }


# --- the grid --------------------------------------------------------------------------------------------------------


def run_grid() -> dict[str, Any]:
    """Run all cases of both settings, the longest first. Takes some 15 minutes on two cores."""
    wanted = [
        (name, Case(clips=clips, clip_bytes=mib * MIB, settings=settings))
        for clips in sorted(GRID_CLIPS, reverse=True)
        for mib in GRID_MIB
        for name, settings in SETTINGS.items()
        if name == "defaults" or clips <= EXTRAPOLATED_FROM
    ]
    with ProcessPoolExecutor(GRID_PROCESSES) as pool:
        found = list(pool.map(simulate, (case for _, case in wanted)))
    runs = [{"settings": name} | one for (name, _), one in zip(wanted, found, strict=True)]
    return {"runs": sorted(runs, key=lambda one: (one["clip_mib"], one["clips"], one["settings"]))}


def write(results: Mapping[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text(), results))


def page(text: str, results: Mapping[str, Any]) -> str:
    """Return the page with these results."""
    return with_figures(text, BEGIN, END, tables(results))


def tables(results: Mapping[str, Any]) -> str:
    runs = results["runs"]
    by_case = {(one["settings"], one["clip_mib"], one["clips"]): {**one, "simulated": True} for one in runs}
    parts = [table(("settings", *(f"`{name}`" for name in asdict(DEFAULTS))), map(_settings_row, SETTINGS.items()))]
    for mib in GRID_MIB:
        cases = [
            by_case.get((name, mib, clips)) or _times(by_case[name, mib, EXTRAPOLATED_FROM], clips)
            for clips in GRID_CLIPS
            for name in SETTINGS
        ]
        rows = [[column(one) for column in COLUMNS.values()] for one in cases]
        parts += [f"#### Clips of {mib} MiB", table(tuple(COLUMNS), rows)]
    return "\n\n".join(parts)


COLUMNS: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "clips": lambda one: f"{one['clips']:,}{'' if one['simulated'] else ' *'}",
    "settings": lambda one: one["settings"],
    "import": lambda one: clock_time(one["import_seconds"]),
    "of it copying": lambda one: clock_time(one["copying_seconds"]),
    "copies a second": lambda one: f"{one['steady_copies_per_second']:,}",
    "share of the prefix's rate": lambda one: f"{one['steady_percent_of_limit']:.0f} %",
    "503s per 1,000": lambda one: one["refusals_per_1000_copies"],
    "maximum tries of a clip": lambda one: one["most_attempts"] if one["simulated"] else "—",
    "clips copied again": lambda one: one["copied_again"] if one["simulated"] else "—",
    "most in flight": lambda one: f"{one['most_in_flight']:,}",
    "rows throttled": lambda one: f"{one['rows_refused']:,}" if one["simulated"] else "—",
    "Lambda, $ per million": lambda one: f"{one['dollars']['lambda'] / one['clips'] * 1e6:.2f}",
    "total, $ per million": lambda one: f"{one['dollars_per_million']:.2f}",
}


def _settings_row(named: tuple[str, Settings]) -> list[object]:
    name, settings = named
    values = asdict(settings) | {"batch_bytes": f"{settings.batch_bytes / 1024**3:g} GiB"}
    return [name, *values.values()]


def _times(one: Mapping[str, Any], clips: int) -> dict[str, Any]:
    """Scale the result to more clips, at the same rate."""
    factor = clips / one["clips"]
    copying = one["copying_seconds"] * factor
    dollars = {name: value * factor for name, value in one["dollars"].items()}
    took = {"copying_seconds": copying, "import_seconds": import_seconds(clips, copying), "dollars": dollars}
    return {**one, **took, "clips": clips, "simulated": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, help="default: 100,000, with --faults 10,000,000")
    parser.add_argument("--clip-mib", type=float, default=200.0)
    parser.add_argument("--prefixes", type=int, default=1, help="partitioned prefixes over which the copies are spread")
    parser.add_argument(
        "--table-units", type=int, default=WARM_UNITS, help="writes per second for which the table is warm"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--rival-after", type=float, help="seconds of copying after which another project posts clips")
    parser.add_argument(
        "--copy-slots",
        type=int,
        help="with --rival-after (default: map_concurrency, so that the import takes them all)",
    )
    parser.add_argument("--faults", type=float, help="share of requests and calls that fail, from 0 to 1")
    parser.add_argument("--without", choices=faults.RULES, help="with --faults: break a rule on purpose")
    parser.add_argument("--publish", action="store_true", help="with --faults: write docs/reliability.md")
    for name, value in asdict(DEFAULTS).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    given = parser.parse_args()
    if given.grid:
        write(run_grid())
        return
    if given.faults is not None:
        clips = given.clips or faults.CLIPS
        result = faults.simulate_faults(clips, share=given.faults, seed=given.seed, without=given.without)
        print(json.dumps(result))
        if given.publish:
            faults.publish(result)
        return
    clips = given.clips or 100_000
    settings = Settings(**{name: getattr(given, name) for name in asdict(DEFAULTS)})
    if given.rival_after is not None:
        rivalry = Rivalry(
            clips=clips,
            clip_bytes=round(given.clip_mib * MIB),
            settings=settings,
            slots=given.copy_slots or settings.map_concurrency,
            after=given.rival_after,
            table_units=given.table_units,
            seed=given.seed,
        )
        print(json.dumps(simulate_rivals(rivalry)))
        return
    case = Case(
        clips=clips,
        clip_bytes=round(given.clip_mib * MIB),
        settings=settings,
        prefixes=given.prefixes,
        table_units=given.table_units,
        seed=given.seed,
    )
    print(json.dumps(simulate(case)))


if __name__ == "__main__":
    main()
