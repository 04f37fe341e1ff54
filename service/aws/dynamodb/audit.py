"""Audit entries in DynamoDB."""

from collections.abc import Sequence

from service.aws.dynamodb.table import AuditRow
from service.domain.jobs import Door
from service.domain.projects import Action, Actor, AuditEntry


class DynamoAudit:
    def add(self, entry: AuditEntry) -> None:
        audit_row(entry).save()

    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """The index by subject holds keys only, and shows an entry a moment after it was written."""
        if subject is None:
            begin = AuditRow.sk < after if after else None
            found = list(
                AuditRow.query(_pk(project), begin, scan_index_forward=False, limit=limit + 1, consistent_read=True)
            )
            entries = [_entry(row) for row in found[:limit]]
        else:
            begin = AuditRow.listing_sk < after if after else None
            found = list(
                AuditRow.listing.query(_subject_pk(project, subject), begin, scan_index_forward=False, limit=limit + 1)
            )
            keys = [(row.pk, row.sk) for row in found[:limit]]
            rows = {row.sk: _entry(row) for row in AuditRow.batch_get(keys, consistent_read=True)}
            entries = [rows[sk] for _, sk in keys if sk in rows]
        return entries, found[limit - 1].sk if len(found) > limit else None


def audit_row(entry: AuditEntry) -> AuditRow:
    return AuditRow(
        _pk(entry.project),
        entry.id,
        listing_pk=_subject_pk(entry.project, entry.subject),
        listing_sk=entry.id,
        project=entry.project,
        time=entry.time,
        action=entry.action,
        subject=entry.subject,
        door=entry.by.door,
        key_id=entry.by.key_id,
        request_id=entry.by.request_id,
        expires_at=entry.expires_at,
    )


def _pk(project: str) -> str:
    return f"AUDIT#{project}"


def _subject_pk(project: str, subject: str) -> str:
    return f"AUDIT#{project}#{subject}"


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.sk,
        project=row.project,
        time=row.time,
        action=Action(row.action),
        subject=row.subject,
        by=Actor(door=Door(row.door), key_id=row.key_id, request_id=row.request_id),
        expires_at=int(row.expires_at),
    )
