"""docs/costs.md: its figures are current, ours equal those of a preview, the others' those of their documentation."""

import json
from dataclasses import replace

import pytest

from benchmarks import costs
from benchmarks.costs import CASES, CLIP_BYTES, MIB, PAGE, SCENARIOS, STREAMED, Case, Scenario
from service.domain.destinations import destination_key
from service.domain.requests import ImportRequest
from service.domain.uris import s3_at
from service.imports.previews.estimate import PRICES, estimate
from service.imports.previews.preview import preview
from tests.builders import CLIPS_BUCKET, PROJECT, SOURCE_BUCKET, World, a_set, import_prefix, import_sets

FEW = 2_000
INSIDE = [case for case in CASES if case.scenario is costs.PLAIN]
(AGAIN,) = (case for case in CASES if case.scenario is costs.AGAIN)
ELSEWHERE = Case(name="200 MiB, from another store", size=CLIP_BYTES, scenario=STREAMED)


def total(bill: costs.Bill | None) -> float:
    assert bill is not None
    return sum(bill.values())


def test_the_page_says_what_todays_prices_and_settings_make() -> None:
    text = PAGE.read_text()
    assert costs.page(text) == text, "run `python -m benchmarks.costs`, and read what the page says about the figures"


def test_the_text_of_the_page_agrees_with_its_figures() -> None:
    for case in INSIDE:
        assert total(costs.batch_operations(case)) < total(costs.clipferry(case))
    lambdas = [costs.clipferry(case)["Lambda"] for case in INSIDE]
    assert lambdas == sorted(lambdas)
    again = costs.clipferry(AGAIN)
    assert total(costs.data_transfer_hub(AGAIN)) < total(again) < 0.02
    assert again["S3 LIST"] > total(again) / 2
    assert total(again) < total(costs.datasync_basic(AGAIN)) / 10
    assert costs.estimated(costs.AGAIN).seconds <= 60
    streamed = costs.clipferry(ELSEWHERE)
    assert total(streamed) > 5 * total(costs.clipferry(replace(ELSEWHERE, scenario=costs.PLAIN)))
    assert streamed["S3 COPY, PUT"] + streamed["Lambda"] > 0.9 * total(streamed)


# --- Clipferry -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if not one.streams], ids=lambda one: one.name)
def test_a_scenario_costs_what_its_preview_says(world: World, scenario: Scenario) -> None:
    asked = request(world, scenario)
    found = preview(replace(asked, settings=scenario.settings), project=PROJECT, ports=world.preview_ports).estimate
    work = costs.workload(scenario, clips=FEW)
    assert vars(found.cost) == pytest.approx(
        vars(estimate(work, settings=scenario.settings, deployment=costs.deployment()).cost)
    )


def request(world: World, scenario: Scenario) -> ImportRequest:
    """The scenario's clips as they lie there, and the import of them."""
    keys = world.put_sources(FEW, size=CLIP_BYTES)
    buckets = world.storage.buckets
    for key, item in list(buckets[SOURCE_BUCKET].items()):
        buckets[SOURCE_BUCKET][key] = replace(item, etag=f"{item.etag}{scenario.etag.removeprefix('md5')}")
        if scenario.unchanged:
            there = destination_key(PROJECT, None, s3_at(SOURCE_BUCKET, key))
            buckets[CLIPS_BUCKET][there] = replace(buckets[SOURCE_BUCKET][key], key=there)
    if scenario.views:
        return import_sets(*(a_set(*keys[first : first + scenario.views]) for first in range(0, FEW, scenario.views)))
    return import_prefix(f"s3://{SOURCE_BUCKET}/p/")


def test_a_streamed_clip_is_sent_part_by_part() -> None:
    work, part_bytes = costs.workload(STREAMED, clips=FEW), costs.deployment().stream_part_bytes
    assert (work.streamed, work.streamed_bytes) == (FEW, FEW * CLIP_BYTES)
    assert work.copy_requests == FEW * -(-CLIP_BYTES // part_bytes)


# --- the other tools -------------------------------------------------------------------------------------------------


def test_batch_operations_take_a_fee_for_the_job_and_for_each_object() -> None:
    # $5.00 of COPY, $0.25, $1.00, $0.015: at any size, and again each time.
    assert [total(costs.batch_operations(case)) for case in (*INSIDE, AGAIN)] == pytest.approx([6.265] * 4)
    assert costs.batch_operations(ELSEWHERE) is None


def test_datasync_is_billed_by_the_gb() -> None:
    case = Case(name="50 MiB", size=50 * MIB)
    # 48,828.125 GB; a PUT, a GET and two HEADs an object; 2,000 listings.
    requests = 5 + 3 * 0.4 + 0.01
    assert total(costs.datasync_basic(case)) == pytest.approx(48_828.125 * 0.0125 + requests)
    assert total(costs.datasync_enhanced(case)) == pytest.approx(48_828.125 * 0.015 + 0.55 + requests)
    assert total(costs.datasync_enhanced(AGAIN)) == pytest.approx(0.55 + 2 * 0.4 + 0.01)
    # The source's requests are the other store's.
    assert total(costs.datasync_enhanced(ELSEWHERE)) == pytest.approx(195_312.5 * 0.015 + 0.55 + 5 + 0.4 + 0.005)
    assert costs.datasync_basic(ELSEWHERE) is None


@pytest.mark.parametrize(
    ("size", "files", "s3", "sqs", "ec2"),
    [(50 * MIB, 20_480, 1.12, 0.01, 0.14), (10 * 1024, 107_400_000, 622.34, 85.92, 25.20)],
)
def test_data_transfer_hub_costs_what_its_own_examples_say(
    size: int, files: int, s3: float, sqs: float, ec2: float
) -> None:
    """The two of its cost page, 1 TB each, but for its DynamoDB, which costs half of what it did then."""
    bill = {
        name: value * files / costs.CLIPS
        for name, value in costs.data_transfer_hub(Case(name="example", size=size)).items()
    }
    assert bill["S3 PUT"] + bill["S3 GET, HEAD"] == pytest.approx(s3, rel=0.01)
    assert bill["SQS"] == pytest.approx(sqs, abs=0.01)
    assert bill["EC2"] == pytest.approx(ec2, rel=0.02)


def test_every_price_of_the_others_says_its_unit_its_source_and_what_it_was_compared_with() -> None:
    document = json.loads(costs.RIVAL_PRICES.read_text())
    assert document["region"] == json.loads(PRICES.read_text())["region"]
    for name, price in document["prices"].items():
        assert set(price) == {"price", "per", "unit", "source", "checked"}, name
        assert price["price"] > 0
        assert price["source"].startswith("https://aws.amazon.com/")
        assert price["checked"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0004, "< 0.01"), (0.005, "0.01"), (0.625, "0.63"), (1_234.5, "1,234.50")]
)
def test_dollars_are_written_to_the_cent(value: float, text: str) -> None:
    assert costs.dollars(value) == text
