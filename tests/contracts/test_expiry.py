"""Completed imports go after the days for which their rows are kept."""

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.jobs import JobStatus, JobTag, Retry
from service.support.clock import timestamp
from tests.contracts.conftest import Stores
from tests.samples import FULL

DAYS = 31
RETRY = Retry(at="t4", key_id="key_2", selection="jobs/ij_1/x", idempotency="i", digest="d")


def ago(days: float) -> str:
    return timestamp(datetime.now(UTC) - timedelta(days=days))


def ended(stores: Stores, completed_at: str, *, run: int = 0) -> None:
    status = JobStatus.COMPLETED
    assert stores.jobs.end(FULL.id, run=run, status=status, code=None, message=None, document={}, now=completed_at)


def is_shown(stores: Stores) -> bool:
    """Whether all readers show the job; they must agree."""
    jobs = stores.jobs
    page, _ = jobs.page(FULL.project, limit=10, after=None)
    found, _ = jobs.find(FULL.project, JobTag.FOLDER, str(FULL.folder), limit=10, begin=None)
    seen = {jobs.get(FULL.id) is not None, bool(jobs.get_some([FULL.id])), bool(page), bool(found)}
    assert len(seen) == 1
    return seen.pop()


@pytest.mark.parametrize(("days", "shown"), [(0, True), (DAYS - 0.01, True), (DAYS + 0.01, False)])
def test_a_completed_job_is_shown_for_so_many_days(stores: Stores, days: float, shown: bool) -> None:
    stores.keep(DAYS)
    stores.jobs.create(FULL)
    ended(stores, ago(days))
    assert is_shown(stores) is shown


def test_without_a_retention_nothing_goes(stores: Stores) -> None:
    stores.jobs.create(FULL)
    ended(stores, ago(10_000))
    assert is_shown(stores)


def test_a_job_that_has_not_completed_does_not_go(stores: Stores) -> None:
    stores.keep(DAYS)
    stores.jobs.create(FULL)
    assert is_shown(stores)


def test_a_retry_counts_anew(stores: Stores) -> None:
    stores.keep(DAYS)
    stores.jobs.create(FULL)
    ended(stores, ago(DAYS - 1))
    job = stores.jobs.get(FULL.id)
    assert job
    assert stores.jobs.retry(job, RETRY)
    assert is_shown(stores)
    ended(stores, ago(DAYS + 1), run=1)
    assert not is_shown(stores)


def test_the_id_of_a_job_that_is_gone_stays_taken_while_remains_may_lie_about(stores: Stores) -> None:
    stores.keep(DAYS)
    stores.jobs.create(FULL)
    ended(stores, ago(DAYS + 1))
    assert not stores.jobs.create(FULL)
    assert not is_shown(stores)
