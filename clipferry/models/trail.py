"""The audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Model):
    """One change and who requested it."""

    id: str
    time: str
    action: str
    subject: str
    """The id of the thing that was changed."""
    door: str
    """`api`, `upload` or `nomadicml`: how the request came in."""
    key_id: str | None = None
    request_id: str | None = None
    details: Mapping[str, Any] | None = None
    """What the request said besides: what a retry overruled."""
