"""Cost of a million clips by component, compared with S3 Batch Operations, DataSync and data-transfer-hub.

`python -m benchmarks.costs` writes the figures of docs/costs.md between its markers. Clipferry's figures come from the
code that prices a preview (`service.imports.previews.estimate`, with its `prices.json`) and the deploy settings'
defaults. The others' come from benchmarks/rival_prices.json and the requests that their documentation names. If it
leaves a count open, the table uses the smallest possible count.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.pages import with_figures
from benchmarks.report import clock_time, table
from lambdas.schemas.settings import StorageClass
from service.domain.batching import PART_CLIPS, STREAM_WEIGHT, cut_batches
from service.domain.requests import ContentValidation, ImportSettings
from service.imports.previews.estimate import (
    GIB,
    PLACES_PER_CLIP,
    PRICES,
    WRITES_PER_ROW,
    Cost,
    Estimate,
    Workload,
    estimate,
    price_list,
    read_prices,
)
from service.support.settings import Deployment
from stacks.settings import DeploySettings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "costs.md"
RIVAL_PRICES = Path(__file__).with_name("rival_prices.json")
BEGIN, END = "<!-- figures: written by python -m benchmarks.costs -->", "<!-- end of figures -->"

MIB = 1024**2
CLIPS = 1_000_000
CLIP_BYTES = 200 * MIB
LIST_KEYS = 1_000
"""Keys per page of a listing."""

DATASYNC_HEADS = 1
"""Requests per object on each side: while preparing, and while verifying."""

HUB_PART_BYTES = 5 * MIB
HUB_PARTS_FROM_BYTES = 10 * MIB
"""data-transfer-hub's defaults (`DefaultChunkSize`, `DefaultMultipartThreshold`)."""
HUB_GETS_BESIDES = {True: 2, False: 1}
"""Requests for an object in parts, or whole: its cost page has 12 GETs and 10 PUTs for 50 MB, 2 GETs and 1 PUT for
10 KB."""
HUB_BYTES_PER_SECOND = GIB / 60
HUB_OBJECTS_PER_SECOND = 10
"""Throughput of one instance by its cost page: 1 GB a minute, and some 10 files a second."""
HUB_WRITES = 2
HUB_MESSAGES = 2
"""DynamoDB writes and SQS requests per object, by its cost page."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A kind of import, the same for all clips."""

    name: str
    settings: ImportSettings = field(default_factory=ImportSettings)
    etag: str = "md5"
    views: int = 0
    """Clips of a set, each named by its URI; 0: a prefix is listed, without sets."""
    streams: bool = False
    unchanged: bool = False
    """Whether all of it was imported before."""


PLAIN = Scenario(name="prefix, copied inside S3, without content checks")
STREAMED = replace(PLAIN, name="streamed from another store", streams=True)
AGAIN = replace(PLAIN, name="the first again, 1M unchanged clips", unchanged=True)
STRUCTURE, DEEP = (
    replace(PLAIN, name=f"`{depth}` validation", settings=ImportSettings(content_validation=depth))
    for depth in (ContentValidation.STRUCTURE, ContentValidation.DEEP)
)
UPLOADED_IN_PARTS = replace(PLAIN, name="sources that were uploaded in parts", etag="md5-2")
SETS = replace(PLAIN, name="sets of five views, each named by its URI", views=5)
SCENARIOS = (PLAIN, UPLOADED_IN_PARTS, STRUCTURE, DEEP, SETS, STREAMED, AGAIN)


@dataclass(frozen=True, kw_only=True)
class Case:
    """An import for which the tools are compared."""

    name: str
    size: int
    scenario: Scenario = PLAIN

    @property
    def moved(self) -> int:
        """Clips that are copied."""
        return 0 if self.scenario.unchanged else CLIPS

    @property
    def sides(self) -> int:
        """How many of source and destination are on S3: AWS does not bill another store's requests."""
        return 1 if self.scenario.streams else 2


CASES = (
    Case(name="1 MiB", size=MIB),
    Case(name="50 MiB", size=50 * MIB),
    Case(name="200 MiB", size=CLIP_BYTES),
    Case(name="200 MiB, from another store", size=CLIP_BYTES, scenario=STREAMED),
    Case(name="200 MiB repeated, all unchanged", size=CLIP_BYTES, scenario=AGAIN),
)

Bill = dict[str, float]
"""Component → dollars."""


def deployment() -> Deployment:
    """Return the deploy settings' defaults."""
    defaults = DeploySettings()
    return defaults.env(Deployment)


def workload(scenario: Scenario, *, clips: int = CLIPS, size: int = CLIP_BYTES) -> Workload:
    """Return the work that a preview counts for one prefix, or for sets. `clips` is a multiple of `PART_CLIPS`."""
    limits, parts = deployment(), clips // PART_CLIPS
    part = _part(scenario, size, limits)
    counts = {name: count * parts for name, count in vars(part).items() if not name.startswith("largest")}
    pages = math.ceil(clips / LIST_KEYS)
    listed = pages + (pages if scenario.unchanged else 1)  # planning also lists the clips bucket
    looked_at = 2 * clips  # one HEAD of the source, one of the destination
    asked = {"heads": looked_at} if scenario.views else {"lists": listed}
    return replace(part, **counts | asked)


