"""Count a project's active imports in the transactions that begin and end them, so that no two can pass the limit."""

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.table import CountRow
from service.domain.errors import QuotaExceeded


def add_active(transaction: TransactWrite, project: str, max_active: int) -> None:
    """Add one. It is the transaction's last operation; its condition fails if there are `max_active` already."""
    below = CountRow.saved.does_not_exist() | (CountRow.saved < max_active)
    transaction.update(_row(project), actions=[CountRow.saved.add(1)], condition=below)


def remove_active(transaction: TransactWrite, project: str) -> None:
    transaction.update(_row(project), actions=[CountRow.saved.add(-1)])


def check_active(project: str, max_active: int) -> None:
    """Raises `QuotaExceeded` if there are `max_active` already."""
    try:
        count = CountRow.get(f"ACTIVE#{project}", "COUNT", consistent_read=True)
    except DoesNotExist:
        return
    if count.saved >= max_active:
        raise quota_exceeded(max_active)


def quota_exceeded(max_active: int) -> QuotaExceeded:
    return QuotaExceeded(f"this project has {max_active:,} active imports, the limit: wait until one completes")


def _row(project: str) -> CountRow:
    return CountRow(f"ACTIVE#{project}", "COUNT")
