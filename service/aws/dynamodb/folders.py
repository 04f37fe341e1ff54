"""Folders in DynamoDB. A folder and its audit entry are one transaction."""

from collections.abc import Sequence

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.listing import listed
from service.aws.dynamodb.table import FolderRow
from service.aws.dynamodb.transactions import commit_if
from service.domain.projects import AuditEntry, Folder, FolderScope


class DynamoFolders:
    def create(self, folder: Folder, *, entry: AuditEntry) -> bool:
        def build(transaction: TransactWrite) -> None:
            transaction.save(_row(folder), condition=FolderRow.pk.does_not_exist())
            transaction.save(audit_row(entry))

        return not commit_if(build)

    def get(self, project: str, folder_id: str) -> Folder | None:
        try:
            return _folder(project, FolderRow.get(_pk(project), folder_id, consistent_read=True))
        except DoesNotExist:
            return None

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Folder], str | None]:
        begin = FolderRow.listing_sk > after if after else None
        rows, position = listed(FolderRow, FolderRow.listing, _pk(project), begin, limit=limit)
        return [_folder(project, row) for row in rows], position


def _pk(project: str) -> str:
    return f"FOLDERS#{project}"


def _row(folder: Folder) -> FolderRow:
    return FolderRow(
        _pk(folder.project),
        folder.id,
        listing_pk=_pk(folder.project),
        listing_sk=f"{folder.created_at}#{folder.id}",
        scope=folder.scope,
        name=folder.name,
        description=folder.description,
        created_at=folder.created_at,
        created_by=folder.created_by,
        idempotency=folder.idempotency,
    )


def _folder(project: str, row: FolderRow) -> Folder:
    return Folder(
        id=row.sk,
        project=project,
        scope=FolderScope(row.scope),
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        created_by=row.created_by,
        idempotency=row.idempotency,
    )
