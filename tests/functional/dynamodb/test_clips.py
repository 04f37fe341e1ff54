"""Clip rows in DynamoDB, and what a batch costs there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.client
import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import TransactWriteError

from service.aws.dynamodb.clips import LONGEST_PUT_WAIT, PUT_ATTEMPTS, DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.domain.batching import VIEWS
from service.domain.clips import ClipKeys, ClipRow, ClipStatus, Extrapolation, ExtrapolationStatus, Verification
from service.domain.errors import TableBusy
from service.imports.copying.batch import copy_batch
from tests.builders import World
from tests.functional.conftest import TABLE
from tests.functional.faults import FailingTransactions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOB = "ij_1"
DONE = Extrapolation(
    status=ExtrapolationStatus.DONE, key="k.stationary.parquet", tracks=2, stationary=1, rows=30, added=20
)
FAILED = Extrapolation(status=ExtrapolationStatus.FAILED, code="NO_OBSTACLES", message="none 日本")


def row(ordinal: int, status: ClipStatus = ClipStatus.COPIED) -> ClipRow:
    if status is ClipStatus.COPIED:
        return ClipRow(ordinal=ordinal, status=status, size=ordinal, etag=f"e{ordinal}")
    return ClipRow(
        ordinal=ordinal,
        status=status,
        code="CODE",
        message=f"why {ordinal} 日本",
        source_uri=f"s3://source/{ordinal}",
        destination="",
    )


@contextmanager
def counted_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """DynamoDB requests by operation."""
    calls: Counter[str] = Counter()
    make = botocore.client.BaseClient._make_api_call

    def counted(self: Any, operation: str, kwargs: Any) -> Any:
        if self.meta.service_model.service_name == "dynamodb":
            calls[operation] += 1
        return make(self, operation, kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", counted)
        yield calls


@pytest.mark.parametrize(
    "one",
    [
        row(0),
        row(9_999_999, ClipStatus.FAILED),
        row(1, ClipStatus.SKIPPED),
        row(2, ClipStatus.CANCELLED),
        ClipRow(ordinal=3, status=ClipStatus.COPIED, size=50 * 1024**4, etag="e"),
        ClipRow(ordinal=4, status=ClipStatus.COPIED, size=0, etag="e"),
        replace(row(5), extrapolation=DONE),
    ],
)
def test_a_row_comes_back_as_it_was(clips: DynamoClips, one: ClipRow) -> None:
    clips.put(JOB, [one])
    assert clips.get(JOB, [one.ordinal]) == {one.ordinal: one}


@pytest.mark.parametrize("status", ClipStatus)
def test_rows_lie_in_the_table_alike_however_they_are_written(
    clips: DynamoClips, dynamodb: "DynamoDBClient", status: ClipStatus
) -> None:
    """In a batch of writes, which makes no models of them, and in a transaction."""
    one = ClipRow(
        ordinal=7,
        status=status,
        size=2**40,
        etag="e" * 32,
        verified=Verification.CHECKSUM,
        facts={"format": "video", "seconds": 1.5},
        code="CODE",
        message="",
        source_uri="s3://source/日本.mp4",
        destination="p/-/日本.mp4",
        keys=ClipKeys(clip="c" * 32, url="u" * 32, position="2026-11-22#ij_1#0000000007"),
        group=7,
        view="front",
        set_name="drive",
        run=1,
        extrapolation=DONE,
    )
    key: Any = {"pk": {"S": f"JOB#{JOB}#07"}, "sk": {"S": f"{7:010d}"}}
    clips.put(JOB, [one])
    put = dynamodb.delete_item(TableName=TABLE, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    clips.settle(JOB, [one])
    assert put == dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    assert (put["size"], put["message"]) == ({"N": str(2**40)}, {"S": ""})


@pytest.mark.parametrize("status", [ClipStatus.COPIED, ClipStatus.SKIPPED])
@pytest.mark.parametrize("made", [DONE, FAILED])
def test_an_extrapolation_is_noted_on_the_row_and_changes_nothing_else(
    clips: DynamoClips, status: ClipStatus, made: Extrapolation
) -> None:
    given = replace(row(3, status), facts={"format": "clipgt"})
    clips.put(JOB, [given, row(4)])
    assert clips.extrapolated(JOB, 3, made)
    assert clips.get(JOB, [3, 4]) == {3: replace(given, extrapolation=made), 4: row(4)}
    assert list(clips.in_order(JOB, first=0)) == [replace(given, extrapolation=made), row(4)]


@pytest.mark.parametrize("status", [ClipStatus.FAILED, ClipStatus.CANCELLED])
def test_only_clips_that_landed_get_an_extrapolation(clips: DynamoClips, status: ClipStatus) -> None:
    clips.put(JOB, [row(3, status)])
    assert not clips.extrapolated(JOB, 3, DONE)
    assert clips.get(JOB, [3]) == {3: row(3, status)}


def test_a_row_that_was_deleted_does_not_come_back(clips: DynamoClips) -> None:
    assert not clips.extrapolated(JOB, 3, DONE)
    assert not clips.get(JOB, [3])


class BusyTable:
    """Takes as many rows of each BatchWriteItem as it is told, and everything afterwards. None: it refuses the call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *taken: int | None) -> None:
        self.asked: list[int] = []
        self._taken = list(taken)
        make = botocore.client.BaseClient._make_api_call

        def call(client: Any, operation: str, kwargs: Any) -> Any:
            if operation != "BatchWriteItem":
                return make(client, operation, kwargs)
            ((table, requests),) = kwargs["RequestItems"].items()
            self.asked.append(len(requests))
            taken = self._taken.pop(0) if self._taken else len(requests)
            if taken is None:
                code = {"Code": "ProvisionedThroughputExceededException", "Message": "too fast"}
                raise ClientError({"Error": code}, operation)
            if requests[:taken]:
                make(client, operation, {**kwargs, "RequestItems": {table: requests[:taken]}})
            return {"UnprocessedItems": {table: requests[taken:]} if requests[taken:] else {}}

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


