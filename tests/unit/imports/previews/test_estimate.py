"""Cost and time of an import, against figures worked out by hand from the price list."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import service.imports.previews.estimate
from lambdas.schemas.settings import StorageClass
from service.domain.multipart import copy_parts
from service.domain.requests import ContentValidation, ImportSettings
from service.imports.previews.estimate import Estimate, Workload, estimate, part_count, price_list
from service.support.settings import Deployment
from tests.builders import DEPLOYMENT

MIB, GIB = 1024**2, 1024**3


def estimated(work: Workload, deployment: Deployment = DEPLOYMENT, **settings: Any) -> Estimate:
    return estimate(work, settings=ImportSettings(**settings), deployment=deployment)


def copies(count: int, size: int, *, etag: str = "md5", batches: int = 1, **settings: Any) -> Workload:
    work = Workload(batches=batches)
    for _ in range(count):
        work.add_copy(size, etag, settings=ImportSettings(**settings), deployment=DEPLOYMENT)
    return work


A_MILLION = Workload(
    lists=1_001, batches=4_000, copied=1_000_000, bytes=1_000_000 * MIB, billed_bytes=1_000_000 * MIB, largest=MIB
)


def test_a_million_clips_of_a_mebibyte() -> None:
    found = estimated(A_MILLION)
    # 1,001 listings, 1,002 state files and 1,000,000 copies at $0.005 a thousand; 4,000 slices at $0.0004.
    assert found.cost.s3_requests == pytest.approx(5.01 + 0.000015 + 0.0016)
    assert (found.cost.s3_writes, found.cost.s3_lists) == pytest.approx((5.00501, 0.005005))
    assert found.cost.s3_reads == pytest.approx(0.0016)
    # 7 + 5 x 4,000 transitions at $0.025 a thousand.
    assert found.cost.step_functions == pytest.approx(0.500175)
    # 4 x 1,000,000 for rows, 7 x 4,000 and 30 writes at $0.625 a million; 24,000 reads at $0.125 a million.
    assert found.cost.dynamodb == pytest.approx(2.51751875 + 0.003)
    assert (found.cost.dynamodb_writes, found.cost.dynamodb_reads) == pytest.approx((2.51751875, 0.003))
    # 50,000 s of copies and 12,336.2 s of bytes, 128 at a time, and 4,000 x 0.5 s, of 1 GB; 1,001 listings of 8 ms
    # and a million clips of 25 µs, of 1,769 MB; $0.0000133334 a GB-second; 4,003 calls at $0.20 a million.
    seconds = (50_000 + 1_000_000 * 1_048_576 / 85e6) / 128 + 2_000
    assert found.cost.lambda_ == pytest.approx((seconds + 33.008 * 1_769 / 1_024) * 0.0000133334 + 0.0008006)
    assert found.cost.total == pytest.approx(8.06, abs=0.01)
    # 976.5625 GB at $0.023.
    assert found.storage_per_month == pytest.approx(22.4609375)
    # 10 s, 33.008 s of planning, 100 rounds of 0.5 s, and 1,000,000 copies at S3's 3,500 a second.
    assert found.seconds == 379


def test_clips_of_another_store_take_the_time_of_their_bytes_through_the_functions() -> None:
    work = Workload(batches=2)
    for size in (12 * MIB, 12 * MIB, 60 * MIB):
        work.add_copy(size, "etag-2", settings=ImportSettings(), deployment=DEPLOYMENT, streams=True)
    found = estimated(work)
    # Two PutObjects, 4 parts and their 2 requests, 2 state files; 2 slices of the manifest. The store's own bill is not
    # in it, and no HEAD compares checksums.
    assert found.cost.s3_requests == pytest.approx((2 + 4 + 2 + 3) * 0.005 / 1000 + 2 * 0.0004 / 1000)
    # 84 MiB at 60 MB/s, all of it a function's; 6 requests of 50 ms and 3 looks of 0.1 s, 32 at a time; 2 x 0.5 s.
    seconds = 84 * MIB / 60e6 + (6 * 0.05 + 3 * 0.1) / 32 + 1
    assert found.cost.lambda_ == pytest.approx(seconds * 0.0000133334 + 5 * 0.0000002, rel=1e-3)
    # 10 s, half a second of batches, and the largest clip, which only one function takes.
    assert found.seconds == 12


def test_nothing_to_copy_costs_next_to_nothing() -> None:
    found = estimated(Workload(lists=2))
    assert found.cost.total < 0.001
    assert found.storage_per_month == 0
    assert found.seconds == 11


def test_skipped_and_failed_clips_cost_their_rows() -> None:
    found = estimated(Workload(batches=1, skipped=1_000, failed=1_000))
    assert found.cost.dynamodb == pytest.approx((4_000 + 5_000 + 7 + 30) * 0.625e-6 + 6 * 0.125e-6)
    assert found.storage_per_month == 0


def test_a_million_unchanged_clips_cost_their_listings_and_their_plan() -> None:
    work = Workload(lists=2_000, skipped=1_000_000, skipped_by_plan=1_000_000)
    found = estimated(work)
    # 2,000 listings, 1,002 state files and 8 that find clips; 30 writes; 16 s and 25 s of 1,769 MB; 7 transitions.
    assert found.cost.s3_requests == pytest.approx((2_000 + 1_002 + 8) * 0.005 / 1000)
    assert found.cost.dynamodb == pytest.approx(30 * 0.625e-6)
    assert found.cost.lambda_ == pytest.approx(41 * 1_769 / 1_024 * 0.0000133334 + 3 * 0.0000002)
    assert found.cost.total < 0.02
    assert found.seconds == 51


@pytest.mark.parametrize(
    ("storage_class", "copy", "month"),
    [
        (None, 0.005, 0.023),
        ("STANDARD", 0.005, 0.023),
        ("STANDARD_IA", 0.01, 0.0125),
        ("ONEZONE_IA", 0.01, 0.01),
        ("INTELLIGENT_TIERING", 0.005, 0.023),
        ("GLACIER_IR", 0.02, 0.004),
    ],
)
def test_copies_and_storage_have_the_price_of_their_class(storage_class: str | None, copy: float, month: float) -> None:
    found = estimated(copies(1_000, GIB, storage_class=storage_class), storage_class=storage_class)
    rest = 3 * 0.005 / 1000 + 1 * 0.0004 / 1000
    assert found.cost.s3_requests == pytest.approx(copy + rest)
    assert found.storage_per_month == pytest.approx(1_000 * month)


def test_some_classes_bill_a_small_object_as_128_kib() -> None:
    small = copies(8_192, 1, storage_class="STANDARD_IA")
    assert estimated(small, storage_class="STANDARD_IA").storage_per_month == pytest.approx(0.0125)
    assert estimated(copies(8_192, 1)).storage_per_month < 0.000001


def test_a_large_object_costs_its_parts_and_takes_its_waves() -> None:
    work = copies(1, 10 * GIB)
    assert (work.by_parts, work.parts, work.copy_requests) == (1, 40, 40)
    found = estimated(work)
    # 40 parts, begin, complete, 3 state files; metadata, tags, a slice, and the comparison of checksums.
    assert found.cost.s3_requests == pytest.approx(45 * 0.005 / 1000 + 4 * 0.0004 / 1000)
    # 40 parts of 256 MiB, 32 at a time: 2 waves of 3.21 s, longer than 128.4 s spread over 32 in flight.
    assert found.seconds == 17  # 10 + 0.5 + 6.42
    # One at a time: 40 x 3.208 s and the HEAD's 0.03 s.
    assert estimated(work, replace(DEPLOYMENT, copy_concurrency=1)).seconds == 139  # 10 + 0.5 + 128.36


def test_an_etag_that_is_no_md5_takes_a_head_to_verify() -> None:
    more = estimated(copies(1_000, 1, etag="abc-2")).cost.s3_requests - estimated(copies(1_000, 1)).cost.s3_requests
    assert more == pytest.approx(0.0004)


@pytest.mark.parametrize(("depth", "reads"), [(ContentValidation.STRUCTURE, 2), (ContentValidation.DEEP, 8)])
def test_content_validation_costs_range_reads(depth: ContentValidation, reads: int) -> None:
    plain, checked = estimated(copies(1_000, 1)), estimated(copies(1_000, 1), content_validation=depth)
    assert checked.cost.s3_requests - plain.cost.s3_requests == pytest.approx(reads * 0.0004)
    assert checked.cost.lambda_ > plain.cost.lambda_


def test_the_structure_of_a_million_clips_costs_less_than_a_dollar_and_a_tenth_of_the_time() -> None:
    plain, checked = estimated(A_MILLION), estimated(A_MILLION, content_validation=ContentValidation.STRUCTURE)
    assert checked.cost.total - plain.cost.total < 1.0
    assert checked.seconds <= 1.1 * plain.seconds


def test_less_in_flight_takes_longer() -> None:
    work = replace(A_MILLION, lists=0)
    slow = replace(DEPLOYMENT, map_concurrency=1, copy_concurrency=1)
    # 4,000 x 0.5 s, 1,000,000 x 0.05 s, 12,336.2 s of bytes, 10 s, and 25 s of planning.
    assert estimated(work, slow).seconds == 10 + 25 + 2_000 + 50_000 + 12_337


def test_an_import_may_ask_for_fewer_functions() -> None:
    work = replace(A_MILLION, lists=0)
    # 62,336.2 s of copies over 128 in flight, and 4,000 rounds of 0.5 s.
    assert estimated(work, max_concurrency=1).seconds == 10 + 25 + 488 + 2_000
    assert estimated(work, max_concurrency=40).seconds == estimated(work).seconds


def test_a_view_costs_a_head_more_than_a_clip_of_its_own() -> None:
    alone, in_set, bare = Workload(), Workload(views=1_000), Workload(views=1_000)
    for _ in range(1_000):
        alone.add_copy(1, "md5", settings=ImportSettings(), deployment=DEPLOYMENT)
        in_set.add_copy(1, "md5", settings=ImportSettings(), deployment=DEPLOYMENT, in_set=True)
        bare.add_copy(1, "md5", settings=ImportSettings(keep_metadata=False), deployment=DEPLOYMENT, in_set=True)
    plain, found = estimated(alone).cost, estimated(in_set).cost
    assert found.s3_requests - plain.s3_requests == pytest.approx(0.0004)
    assert found.dynamodb == plain.dynamodb
    assert estimated(bare).cost.s3_requests == pytest.approx(plain.s3_requests), "there is nothing to keep"


@pytest.mark.parametrize("size", [1, 256 * MIB, 256 * MIB + 1, 10 * GIB, 3 * 1024 * GIB, 5 * 1024 * GIB])
def test_parts_are_counted_as_they_are_cut(size: int) -> None:
    assert part_count(size, 256 * MIB) == len(copy_parts(size, part_bytes=256 * MIB))


def test_every_price_says_its_unit_its_source_and_what_it_was_compared_with() -> None:
    path = Path(service.imports.previews.estimate.__file__).with_name("prices.json")
    document = json.loads(path.read_text())
    assert document["region"] == price_list().region == "us-east-1"
    for name, price in document["prices"].items():
        assert set(price) == {"price", "per", "unit", "source", "checked"}, name
        assert price["price"] > 0
        assert price["source"].startswith("https://aws.amazon.com/")
        assert price["checked"]


def test_every_storage_class_of_the_api_has_its_prices() -> None:
    for storage_class in StorageClass:
        for kind in ("write", "read", "storage"):
            assert price_list().of(f"s3.{kind}.{storage_class}") > 0
