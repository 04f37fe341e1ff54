"""Clip rows in DynamoDB, and what a batch costs there."""

import json
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.model import OperationModel
from pynamodb.exceptions import TransactWriteError

from service.aws.dynamodb.clips import LONGEST_PUT_WAIT, PUT_ATTEMPTS, DynamoClips
from service.aws.dynamodb.connection import ATTEMPTS
from service.aws.dynamodb.jobs import DynamoJobs
from service.domain.clips import ClipKeys, ClipRow, ClipStatus, Extrapolation, ExtrapolationStatus, Verification
from service.domain.errors import TableBusy
from service.domain.jobs import Tally
from service.imports.copying.batch import copy_batch
from tests.builders import World
from tests.functional.aws import TABLE, hooked
from tests.functional.faults import FailingTransactions
from tests.samples import DONE, a_sets_rows, row

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOB = "ij_1"
FAILED = Extrapolation(status=ExtrapolationStatus.FAILED, code="NO_OBSTACLES", message="none 日本")


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """DynamoDB requests by operation."""
    calls: Counter[str] = Counter()

    def count(model: OperationModel, **_: object) -> None:
        calls[model.name] += 1

    with hooked("before-call.dynamodb", count):
        yield calls


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


class BusyTable:
    """Accepts a given number of rows of each BatchWriteItem, then everything. None: it refuses the call."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.asked: list[int] = []
        self._client, self._taken = client, deque[int | None]()

    def take(self, *rows: int | None) -> None:
        self._taken.extend(rows)

    def answer(self, params: dict[str, Any], **_: object) -> tuple[SimpleNamespace, dict[str, object]]:
        """botocore's event `before-call`."""
        ((table, requests),) = json.loads(params["body"])["RequestItems"].items()
        self.asked.append(len(requests))
        taken = self._taken.popleft() if self._taken else len(requests)
        if taken is None:
            error = {"Code": "ProvisionedThroughputExceededException", "Message": "too fast"}
            return SimpleNamespace(status_code=400), {"Error": error}
        if requests[:taken]:
            self._client.batch_write_item(RequestItems={table: requests[:taken]})
        left = {table: requests[taken:]} if requests[taken:] else {}
        return SimpleNamespace(status_code=200), {"UnprocessedItems": left}


@pytest.fixture
def busy(clips: DynamoClips, dynamodb: "DynamoDBClient") -> Iterator[BusyTable]:
    assert clips
    table = BusyTable(dynamodb)
    with hooked("before-call.dynamodb.BatchWriteItem", table.answer):
        yield table


def test_rows_that_a_busy_table_left_out_are_written_later(
    clips: DynamoClips, busy: BusyTable, no_sleep: list[float]
) -> None:
    busy.take(20, 0, 0)
    rows = [row(n) for n in range(30)]
    clips.put(JOB, rows)
    assert list(clips.in_order(JOB, first=0)) == rows
    assert busy.asked == [25, 5, 5, 5, 5], "pynamodb's three tries, what they left, the other rows"
    assert len(no_sleep) == 1


def test_a_table_that_refuses_a_write_is_asked_again(
    clips: DynamoClips, busy: BusyTable, no_sleep: list[float]
) -> None:
    busy.take(None, None)
    clips.put(JOB, [row(0), row(1)])
    assert len(clips.get(JOB, [0, 1])) == 2
    assert (busy.asked, len(no_sleep)) == ([2, 2, 2], 2)


def test_a_table_that_stays_busy_is_an_error_in_the_end(
    clips: DynamoClips, busy: BusyTable, no_sleep: list[float]
) -> None:
    busy.take(*[None] * PUT_ATTEMPTS)
    with pytest.raises(TableBusy):
        clips.put(JOB, [row(0)])
    assert len(no_sleep) == PUT_ATTEMPTS - 1
    assert max(no_sleep) <= LONGEST_PUT_WAIT


def test_rows_of_a_set_are_one_transaction(clips: DynamoClips) -> None:
    with counted_calls() as calls:
        clips.settle(JOB, a_sets_rows(ClipStatus.COPIED))
    assert calls == {"TransactWriteItems": 1}


