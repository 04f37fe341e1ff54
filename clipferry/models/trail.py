"""The audit."""

from dataclasses import dataclass

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Model):
    """Who asked for which change, by which door."""

    id: str
    time: str
    action: str
    subject: str
    door: str
    key_id: str | None = None
    request_id: str | None = None
