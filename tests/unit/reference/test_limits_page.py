"""docs/reference/limits.md has the numbers of the code."""

import re

import pytest

from lambdas import copy, extrapolate, on_upload
from lambdas.schemas.integrations import MAX_ACCOUNT_BYTES
from lambdas.schemas.nomadic.base import MAX_URI
from lambdas.wiring.extrapolate import EXTRAPOLATIONS_AT_ONCE, OTHERS_MB
from local.config import ROOT
from service.aws.clients import A_CALLER_WAITS, PATIENT
from service.aws.dynamodb.expiry import TOMBSTONE_SECONDS
from service.domain import watches
from service.domain.batching import PART_CLIPS, VIEWS
from service.domain.destination_template import MAX_TEMPLATE
from service.domain.filters import MAX_PATTERNS
from service.domain.inbox import MAX_LINKS, MAX_PUT_BYTES
from service.domain.limits import (
    MAX_FOLDER,
    MAX_LABELS,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_REQUEST_BYTES,
    MAX_SETTINGS_BYTES,
)
from service.domain.multipart import MAX_OBJECT_BYTES, MAX_PARTS, STREAM_PART_BYTES
from service.domain.patterns import MAX_PATTERN
from service.domain.progress import MAX_RUNS
from service.domain.requests import MAX_RESTORE_DAYS
from service.domain.schedules import MAX_CRON, MAX_INTERVAL_DAYS
from service.domain.webhooks import MAX_DELAY_SECONDS, MAX_URL
from service.formats.built_zip import MAX_FILES
from service.formats.limits import MAX_DIRECTORY_BYTES, MAX_MEMBERS
from service.formats.members import MAX_DEFLATED_BYTES
from service.imports.access.commits import MAX_REVISIONS
from service.imports.completion import delete_sources
from service.imports.completion.conclude import TURN_SECONDS, WEBHOOKS_AT_ONCE
from service.imports.completion.report import PART_BYTES
from service.imports.completion.sweep import CONCLUSION_FAILURES
from service.imports.copying.content import CHECKS_AT_ONCE
from service.imports.copying.multipart import BEGINNINGS
from service.imports.copying.set_rollback import REMOVALS_IN_FLIGHT
from service.imports.extrapolation.batch import MAX_LAYER_BYTES
from service.imports.extrapolation.tracks import MAX_ROWS
from service.imports.inputs.caller_manifest import MAX_INVENTORY
from service.imports.inputs.manifest_file import MAX_LINE
from service.imports.intake.drop_bucket import MANIFESTS_AT_ONCE
from service.imports.intake.retry_request import MAX_CHOSEN, MAX_CODES
from service.imports.planning.failed_before import MAX_READ
from service.imports.planning.retry import INDEX_LAG_SECONDS
from service.imports.previews.tally import MAX_EXTENSIONS, MAX_PROBLEMS, SAMPLE_CLIPS
from service.imports.queries import failures, find, find_skipped, health, status, timeline, videos
from service.imports.watches.events import WATCHES_AT_ONCE
from service.imports.watches.manage import MAX_PER_PROJECT as MAX_WATCHES
from service.imports.watches.runs import MAX_FAILED_RUNS
from service.imports.watches.status import RUNS_SHOWN
from service.imports.watches.tick import PROJECTS_AT_ONCE
from service.projects import folders, presets
from service.projects.integrations.manage import MAX_PER_PROJECT as MAX_INTEGRATIONS
from service.projects.integrations.mend import UNSETTLED_SECONDS
from service.projects.integrations.probe import PROBE_SECONDS
from service.projects.webhook_secrets import MAX_OLDER, MAX_OVERLAP_SECONDS
from service.sources import http, hub
from service.sources.build import CACHE_SECONDS, MAX_CACHED
from service.sources.deadline import LAST_SECONDS
from service.sources.kept import MAX_METADATA_BYTES
from service.sources.memory import MEMORY_BYTES
from service.sources.ordered import SORTED_OBJECTS
from service.sources.patience import Patience
from service.sources.roles import COPY_ATTEMPTS
from service.support.paging import MAX_PAGE
from service.web.post import TIMEOUT_SECONDS

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4
HOUR, DAY = 3_600, 86_400

