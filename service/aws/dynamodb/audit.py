"""Audit entries in DynamoDB."""

from collections.abc import Sequence

from service.aws.dynamodb.audit_rows import audit_pk, audit_row, entry_of_row, subject_pk
from service.aws.dynamodb.listing import listed
from service.aws.dynamodb.table import AuditRow
from service.domain.projects import AuditEntry


class DynamoAudit:
    def add(self, entry: AuditEntry) -> None:
        audit_row(entry).save()

    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """By subject from an index, which shows an entry a moment after it was written."""
        if subject is not None:
            begin = AuditRow.listing_sk < after if after else None
            rows, position = listed(
                AuditRow, AuditRow.listing, subject_pk(project, subject), begin, limit=limit, newest_first=True
            )
            return [entry_of_row(row) for row in rows], position
        begin = AuditRow.sk < after if after else None
        found = list(
            AuditRow.query(audit_pk(project), begin, scan_index_forward=False, limit=limit + 1, consistent_read=True)
        )
        entries = [entry_of_row(row) for row in found[:limit]]
        return entries, entries[-1].id if len(found) > limit else None
