"""Turn an audit entry into its row and back."""

from service.aws.dynamodb.keys_of_rows import AUDIT
from service.aws.dynamodb.table import AuditRow
from service.domain.jobs import Door
from service.domain.projects import Action, Actor, AuditEntry


def audit_row(entry: AuditEntry) -> AuditRow:
    return AuditRow(
        audit_pk(entry.project),
        entry.id,
        listing_pk=subject_pk(entry.project, entry.subject),
        listing_sk=entry.id,
        project=entry.project,
        time=entry.time,
        action=entry.action,
        subject=entry.subject,
        door=entry.by.door,
        key_id=entry.by.key_id,
        request_id=entry.by.request_id,
        expires_at=entry.expires_at,
        details=entry.details,
    )


def audit_pk(project: str) -> str:
    return f"{AUDIT}{project}"


def subject_pk(project: str, subject: str) -> str:
    return f"{AUDIT}{project}#{subject}"


def entry_of_row(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.sk,
        project=row.project,
        time=row.time,
        action=Action(row.action),
        subject=row.subject,
        by=Actor(door=Door(row.door), key_id=row.key_id, request_id=row.request_id),
        expires_at=int(row.expires_at),
        details=row.details,
    )
