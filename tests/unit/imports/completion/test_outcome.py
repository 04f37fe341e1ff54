"""The outcome of an import, decided from its job alone."""

from dataclasses import replace

import pytest

from service.domain.codes import ImportCode
from service.domain.jobs import Counts, Job, JobStatus, Source, SourceKind
from service.domain.requests import ImportSettings, Tolerance
from service.imports.completion.finish import decide_outcome
from tests.builders import a_job

DONE = a_job(planned=True, source=Source(kind=SourceKind.PREFIX, uri="s3://source/p/"))
STRICT = ImportSettings(tolerated_failures=Tolerance(count=1))


def outcome(job: Job, counts: Counts, *, unplanned: str | None = None, **changes: object) -> tuple[object, object]:
    decided = decide_outcome(replace(job, counts=counts, **changes), unplanned=unplanned)  # type: ignore[arg-type]
    assert (decided.message is None) == (decided.code is None)
    return decided.status, decided.code


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(total=2, copied=1, skipped=1), (JobStatus.COMPLETED, None)),
        (Counts(total=2, copied=1, failed=1), (JobStatus.COMPLETED_WITH_ERRORS, ImportCode.CLIPS_FAILED)),
        (Counts(total=2, failed=2), (JobStatus.FAILED, ImportCode.CLIPS_FAILED)),
        (Counts(), (JobStatus.COMPLETED, ImportCode.NO_CLIPS)),
        (Counts(total=2, copied=1, cancelled=1), (JobStatus.CANCELLED, None)),
    ],
)
def test_counts_decide_where_everything_was_planned(counts: Counts, expected: object) -> None:
    assert outcome(DONE, counts) == expected


@pytest.mark.parametrize(
    ("cancelled", "expected"),
    [
        (False, (JobStatus.FAILED, ImportCode.PLANNING_FAILED)),
        (True, (JobStatus.CANCELLED, ImportCode.CUT_SHORT)),
    ],
)
def test_an_import_that_was_never_planned_failed_or_was_cut_short(cancelled: bool, expected: object) -> None:
    assert outcome(DONE, Counts(), unplanned="because", planned=False, cancel_requested=cancelled) == expected


def test_a_retry_that_could_not_be_planned_leaves_the_status_that_the_counts_give() -> None:
    counts = Counts(total=2, copied=1, failed=1)
    assert outcome(DONE, counts, unplanned="because") == (JobStatus.COMPLETED_WITH_ERRORS, ImportCode.PLANNING_FAILED)


@pytest.mark.parametrize(("cancelled", "status"), [(True, JobStatus.CANCELLED), (False, JobStatus.COMPLETED)])
def test_a_source_that_was_not_read_to_its_end_is_said_to_be_cut_short(cancelled: bool, status: JobStatus) -> None:
    ended = outcome(DONE, Counts(total=1, copied=1), cut_short=True, cancel_requested=cancelled)
    assert ended == (status, ImportCode.CUT_SHORT)


def test_more_failures_than_tolerated_fail_the_import_unless_its_cancel_came_first() -> None:
    counts = Counts(total=4, copied=1, failed=2, cancelled=1)
    assert outcome(DONE, counts, settings=STRICT) == (JobStatus.FAILED, ImportCode.TOO_MANY_FAILURES)
    cancelled = outcome(DONE, counts, settings=STRICT, cancel_requested=True)
    assert cancelled == (JobStatus.CANCELLED, ImportCode.CLIPS_FAILED)