def test_rows_that_a_busy_table_left_out_are_written_later(
    clips: DynamoClips, monkeypatch: pytest.MonkeyPatch, no_sleep: list[float]
) -> None:
    table = BusyTable(monkeypatch, 20, 0, 0)
    rows = [row(n) for n in range(30)]
    clips.put(JOB, rows)
    assert list(clips.in_order(JOB, first=0)) == rows
    assert table.asked == [25, 5, 5, 5, 5], "pynamodb's three tries, what they left, the other rows"
    assert len(no_sleep) == 1


def test_a_table_that_refuses_a_write_is_asked_again(
    clips: DynamoClips, monkeypatch: pytest.MonkeyPatch, no_sleep: list[float]
) -> None:
    table = BusyTable(monkeypatch, None, None)
    clips.put(JOB, [row(0), row(1)])
    assert len(clips.get(JOB, [0, 1])) == 2
    assert (table.asked, len(no_sleep)) == ([2, 2, 2], 2)


def test_a_table_that_stays_busy_is_an_error_in_the_end(
    clips: DynamoClips, monkeypatch: pytest.MonkeyPatch, no_sleep: list[float]
) -> None:
    BusyTable(monkeypatch, *[None] * PUT_ATTEMPTS)
    with pytest.raises(TableBusy):
        clips.put(JOB, [row(0)])
    assert len(no_sleep) == PUT_ATTEMPTS - 1
    assert max(no_sleep) <= LONGEST_PUT_WAIT


def a_sets_rows(status: ClipStatus) -> list[ClipRow]:
    return [
        ClipRow(ordinal=7 + n, status=status, size=n, code="C", group=7, view=view, set_name="drive")
        for n, view in enumerate(VIEWS)
    ]