def test_a_conflict_over_a_sets_rows_is_tried_again(
    clips: DynamoClips, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    transactions.fail(["TransactionConflict"] * 14)
    rows = a_sets_rows(ClipStatus.COPIED)
    assert clips.settle(JOB, rows) == rows
    assert (transactions.sent, len(no_sleep)) == (2, 1)


def test_a_conflict_over_reading_the_fate_that_holds_is_tried_again(clips: DynamoClips, no_sleep: list[float]) -> None:
    first = a_sets_rows(ClipStatus.FAILED)
    clips.settle(JOB, first)
    reads = FailingTransactions()
    with hooked("before-call.dynamodb.TransactGetItems", reads.answer):
        reads.fail(["TransactionConflict"] * 7)
        assert clips.settle(JOB, a_sets_rows(ClipStatus.COPIED)) == first
        assert (reads.sent, len(no_sleep)) == (2, 1)
        reads.fail(*[["TransactionConflict"] * 7] * ATTEMPTS)
        with pytest.raises(TableBusy):
            clips.settle(JOB, a_sets_rows(ClipStatus.COPIED))


def test_a_transaction_that_fails_otherwise_is_no_fate(clips: DynamoClips, transactions: FailingTransactions) -> None:
    transactions.fail(["ValidationError", *["None"] * 13])
    with pytest.raises(TransactWriteError):
        clips.settle(JOB, a_sets_rows(ClipStatus.COPIED))
    assert not clips.get(JOB, [7])


def test_rows_spread_evenly_over_16_partition_keys(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    clips.put(JOB, (row(n) for n in range(320)))
    items = dynamodb.scan(TableName=TABLE)["Items"]
    spread = Counter(item["pk"]["S"] for item in items)
    assert len(spread) == 16
    assert set(spread.values()) == {20}


def test_only_rows_that_failed_are_in_the_index(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    clips.put(JOB, [row(n, status) for n, status in enumerate(s for s in ClipStatus if s is not ClipStatus.PENDING)])
    items = dynamodb.scan(TableName=TABLE, IndexName="attention")["Items"]
    assert len(items) == 2
    assert {frozenset(item) for item in items} == {frozenset(("pk", "sk", "attention_pk", "attention_sk"))}


BATCH_CLIPS = 250
"""As in stacks/settings.py: a batch's fixed cost is shared by this many clips."""


@pytest.mark.parametrize("failing", [0, 10])
def test_a_hundred_clips_cost_at_most_five_calls(jobs: DynamoJobs, clips: DynamoClips, failing: int) -> None:
    world = World(monotonic=lambda: 0.0, batch_clips=BATCH_CLIPS)
    world.jobs, world.clips = jobs, clips  # type: ignore[assignment]
    job = world.submit_list(world.put_sources(BATCH_CLIPS))
    world.plan(job.id)
    for n in range(failing):
        del world.storage.buckets["source"][f"p/{n:06d}.zip"]
    (batch,) = world.batches(job.id)
    with counted_calls() as calls:
        tally = copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert isinstance(tally, Tally)
    assert (tally.copied, tally.failed) == (BATCH_CLIPS - failing, failing)
    assert calls["BatchWriteItem"] == 0
    assert calls["TransactWriteItems"] == 3 + 1, "rows by hundreds, and the count"
    assert calls.total() / BATCH_CLIPS * 100 <= 5, calls


def test_pending_clips_are_no_failures_even_where_the_index_is_behind(
    clips: DynamoClips, dynamodb: "DynamoDBClient"
) -> None:
    clips.put(JOB, (row(n, ClipStatus.FAILED) for n in range(40)))
    stale = sorted(dynamodb.scan(TableName=TABLE, IndexName="attention")["Items"], key=lambda item: item["sk"]["S"])
    pending = [ClipRow(ordinal=n, status=ClipStatus.PENDING, source_uri="s", destination="d") for n in range(30)]
    clips.put(JOB, pending)
    assert clips.get(JOB, [3]) == {3: pending[3]}
    assert [one.ordinal for one in clips.failures(JOB, first=0, limit=5)] == [30, 31, 32, 33, 34]

    def behind(params: dict[str, Any], **_: object) -> tuple[SimpleNamespace, dict[str, object]]:
        """botocore's event `before-call`: the index as it was."""
        asked = json.loads(params["body"])
        assert asked["IndexName"] == "attention"
        wanted, first = (value["S"] for _, value in sorted(asked["ExpressionAttributeValues"].items()))
        entries = [item for item in stale if item["pk"]["S"] == wanted and item["sk"]["S"] >= first]
        shown = entries[: asked["Limit"]]
        return SimpleNamespace(status_code=200), {"Items": shown, "Count": len(shown), "ScannedCount": len(shown)}

    with hooked("before-call.dynamodb.Query", behind):
        assert [one.ordinal for one in clips.failures(JOB, first=0, limit=5)] == [30, 31, 32, 33, 34]
        assert [one.ordinal for one in clips.failures(JOB, first=36, limit=50)] == [36, 37, 38, 39]


def test_all_rows_of_a_job_come_in_order_page_by_page(clips: DynamoClips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.aws.dynamodb.clips.SHARD_PAGE", 3)
    ordinals = [n for n in range(200) if n % 16 != 5]
    clips.put("ij_1", (ClipRow(ordinal=n, status=ClipStatus.COPIED, size=n) for n in reversed(ordinals)))
    clips.put("ij_10", [ClipRow(ordinal=3, status=ClipStatus.COPIED)])
    assert [row.ordinal for row in clips.in_order("ij_1", first=0)] == ordinals
    assert [row.size for row in clips.in_order("ij_1", first=150)] == [n for n in ordinals if n >= 150]
    assert list(clips.in_order("ij_nope", first=0)) == []
