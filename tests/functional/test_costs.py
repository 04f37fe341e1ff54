"""The cost of a batch in DynamoDB: calls and write units, counted at the client."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.model import OperationModel

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.domain.clips import ClipStatus
from service.domain.jobs import JobStatus
from service.imports.completion.finish import finish
from service.imports.manifest.store import read_batches
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from service.imports.queries.delete_video import remove
from service.imports.queries.find import Wanted, find_clips
from service.imports.queries.videos import get_video
from tests.builders import PROJECT, SOURCE_BUCKET, World
from tests.functional.aws import hooked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLIPS = 100
KEY = "vehicles/vehicle-0042/2026-11-22/drives/0815/recordings/{:09d}.zip"


@dataclass
class Asked:
    """Calls by operation, and write units as AWS counts them.

    A row takes 1 for each KB that it begins, twice as much in a transaction, and 1 for each of its entries in an index,
    which follow outside of the transaction.
    """

    calls: Counter[str] = field(default_factory=Counter)
    units: int = 0
    partitions: Counter[str] = field(default_factory=Counter)

    def add(self, operation: str, given: dict[str, Any]) -> None:
        self.calls[operation] += 1
        if operation == "BatchWriteItem":
            (requests,) = given["RequestItems"].values()
            for request in requests:
                self.write(request["PutRequest"]["Item"])
        if operation == "TransactWriteItems":
            for action in given["TransactItems"]:
                ((kind, one),) = action.items()
                if kind == "Put":
                    self.write(one["Item"], times=2)
                else:
                    self.units += 2  # a row of counts is below 1 KB, and they are in no index

    def write(self, item: dict[str, Any], *, times: int = 1) -> None:
        size = sum(len(name) + len(str(next(iter(value.values()))).encode()) for name, value in item.items())
        indexes = sum(f"{index}_pk" in item for index in ("listing", "attention", "clip", "url"))
        self.units += times * -(-size // 1024) + indexes
        self.partitions[item["pk"]["S"]] += 1


@pytest.fixture
def asked(dynamodb: "DynamoDBClient") -> Iterator[Asked]:
    assert dynamodb
    found = Asked()

    def count(model: OperationModel, params: dict[str, Any], **_: object) -> None:
        found.add(model.name, params)

    with hooked("provide-client-params.dynamodb", count):
        yield found


def test_a_hundred_clips_cost_two_writes_and_four_units_each(
    dynamodb: "DynamoDBClient", jobs: DynamoJobs, clips: DynamoClips, asked: Asked
) -> None:
    assert dynamodb
    world = World(batch_clips=CLIPS)
    world.jobs, world.clips = jobs, clips  # type: ignore[assignment]
    keys = [KEY.format(number) for number in range(CLIPS)]
    for key in keys:
        world.storage.put(SOURCE_BUCKET, key)
    job_id = world.submit_list(keys).id
    plan(job_id, PlanCursor(), out_of_time=lambda: False, ports=world.plan_ports)
    (batch,) = read_batches(world.state, job_id)
    asked.calls.clear()
    asked.units = 0
    asked.partitions.clear()
    world.copy(batch)
    job = jobs.get(job_id)
    assert job is not None
    assert job.counts.copied == CLIPS
    writes = {name: asked.calls[name] for name in ("BatchWriteItem", "TransactWriteItems", "PutItem", "UpdateItem")}
    assert writes == {"BatchWriteItem": 0, "TransactWriteItems": 2, "PutItem": 0, "UpdateItem": 0}
    assert asked.units <= 4 * CLIPS + 10
    shares = [count for pk, count in asked.partitions.items() if "BATCH" not in pk and count > 1]
    assert (len(shares), max(shares) - min(shares)) == (16, 1)


def test_an_unchanged_import_writes_no_row_of_a_clip(
    dynamodb: "DynamoDBClient", jobs: DynamoJobs, clips: DynamoClips, asked: Asked
) -> None:
    assert dynamodb
    world = World(batch_clips=CLIPS)
    for number in range(CLIPS):
        key = KEY.format(number)
        world.storage.put(SOURCE_BUCKET, key)
    world.run(world.submit_prefix("vehicles/").id)
    world.jobs, world.clips = jobs, clips  # type: ignore[assignment]
    job_id = world.submit_prefix("vehicles/").id
    asked.calls.clear()
    asked.partitions.clear()
    planned = plan(job_id, PlanCursor(), out_of_time=lambda: False, ports=world.plan_ports)
    assert planned.batches == 0
    assert dict(asked.calls) == {"UpdateItem": 1, "GetItem": 2, "TransactWriteItems": 1}
    assert list(asked.partitions) == [f"SKIPPED#{PROJECT}#"]
    finish(job_id, error=None, ports=world.finish_ports)
    job = jobs.get(job_id)
    assert job is not None
    assert (job.status, job.counts.skipped, job.counts.pending) == (JobStatus.COMPLETED, CLIPS, 0)
    assert not list(clips.in_order(job_id, first=0))
    uri = f"s3://{SOURCE_BUCKET}/{KEY.format(7)}"
    wanted = Wanted(original_clipgt_url=uri)
    (found,) = find_clips(PROJECT, wanted, limit=9, cursor=None, ports=world.status_ports).items
    assert (found.clip.status, found.clip.code) == (ClipStatus.SKIPPED, "UNCHANGED")
    remove(get_video(found.clip.id, project=PROJECT, ports=world.status_ports), ports=world.remove_ports)
    (row,) = clips.in_order(job_id, first=0)
    assert (row.ordinal, row.deleted_at is None, row.keys) == (7, False, None)
    assert find_clips(PROJECT, wanted, limit=9, cursor=None, ports=world.status_ports).items == []
