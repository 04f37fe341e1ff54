"""Presets (saved execution settings) in DynamoDB. Each change and its audit entry are one transaction."""

from collections.abc import Sequence

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.listing import create_counted, listed
from service.aws.dynamodb.table import CountRow, ExecutionSettingsRow
from service.aws.dynamodb.transactions import commit_if
from service.domain.errors import TooManyExecutionSettings
from service.domain.projects import AuditEntry, ExecutionSettings


class DynamoExecutionSettings:
    def create(self, saved: ExecutionSettings, *, limit: int, entry: AuditEntry) -> bool:
        return create_counted(
            _row(saved),
            is_new=ExecutionSettingsRow.pk.does_not_exist(),
            count=_count_row(saved.project),
            limit=limit,
            entry=entry,
            too_many=TooManyExecutionSettings(
                f"this project has {limit:,} execution settings, which is the limit: delete some"
            ),
        )

    def get(self, project: str, settings_id: str) -> ExecutionSettings | None:
        try:
            return _saved(ExecutionSettingsRow.get(_pk(project), settings_id, consistent_read=True))
        except DoesNotExist:
            return None

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[ExecutionSettings], str | None]:
        begin = ExecutionSettingsRow.listing_sk > after if after else None
        rows, position = listed(ExecutionSettingsRow, ExecutionSettingsRow.listing, _pk(project), begin, limit=limit)
        return [_saved(row) for row in rows], position

    def replace(self, saved: ExecutionSettings, *, entry: AuditEntry) -> bool:
        def build(transaction: TransactWrite) -> None:
            transaction.save(_row(saved), condition=ExecutionSettingsRow.pk.exists())
            transaction.save(audit_row(entry))

        return not commit_if(build)

    def delete(self, project: str, settings_id: str, *, entry: AuditEntry) -> bool:
        def build(transaction: TransactWrite) -> None:
            row = ExecutionSettingsRow(_pk(project), settings_id)
            transaction.delete(row, condition=ExecutionSettingsRow.pk.exists())
            transaction.save(audit_row(entry))
            transaction.update(_count_row(project), actions=[CountRow.saved.add(-1)])

        return not commit_if(build)


def _pk(project: str) -> str:
    return f"SETTINGS#{project}"


def _count_row(project: str) -> CountRow:
    return CountRow(f"SETTINGS#{project}#", "COUNT")


def _row(saved: ExecutionSettings) -> ExecutionSettingsRow:
    return ExecutionSettingsRow(
        _pk(saved.project),
        saved.id,
        listing_pk=_pk(saved.project),
        listing_sk=f"{saved.created_at}#{saved.id}",
        project=saved.project,
        name=saved.name,
        description=saved.description,
        settings=dict(saved.settings),
        created_at=saved.created_at,
        updated_at=saved.updated_at,
        request_digest=saved.request_digest,
    )


def _saved(row: ExecutionSettingsRow) -> ExecutionSettings:
    return ExecutionSettings(
        id=row.sk,
        project=row.project,
        name=row.name,
        description=row.description,
        settings=row.settings,
        created_at=row.created_at,
        updated_at=row.updated_at,
        request_digest=row.request_digest,
    )