def _part(scenario: Scenario, size: int, limits: Deployment) -> Workload:
    groups = [number - number % scenario.views if scenario.views else None for number in range(PART_CLIPS)]
    weight = size * (STREAM_WEIGHT if scenario.streams else 1)
    cuts = cut_batches([weight] * PART_CLIPS, max_clips=limits.batch_clips, max_bytes=limits.batch_bytes, groups=groups)
    if scenario.unchanged:
        return Workload(skipped=PART_CLIPS, skipped_by_plan=PART_CLIPS)
    part = Workload(batches=sum(1 for _ in cuts), views=PART_CLIPS if scenario.views else 0)
    for _ in range(PART_CLIPS):
        part.add_copy(
            size,
            scenario.etag,
            settings=scenario.settings,
            deployment=limits,
            in_set=bool(scenario.views),
            streams=scenario.streams,
        )
    return part


def estimated(scenario: Scenario, *, size: int = CLIP_BYTES) -> Estimate:
    return estimate(workload(scenario, size=size), settings=scenario.settings, deployment=deployment())


# --- the tools -------------------------------------------------------------------------------------------------------


def bill_of(cost: Cost) -> Bill:
    return {
        "S3 COPY, PUT": cost.s3_writes,
        "S3 LIST": cost.s3_lists,
        "S3 GET, HEAD": cost.s3_reads,
        "DynamoDB writes": cost.dynamodb_writes,
        "DynamoDB reads": cost.dynamodb_reads,
        "Step Functions": cost.step_functions,
        "Lambda": cost.lambda_,
    }


def clipferry(case: Case) -> Bill:
    return bill_of(estimated(case.scenario, size=case.size).cost)


def batch_operations(case: Case) -> Bill | None:
    """Copies only inside S3. Another job copies everything again."""
    if case.scenario.streams:
        return None
    return {
        "S3 COPY": CLIPS * price_list().of("s3.write.STANDARD"),
        "job": rival("s3.batch.job"),
        "object operations": CLIPS * rival("s3.batch.object"),
        "generated manifest": CLIPS * rival("s3.batch.manifest"),
    }


def datasync_basic(case: Case) -> Bill | None:
    """Other stores need the user's own agent, which has no price here."""
    return None if case.scenario.streams else _datasync(case, "datasync.basic")


def datasync_enhanced(case: Case) -> Bill:
    return _datasync(case, "datasync.enhanced") | {"task execution": rival("datasync.execution")}


def _datasync(case: Case, per_gb: str) -> Bill:
    """Unchanged objects are compared on both sides, but not transferred."""
    prices, gets = price_list(), case.moved * (case.sides - 1)
    return {
        "data copied": case.moved * case.size / GIB * rival(per_gb),
        "S3 PUT": case.moved * prices.of("s3.write.STANDARD"),
        "S3 LIST": _listed(case),
        "S3 GET, HEAD": (gets + DATASYNC_HEADS * case.sides * CLIPS) * prices.of("s3.read.STANDARD"),
    }


def data_transfer_hub(case: Case) -> Bill:
    """Unchanged objects are found by listing both sides."""
    moved, prices = case.moved, price_list()
    in_parts = case.size > HUB_PARTS_FROM_BYTES
    puts = math.ceil(case.size / HUB_PART_BYTES) if in_parts else 1
    gets = (puts + HUB_GETS_BESIDES[in_parts]) * (case.sides - 1)
    seconds = max(moved / HUB_OBJECTS_PER_SECOND, moved * case.size / HUB_BYTES_PER_SECOND)
    return {
        "S3 PUT": moved * puts * prices.of("s3.write.STANDARD"),
        "S3 LIST": _listed(case),
        "S3 GET, HEAD": moved * gets * prices.of("s3.read.STANDARD"),
        "DynamoDB writes": HUB_WRITES * moved * prices.of("dynamodb.write"),
        "SQS": HUB_MESSAGES * moved * rival("sqs.request"),
        "EC2": seconds / 3600 * rival("ec2.t4g.micro"),
    }


def _listed(case: Case) -> float:
    """Return the cost of listing source and destination, if they are on S3."""
    return case.sides * math.ceil(CLIPS / LIST_KEYS) * price_list().of("s3.write.STANDARD")


def rival(name: str) -> float:
    return read_prices(RIVAL_PRICES).of(name)


TOOLS: Mapping[str, Callable[[Case], Bill | None]] = {
    "Clipferry": clipferry,
    "S3 Batch Operations": batch_operations,
    "DataSync, Basic mode": datasync_basic,
    "DataSync, Enhanced mode": datasync_enhanced,
    "data-transfer-hub": data_transfer_hub,
}


