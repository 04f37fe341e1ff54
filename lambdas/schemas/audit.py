"""Audit entries."""

from pydantic import Field

from lambdas.schemas.base import Model
from service.domain.jobs import Door
from service.domain.projects import Action, AuditEntry
from service.support.paging import Page


class AuditEntryView(Model):
    id: str
    time: str
    action: Action
    subject: str = Field(description="Id of the thing that the change is about; of a webhook secret, the project.")
    door: Door
    key_id: str | None = Field(description="Id of the key: `admin` for the admin key, null for uploads.")
    request_id: str | None = Field(description="Id of the request, as in API Gateway's access log.")
    details: dict[str, object] | None = Field(
        description="Of a retry that overrules content validation: `content_validation`, `instead_of` (the import's "
        "setting), `clips` (the number of named clips; null: all that failed their check), `clip_ids` (the first 100). "
        "Of an import that deletes its sources: `delete_source`. Of a changed integration: `allow_delete`."
    )

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryView":
        asked = {"id": entry.id, "time": entry.time, "action": entry.action, "subject": entry.subject}
        by = {"door": entry.by.door, "key_id": entry.by.key_id, "request_id": entry.by.request_id}
        return cls.model_validate(asked | by | {"details": entry.details})


class AuditPage(Model):
    entries: list[AuditEntryView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[AuditEntry]) -> "AuditPage":
        entries = [AuditEntryView.of(entry) for entry in page.items]
        return cls(entries=entries, next_cursor=page.next_cursor, has_more=page.has_more)
