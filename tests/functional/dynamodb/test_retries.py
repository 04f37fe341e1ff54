"""Conflicts and throttles of requests outside transactions: retried with jitter, then a domain error."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from service.aws.dynamodb.connection import ATTEMPTS, LONGEST_WAIT
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.domain.ends import End
from service.domain.errors import TableBusy
from service.domain.jobs import JobStatus
from service.domain.objects import LargeCopy
from service.domain.projects import ApiKey
from tests.builders import a_job
from tests.functional.aws import hooked
from tests.functional.faults import Refusals

KEY = ApiKey(id="key_1", project="demo", name="n", digest="d", created_at="t")
COPY = LargeCopy(
    job_id="ij_1", ordinal=0, token="t", destination="d", etag="e", part_bytes=5, begun_at="2026-11-22T17:00:00.000Z"
)
CONFLICT = "TransactionConflictException"
THROTTLES = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"]


@dataclass(frozen=True)
class Stores:
    jobs: DynamoJobs
    keys: DynamoKeys
    large: DynamoLargeCopies

    def an_end(self) -> End:
        self.jobs.end("ij_1", status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
        end = DynamoEnds().get("ij_1", "t")
        assert end
        return end


@pytest.fixture
def stores(jobs: DynamoJobs, keys: DynamoKeys, large: DynamoLargeCopies) -> Stores:
    """With a job, a key and a noted upload."""
    jobs.create(a_job())
    keys.put(KEY)
    large.claim(COPY)
    return Stores(jobs, keys, large)


@pytest.fixture
def refusals(stores: Stores) -> Iterator[Refusals]:
    assert stores
    planned = Refusals()
    with hooked("before-send.dynamodb", planned.answer):
        yield planned


WRITES: list[tuple[str, Callable[[Stores], object]]] = [
    ("UpdateItem", lambda stores: stores.jobs.request_cancel("ij_1", "t")),
    ("UpdateItem", lambda stores: stores.jobs.begin_planning("ij_1", "t")),
    ("UpdateItem", lambda stores: DynamoEnds().save(stores.an_end(), now="t2")),
    ("PutItem", lambda stores: stores.keys.put(KEY)),
    ("PutItem", lambda stores: stores.large.update(COPY)),
    ("DeleteItem", lambda stores: stores.keys.delete(KEY.id)),
    ("DeleteItem", lambda stores: stores.large.remove(COPY)),
]


@pytest.mark.parametrize("code", [CONFLICT, *THROTTLES])
@pytest.mark.parametrize(("operation", "write"), WRITES)
def test_a_write_is_retried_until_it_is_taken(
    stores: Stores,
    refusals: Refusals,
    no_sleep: list[float],
    operation: str,
    write: Callable[[Stores], object],
    code: str,
) -> None:
    refusals.refuse(operation, code, ATTEMPTS - 1)
    assert write(stores) is not False
    assert refusals.sent.count(operation) == ATTEMPTS
    assert len(no_sleep) == ATTEMPTS - 1
    assert all(0 <= seconds <= LONGEST_WAIT * 10 for seconds in no_sleep)
    assert len(set(no_sleep)) > 1, "with jitter"


@pytest.mark.parametrize("code", [CONFLICT, *THROTTLES])
@pytest.mark.parametrize(("operation", "write"), WRITES)
def test_what_outlasts_all_tries_is_a_domain_error(
    stores: Stores, refusals: Refusals, operation: str, write: Callable[[Stores], object], code: str
) -> None:
    refusals.refuse(operation, code, ATTEMPTS)
    with pytest.raises(TableBusy, match="try again"):
        write(stores)


def test_reads_are_retried_too(stores: Stores, refusals: Refusals) -> None:
    refusals.refuse("GetItem", THROTTLES[0], ATTEMPTS - 1)
    assert stores.keys.get(KEY.id) == KEY
    refusals.refuse("GetItem", THROTTLES[0], ATTEMPTS)
    with pytest.raises(TableBusy):
        stores.keys.get(KEY.id)


def test_a_condition_that_does_not_hold_is_no_conflict(
    stores: Stores, refusals: Refusals, no_sleep: list[float]
) -> None:
    refusals.refuse("UpdateItem", "ConditionalCheckFailedException", 1)
    assert not stores.jobs.request_cancel("ij_1", "t")
    assert no_sleep == []


def test_throttled_transactions_are_retried(stores: Stores, refusals: Refusals) -> None:
    refusals.refuse("TransactWriteItems", "ThrottlingException", ATTEMPTS - 1)
    assert stores.jobs.create(a_job("ij_2"))
    refusals.refuse("TransactWriteItems", "ThrottlingException", ATTEMPTS)
    with pytest.raises(TableBusy):
        stores.jobs.create(a_job("ij_3"))
