"""What stores of small resources share: pages of the `listing` index, and a limit on how many rows a project has."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.table import CountRow
from service.aws.dynamodb.transactions import commit_if
from service.domain.errors import ClipferryError
from service.domain.projects import AuditEntry

Row = TypeVar("Row", bound=Model)


def listed(
    model: type[Row],
    index: GlobalSecondaryIndex[Any],
    pk: str,
    begin: Condition | None,
    *,
    limit: int,
    newest_first: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """A page of rows in the index's order, and the position of the last one where more follow.

    The index holds keys only and lags by a moment: a row that was deleted since is left out.
    """
    found = list(index.query(pk, begin, scan_index_forward=not newest_first, limit=limit + 1))
    keys = [(key.pk, key.sk) for key in found[:limit]]
    rows = {(row.pk, row.sk): row for row in _read(model, keys)}
    position = str(found[limit - 1].listing_sk) if len(found) > limit else None
    return [rows[key] for key in keys if key in rows], position


def _read(model: type[Row], keys: list[tuple[str, str]]) -> Any:
    """`pk` and `sk` are attributes of each model, of which their base class knows nothing."""
    return model.batch_get(keys, consistent_read=True)


def create_counted(
    row: Model, *, is_new: Condition, count: CountRow, limit: int, entry: AuditEntry, too_many: ClipferryError
) -> bool:
    """Write the row, its audit entry and the project's count in one transaction.

    False where `is_new` does not hold. Raises `too_many` where the project has `limit` of them.
    """

    def build(transaction: TransactWrite) -> None:
        transaction.save(row, condition=is_new)
        transaction.save(audit_row(entry))
        below = CountRow.saved.does_not_exist() | (CountRow.saved < limit)
        transaction.update(count, actions=[CountRow.saved.add(1)], condition=below)

    failed = commit_if(build)
    if failed and 0 not in failed:
        raise too_many
    return not failed