LIMITS = {
    "rows in a page;": f"{MAX_PAGE:,}; {status.SCAN_PARTS}",
    "found clips:": f"{find.JOBS_LOOKED_AT}",
    "newest videos:": f"{videos.MAX_LISTED:,}, of {videos.JOBS_LISTED}; {videos.MAX_LOOKED_AT:,}",
    "imports in which a folder's": f"{folders.JOBS_COUNTED:,}",
    "named clips in a retry,": f"{MAX_CHOSEN:,}, {MAX_CODES}; {MAX_RUNS}",
    "failures by reason:": f"{failures.MAX_READ:,}; {failures.EXAMPLES}",
    "clips that planning skipped,": f"{find_skipped.JOBS_SEARCHED}, {find_skipped.CLIPS_SEARCHED:,}; "
    f"{find_skipped.PARTS_READ}",
    "points of a timeline;": f"{timeline.MAX_POINTS}; {health.MAX_READ:,}",
    "filters, settings and labels": f"{MAX_REQUEST_BYTES // KIB} KiB; {MAX_SETTINGS_BYTES // KIB} KiB",
    "message of a clip": f"{MAX_MESSAGE:,} characters",
    "a clip id of an import": f"{MAX_NAME} characters",
    "labels of an import,": f"{MAX_LABELS} of {MAX_NAME} characters; {MAX_FOLDER}; {MAX_NAME}",
    "patterns of a filter,": f"{MAX_PATTERNS} of {MAX_PATTERN} characters",
    "a line of a manifest;": f"{MAX_LINE // KIB} KiB; {MAX_INVENTORY // MIB} MiB",
    "a destination template": f"{MAX_TEMPLATE} characters",
    "views of a set": f"{len(VIEWS)}",
    "names and directories through": f"{MAX_URI:,} characters; 50",
    "presets of a project;": f"{presets.MAX_PER_PROJECT:,}; {MAX_INTEGRATIONS}; {MAX_WATCHES}",
    "a watch's interval;": f"1 minute to {MAX_INTERVAL_DAYS} days; {MAX_CRON} characters",
    "a service account": f"{MAX_ACCOUNT_BYTES // KIB} KiB",
    "a webhook's URL;": f"{MAX_URL:,} characters; {MAX_DELAY_SECONDS // HOUR} hours; {TIMEOUT_SECONDS:.0f} s",
    "links to parts": f"{MAX_LINKS}; {MAX_PUT_BYTES // GIB} GiB (S3's)",
    "older webhook secrets": f"{MAX_OLDER}; {MAX_OVERLAP_SECONDS // DAY} days",
    "how long a deleted import's": f"{TOMBSTONE_SECONDS // DAY} days",
    "longest `days`": f"{MAX_RESTORE_DAYS}",
    "a preview: time": f"{LAST_SECONDS:.0f} s; {SAMPLE_CLIPS}, {MAX_PROBLEMS} and {MAX_EXTENSIONS}",
    "clips in a manifest part;": f"{PART_CLIPS:,}; 95",
    "uploaded manifests that": f"{MANIFESTS_AT_ONCE}; {WATCHES_AT_ONCE}; {PROJECTS_AT_ONCE}",
    "time after which a manifest": f"{on_upload.WAIT_SECONDS // 60} minutes",
    "webhooks of a project": f"{WEBHOOKS_AT_ONCE}; {delete_sources.AT_ONCE}; some {TURN_SECONDS} s",
    "clips that one copy function checks": f"{CHECKS_AT_ONCE}",
    "members of a zip,": f"{MAX_MEMBERS:,}, {MAX_DIRECTORY_BYTES // MIB} MiB; {MAX_DEFLATED_BYTES // MIB} MiB; "
    f"{MAX_FILES:,}",
    "wait for the index of failures": f"{INDEX_LAG_SECONDS} s",
    "time of a copy call kept": f"{copy.MARGIN_MS // 60_000} of 15 minutes",
    "objects; parts": f"{MAX_OBJECT_BYTES / TIB:.1f} TiB; {MAX_PARTS:,} of 5 MiB to 5 GiB (S3's)",
    "uploads that one call begins": f"{BEGINNINGS}",
    "destinations of a failed set": f"{REMOVALS_IN_FLIGHT}",
    "streamed copies:": f"{STREAM_PART_BYTES // MIB} MiB, 3, {MEMORY_BYTES // MIB} MiB",
    "user metadata": f"{MAX_METADATA_BYTES // KIB} KB (S3's)",
    "attempts of an S3 call;": f"{PATIENT.attempts}; {A_CALLER_WAITS.attempts}",
    "requests to other stores:": f"{Patience().attempts}, {Patience().longest_wait:.0f} s; "
    f"{http.CONNECT_SECONDS:.0f} s; {http.READ_SECONDS:.0f} s",
    "attempts of a copy by a role": f"{COPY_ATTEMPTS}",
    "objects of a Hub listing": f"{hub.WINDOW_OBJECTS:,}; {SORTED_OBJECTS:,}",
    "revisions of datasets": f"{MAX_REVISIONS}",
    "other stores: a key": f"{http.MAX_TEXT_BYTES:,} bytes; {http.MAX_ANSWER_BYTES // MIB} MiB",
    "clients of integrations": f"{MAX_CACHED}, for {CACHE_SECONDS:.0f} s",
    "test of an integration;": f"{PROBE_SECONDS + LAST_SECONDS:.0f} s; {UNSETTLED_SECONDS} s",
    "extrapolation:": f"{MAX_LAYER_BYTES // MIB} MiB, {MAX_ROWS:,}; {EXTRAPOLATIONS_AT_ONCE}; "
    f"{extrapolate.MARGIN_MS // 60_000} minute, {OTHERS_MB} MB",
    "a part of a report": f"{PART_BYTES // MIB} MiB",
    "executions for a completion": f"{CONCLUSION_FAILURES}",
    "a watch: time between": f"{watches.CHECK_SECONDS // HOUR} hour; {watches.POSTPONED_SECONDS // 60} minute; "
    f"{watches.FIRST_BACKOFF_SECONDS // 60} minute to {watches.LONGEST_BACKOFF_SECONDS // HOUR} hours; "
    f"{watches.UNSURE_ATTEMPTS}",
    "age from which": f"{watches.EVENT_GRACE_SECONDS // 60} minutes",
    "earlier runs with failures": f"{MAX_FAILED_RUNS}; {MAX_READ:,}",
    "runs of a watch": f"{RUNS_SHOWN}; {watches.MAX_WEBHOOKS}, {watches.KEPT_WEBHOOKS}",
}
"""Begin of a row → its limit."""

PAGE = (ROOT / "docs" / "reference" / "limits.md").read_text("utf-8")
ROWS = [row for row in re.findall(r"^\| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE) if row[1] != "limit"]


@pytest.mark.parametrize(("what", "limit"), ROWS)
def test_a_limit_is_the_codes(what: str, limit: str) -> None:
    assert [found for begin, found in LIMITS.items() if what.startswith(begin)] == [limit]


def test_every_limit_is_on_the_page() -> None:
    assert len(ROWS) == len(LIMITS)
