"""The API's answers as frozen dataclasses. Times are ISO 8601 text in UTC, sizes are bytes, rates are per second.

Statuses and codes are text, not enumerations, because a newer service may have more of them.
"""

from clipferry.models.access import ApiKey, Caller, Check, CreatedKey, Integration, IntegrationTest
from clipferry.models.clips import SETTLED_STATUSES, Clip, ClipDetail, ClipLink, FoundClip
from clipferry.models.deployment import Alarm, Deployment, DeploymentHealth, Health, ProjectSlots, Queue, Slots
from clipferry.models.failures import Done, FailureGroup, Failures, Phase, Point, Spent, Timeline
from clipferry.models.folders import CountedFolder, Folder
from clipferry.models.imports import (
    TERMINAL_STATUSES,
    Attempt,
    Counts,
    Delivery,
    ImportState,
    Rate,
    Report,
    Restores,
    Source,
    Webhook,
)
from clipferry.models.presets import Preset
from clipferry.models.previews import Archives, Cost, Estimate, Fates, Outcome, Preview, PreviewedClip, Total
from clipferry.models.trail import AuditEntry
from clipferry.models.uploads import PartLink, PartLinks, Upload, Uploaded, UploadLink
from clipferry.models.watches import Schedule, Watch, WatchFailure, WatchRun, WatchTest, WatchWebhook
from clipferry.models.webhooks import WebhookSecret

__all__ = [
    "SETTLED_STATUSES",
    "TERMINAL_STATUSES",
    "Alarm",
    "ApiKey",
    "Archives",
    "Attempt",
    "AuditEntry",
    "Caller",
    "Check",
    "Clip",
    "ClipDetail",
    "ClipLink",
    "Cost",
    "CountedFolder",
    "Counts",
    "CreatedKey",
    "Delivery",
    "Deployment",
    "DeploymentHealth",
    "Done",
    "Estimate",
    "FailureGroup",
    "Failures",
    "Fates",
    "Folder",
    "FoundClip",
    "Health",
    "ImportState",
    "Integration",
    "IntegrationTest",
    "Outcome",
    "PartLink",
    "PartLinks",
    "Phase",
    "Point",
    "Preset",
    "Preview",
    "PreviewedClip",
    "ProjectSlots",
    "Queue",
    "Rate",
    "Report",
    "Restores",
    "Schedule",
    "Slots",
    "Source",
    "Spent",
    "Timeline",
    "Total",
    "Upload",
    "UploadLink",
    "Uploaded",
    "Watch",
    "WatchFailure",
    "WatchRun",
    "WatchTest",
    "WatchWebhook",
    "Webhook",
    "WebhookSecret",
]
