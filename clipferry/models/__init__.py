"""What the API answers, as frozen dataclasses. Times are ISO 8601 text, sizes bytes, rates a second.

Statuses and codes are text and not enums: a newer service may know more of them.
"""

from clipferry.models.access import ApiKey, Caller, Check, CreatedKey, Integration, IntegrationTest
from clipferry.models.folders import CountedFolder, Folder
from clipferry.models.imports import (
    SETTLED_STATUSES,
    TERMINAL_STATUSES,
    Clip,
    Counts,
    ExecutionSettings,
    FoundClip,
    Import,
    Rate,
    Report,
    Run,
    Source,
    Webhook,
)
from clipferry.models.previews import Cost, Estimate, Fates, Outcome, Preview, PreviewedClip, Total
from clipferry.models.trail import AuditEntry

__all__ = [
    "SETTLED_STATUSES",
    "TERMINAL_STATUSES",
    "ApiKey",
    "AuditEntry",
    "Caller",
    "Check",
    "Clip",
    "Cost",
    "CountedFolder",
    "Counts",
    "CreatedKey",
    "Estimate",
    "ExecutionSettings",
    "Fates",
    "Folder",
    "FoundClip",
    "Import",
    "Integration",
    "IntegrationTest",
    "Outcome",
    "Preview",
    "PreviewedClip",
    "Rate",
    "Report",
    "Run",
    "Source",
    "Total",
    "Webhook",
]
