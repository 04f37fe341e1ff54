"""When rows of imports expire (`expires_at`, seconds since 1970). DynamoDB's TTL removes them within days after that.

A job is shown for `row_retention_days` after its completion. When its other rows are written, nobody knows yet when
that will be, so they are kept for the longest time that an import may take besides.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from service.aws.dynamodb.table import JobRow
from service.support.settings import RowSettings

DAY = 24 * 3600
TOMBSTONE_SECONDS = 91 * DAY
"""One day more than the 90 for which Step Functions keeps the name of an execution, which is the job's."""
REMAINS_SECONDS = 15 * DAY
"""How much longer a job's row is kept than its others. While it is there, no job gets the same id, which comes from
the caller's idempotency key: it would find remains of the old job. TTL takes a few days."""


@dataclass
class _Kept:
    days: int = 0
    import_seconds: int = 0


_kept = _Kept()


def keep(settings: RowSettings) -> None:
    """Set how long the rows are kept that this process writes; call it once, before the first write."""
    _kept.days = settings.row_retention_days
    _kept.import_seconds = settings.longest_import_hours * 3600


@dataclass(frozen=True)
class JobExpiry:
    gone_at: int
    """From then on nobody sees the job; its ends expire."""
    expires_at: int
    """Its row expires, which until then says that the job's id is taken."""


def after_completion(completed_at: str) -> JobExpiry | None:
    """Return when a job that completed at this time goes. None: never."""
    if not _kept.days:
        return None
    completed = int(datetime.fromisoformat(completed_at).timestamp())
    gone_at = completed + _kept.days * DAY
    after_others = gone_at + _kept.import_seconds + REMAINS_SECONDS
    return JobExpiry(gone_at, max(after_others, completed + TOMBSTONE_SECONDS))


def after_write() -> int | None:
    """Return when a row expires that is written now for a job that has not completed. None: never.

    An execution may start a while after its job's first rows are written, hence one more day.
    """
    return int(time.time()) + _kept.import_seconds + (1 + _kept.days) * DAY if _kept.days else None


def is_gone(row: JobRow) -> bool:
    return row.gone_at is not None and row.gone_at <= time.time()