def unchanged_again() -> dict[str, Any]:
    """Return the modelled price of importing a million unchanged clips again, with each tool, and our seconds."""
    (case,) = (case for case in CASES if case.scenario is AGAIN)
    bills = {name: tool(case) for name, tool in TOOLS.items()}
    return {
        "clips": CLIPS,
        "seconds": estimated(AGAIN).seconds,
        "dollars": {name: round(sum(bill.values()), 4) for name, bill in bills.items() if bill},
    }


# --- the page --------------------------------------------------------------------------------------------------------


def figures() -> str:
    prices = json.loads(PRICES.read_text())
    limits = ", ".join(f"`{name}` {_amount(name, value)}" for name, value in vars(deployment()).items())
    parts = [
        f"List prices of {prices['region']} as of {prices['as_of']}, in dollars. Deploy settings' defaults: {limits}.",
        "### A million clips of 200 MiB",
        _scenarios(),
        f"Not in it: {'; '.join(prices['not_included'])}.",
        "### By storage class of the copies",
        _classes(),
        "### Compared with other tools, a million clips",
        _totals(),
        _against_batch_operations(),
        "### Compared with other tools, by component",
        _components(),
        f"### Prices of the other tools, as of {read_prices(RIVAL_PRICES).as_of}",
        _rival_prices(),
    ]
    return "\n\n".join(parts)


def dollars(value: float) -> str:
    if value == 0:
        return "0"
    cents = f"{value + 1e-9:,.2f}"  # round half a cent up
    return cents if cents != "0.00" else "< 0.01"


def _amount(name: str, value: int) -> str:
    return f"{value / MIB:,g} MiB" if name.endswith("_bytes") else f"{value:,}"


def _scenarios() -> str:
    rows = []
    for scenario in SCENARIOS:
        found = estimated(scenario)
        bill = bill_of(found.cost)
        taken = clock_time(found.seconds)
        rows.append((scenario.name, *map(dollars, bill.values()), f"**{dollars(sum(bill.values()))}**", taken))
    return table(("import", *bill_of(estimated(PLAIN).cost), "total", "time"), rows)


def _classes() -> str:
    rows = []
    for name in StorageClass:
        found = estimated(replace(PLAIN, settings=ImportSettings(storage_class=name.value)))
        rows.append((name.value, dollars(found.cost.total), dollars(found.storage_per_month)))
    return table(("storage class", "the import", "storage per month (not part of the import)"), rows)


def _totals() -> str:
    rows = ((name, *_sums(map(tool, CASES))) for name, tool in TOOLS.items())
    return table(("clips of", *(case.name for case in CASES)), rows)


def _sums(bills: Iterable[Bill | None]) -> list[str]:
    return ["—" if bill is None else dollars(sum(bill.values())) for bill in bills]


def _components() -> str:
    rows: list[Sequence[str]] = []
    for name, tool in TOOLS.items():
        bills = [tool(case) for case in CASES]
        rows.extend((name, part, *(_cell(bill, part) for bill in bills)) for part in bills[0] or ())
        rows.append((name, "**total**", *(f"**{total}**" for total in _sums(bills))))
    return table(("tool", "component", *(case.name for case in CASES)), rows)


def _cell(bill: Bill | None, part: str) -> str:
    return "—" if bill is None else dollars(bill[part])


def _against_batch_operations() -> str:
    """Return the sentence about the differences for the plain case."""
    case = Case(name="200 MiB", size=CLIP_BYTES)
    ours, theirs = clipferry(case), batch_operations(case)
    assert theirs is not None
    row = CLIPS * price_list().of("dynamodb.write")
    figures = {
        "ours": sum(ours.values()),
        "theirs": sum(theirs.values()),
        "copies": theirs["S3 COPY"],
        "fees": sum(theirs.values()) - theirs["S3 COPY"],
        "row": WRITES_PER_ROW * row,
        "places": PLACES_PER_CLIP * row,
        "states": ours["Step Functions"],
        "functions": ours["Lambda"],
    }
    return AGAINST_BATCH_OPERATIONS.format(
        size=case.name, indexes=PLACES_PER_CLIP, **{name: f"${dollars(value)}" for name, value in figures.items()}
    )


AGAINST_BATCH_OPERATIONS = (
    "For clips of {size} inside S3, Clipferry costs {ours} and Batch Operations {theirs}; {copies} of each are COPY "
    "requests. Batch Operations adds {fees} for its job, objects and manifest. Clipferry adds {row} for a row with the "
    "status of each clip, {places} for the row's entries in the {indexes} indexes of clips, {states} for Step "
    "Functions, and {functions} for Lambda, which waits while S3 copies."
)


def _rival_prices() -> str:
    prices = json.loads(RIVAL_PRICES.read_text())["prices"].values()
    rows = [
        (f"${one['price']:g}", f"{one['per']:,}", *(one[name] for name in ("unit", "source", "checked")))
        for one in prices
    ]
    return table(("price", "for", "unit", "source", "compared with"), rows)


def page(text: str) -> str:
    """Return the page with current figures."""
    return with_figures(text, BEGIN, END, figures())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
