"""The API's answers as frozen dataclasses. Times are ISO 8601 text in UTC, sizes are bytes, rates are per second.

Statuses and codes are text, not enumerations, because a newer service may have more of them.
"""

from clipferry.models.access import ApiKey, Caller, Check, CreatedKey, Integration, IntegrationTest
from clipferry.models.clips import SETTLED_STATUSES, Clip, FoundClip
from clipferry.models.folders import CountedFolder, Folder
from clipferry.models.imports import (
    TERMINAL_STATUSES,
    Attempt,
    Counts,
    ImportState,
    Rate,
    Report,
    Source,
    Webhook,
)
from clipferry.models.presets import Preset
from clipferry.models.previews import Cost, Estimate, Fates, Outcome, Preview, PreviewedClip, Total
from clipferry.models.trail import AuditEntry
from clipferry.models.watches import Schedule, Watch, WatchFailure, WatchRun, WatchTest

__all__ = [
    "SETTLED_STATUSES",
    "TERMINAL_STATUSES",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "Caller",
    "Check",
    "Clip",
    "Cost",
    "CountedFolder",
    "Counts",
    "CreatedKey",
    "Estimate",
    "Fates",
    "Folder",
    "FoundClip",
    "ImportState",
    "Integration",
    "IntegrationTest",
    "Outcome",
    "Preset",
    "Preview",
    "PreviewedClip",
    "Rate",
    "Report",
    "Schedule",
    "Source",
    "Total",
    "Watch",
    "WatchFailure",
    "WatchRun",
    "WatchTest",
    "Webhook",
]