def test_rows_of_a_set_come_back_and_hold(clips: DynamoClips) -> None:
    first = a_sets_rows(ClipStatus.FAILED)
    assert clips.settle(JOB, first) == first
    assert clips.settle(JOB, a_sets_rows(ClipStatus.COPIED)) == first, "the first fate holds"
    assert clips.get(JOB, [row.ordinal for row in first]) == {row.ordinal: row for row in first}
    assert clips.failures(JOB, first=0, limit=100) == first


def test_a_set_that_a_retry_opened_is_settled_by_that_run_only(clips: DynamoClips) -> None:
    clips.settle(JOB, a_sets_rows(ClipStatus.FAILED))
    opened = [replace(row, status=ClipStatus.PENDING, run=2) for row in a_sets_rows(ClipStatus.PENDING)]
    clips.put(JOB, opened)
    landed = a_sets_rows(ClipStatus.COPIED)
    for former in (0, 1):
        assert clips.settle(JOB, landed, run=former) == opened, "a worker of a former run is told that it is late"
    assert clips.settle(JOB, landed, run=2) == landed
    assert clips.settle(JOB, a_sets_rows(ClipStatus.FAILED), run=2) == landed


def test_rows_of_a_set_are_one_transaction(clips: DynamoClips, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted_calls(monkeypatch) as calls:
        clips.settle(JOB, a_sets_rows(ClipStatus.COPIED))
    assert calls == {"TransactWriteItems": 1}


def test_a_conflict_over_a_sets_rows_is_tried_again(
    clips: DynamoClips, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    transactions.fail(["TransactionConflict"] * 14)
    rows = a_sets_rows(ClipStatus.COPIED)
    assert clips.settle(JOB, rows) == rows
    assert (transactions.sent, len(no_sleep)) == (2, 1)


def test_a_transaction_that_fails_otherwise_is_no_fate(clips: DynamoClips, transactions: FailingTransactions) -> None:
    transactions.fail(["ValidationError", *["None"] * 13])
    with pytest.raises(TransactWriteError):
        clips.settle(JOB, a_sets_rows(ClipStatus.COPIED))
    assert not clips.get(JOB, [7])


def test_a_thousand_rows_come_back(clips: DynamoClips) -> None:
    rows = {n: row(n, ClipStatus.FAILED if n % 3 else ClipStatus.COPIED) for n in range(1_000)}
    clips.put(JOB, rows.values())
    assert clips.get(JOB, range(1_000)) == rows


def test_only_the_rows_that_exist_come_back(clips: DynamoClips) -> None:
    clips.put(JOB, [row(1), row(3)])
    assert sorted(clips.get(JOB, range(5))) == [1, 3]
    assert clips.get(JOB, []) == {}
    assert clips.get("ij_10", [1, 3]) == {}
    clips.put(JOB, [])


def test_a_row_that_is_written_again_is_replaced(clips: DynamoClips) -> None:
    clips.put(JOB, [row(1, ClipStatus.FAILED)])
    clips.put(JOB, [row(1)])
    assert clips.get(JOB, [1]) == {1: row(1)}
    assert clips.failures(JOB, first=0, limit=10) == []


def test_rows_spread_evenly_over_16_partition_keys(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    clips.put(JOB, (row(n) for n in range(320)))
    items = dynamodb.scan(TableName=TABLE)["Items"]
    spread = Counter(item["pk"]["S"] for item in items)
    assert len(spread) == 16
    assert set(spread.values()) == {20}


def test_failures_are_in_order_from_where_they_are_asked_for(clips: DynamoClips) -> None:
    wanted = {ClipStatus.FAILED: range(0, 200, 5), ClipStatus.CANCELLED: range(1, 200, 50)}
    rows = [row(n, status) for status, ordinals in wanted.items() for n in ordinals]
    clips.put(JOB, [*rows, row(2), row(3, ClipStatus.SKIPPED)])
    clips.put("ij_10", [row(0, ClipStatus.FAILED)])
    expected = sorted(rows, key=lambda one: one.ordinal)
    assert clips.failures(JOB, first=0, limit=1_000) == expected
    assert clips.failures(JOB, first=0, limit=7) == expected[:7]
    assert clips.failures(JOB, first=51, limit=3) == [one for one in expected if one.ordinal >= 51][:3]
    assert clips.failures(JOB, first=10_000, limit=3) == []


def test_paging_through_the_failures_misses_none(clips: DynamoClips) -> None:
    clips.put(JOB, (row(n, ClipStatus.FAILED) for n in range(0, 300, 3)))
    found: list[int] = []
    first = 0
    while rows := clips.failures(JOB, first=first, limit=30):
        found += [one.ordinal for one in rows]
        first = found[-1] + 1
    assert found == list(range(0, 300, 3))


def test_only_rows_that_failed_are_in_the_index(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    clips.put(JOB, [row(n, status) for n, status in enumerate(s for s in ClipStatus if s is not ClipStatus.PENDING)])
    items = dynamodb.scan(TableName=TABLE, IndexName="attention")["Items"]
    assert len(items) == 2
    assert {frozenset(item) for item in items} == {frozenset(("pk", "sk", "attention_pk", "attention_sk"))}


BATCH_CLIPS = 250
"""As in stacks/settings.py: what a batch costs once is shared by so many clips."""


@pytest.mark.parametrize("failing", [0, 10])
def test_a_hundred_clips_cost_at_most_five_calls(
    jobs: DynamoJobs, clips: DynamoClips, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    world = World(monotonic=lambda: 0.0, batch_clips=BATCH_CLIPS)
    world.jobs, world.clips = jobs, clips  # type: ignore[assignment]
    job = world.submit_list(world.put_sources(BATCH_CLIPS))
    world.plan(job.id)
    for n in range(failing):
        del world.storage.buckets["source"][f"p/{n:06d}.zip"]
    (batch,) = world.batches(job.id)
    with counted_calls(monkeypatch) as calls:
        tally = copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert tally
    assert (tally.copied, tally.failed) == (BATCH_CLIPS - failing, failing)
    assert calls["BatchWriteItem"] == BATCH_CLIPS / 25
    assert calls["TransactWriteItems"] == 1
    assert calls.total() / BATCH_CLIPS * 100 <= 5, calls


def test_pending_clips_are_no_failures_even_where_the_index_is_behind(
    clips: DynamoClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips.put(JOB, (row(n, ClipStatus.FAILED) for n in range(40)))
    indexed = clips._in_the_index
    stale = indexed(JOB, 0, 100)
    pending = [ClipRow(ordinal=n, status=ClipStatus.PENDING, source_uri="s", destination="d") for n in range(30)]
    clips.put(JOB, pending)
    assert clips.get(JOB, [3]) == {3: pending[3]}
    assert [one.ordinal for one in clips.failures(JOB, first=0, limit=5)] == [30, 31, 32, 33, 34]

    def behind(_self: DynamoClips, _job: str, first: int, limit: int) -> list[int]:
        return [ordinal for ordinal in stale if ordinal >= first][:limit]

    monkeypatch.setattr(DynamoClips, "_in_the_index", behind)
    assert [one.ordinal for one in clips.failures(JOB, first=0, limit=5)] == [30, 31, 32, 33, 34]
    assert [one.ordinal for one in clips.failures(JOB, first=36, limit=50)] == [36, 37, 38, 39]


def test_rows_are_deleted_some_at_a_time_until_none_are_left(clips: DynamoClips) -> None:
    rows = [ClipRow(ordinal=ordinal, status=ClipStatus.COPIED, size=1) for ordinal in range(40)]
    clips.put("ij_1", rows)
    clips.put("ij_10", rows[:3])
    rounds = 0
    while clips.delete_some("ij_1"):
        rounds += 1
    assert rounds == 16
    assert clips.get("ij_1", range(40)) == {}
    assert len(clips.get("ij_10", range(40))) == 3
