"""Jobs, clip rows, audit entries and presets that the tests of stores share."""

from dataclasses import replace
from typing import Any

from service.domain.batching import VIEWS
from service.domain.clips import ClipRow, ClipStatus, Extrapolation, ExtrapolationStatus
from service.domain.jobs import Door, Job, Source, SourceKind, WatchCause, WatchRun
from service.domain.projects import Action, Actor, AuditEntry, ExecutionSettings
from service.domain.requests import (
    Archived,
    ContentValidation,
    Filters,
    ImportSettings,
    Notify,
    OnExisting,
    Restore,
    RestoreTier,
    Tolerance,
)
from service.domain.schedules import Schedule
from service.domain.search_keys import findable
from service.domain.watches import Watch
from service.ports.clips import ClipStore
from service.projects.audit import entry_of
from tests.builders import a_job

SETTINGS = ImportSettings(
    on_existing=OnExisting.FAIL,
    content_validation=ContentValidation.DEEP,
    storage_class="GLACIER_IR",
    keep_metadata=False,
    keep_tags=False,
    notify=Notify(webhook_url="https://example.com/hook?token=t", event=False),
    destination="{stem}{extension}",
    max_concurrency=7,
    tolerated_failures=Tolerance(percent=12.5),
    stationary_extrapolation=True,
    archived=Archived.RESTORE,
    restore=Restore(tier=RestoreTier.STANDARD, days=5),
)

FULL = a_job(
    source=Source(kind=SourceKind.PREFIX, uri="s3://source/日本 +%20/"),
    folder="night runs/ü",
    labels=("a", "日本"),
    run_name_prefix="r-",
    request_digest="d" * 64,
    key_id="key_1",
    filters=Filters(include=("*.zip", "日本"), max_size=5, modified_after="2026-01-01T00:00:00Z"),
    settings=SETTINGS,
    execution_settings_id="es_1",
    integration_id="in_1",
    watch=WatchRun(id="wa_1", cause=WatchCause.FIRST, failed_runs=("ij_8", "ij_9")),
)

ADMIN = Actor(door=Door.API, key_id="admin", request_id="r-1")


def an_entry(second: int = 0, *, subject: str = "ij_1", project: str = "demo", by: Actor = ADMIN) -> AuditEntry:
    now = f"2026-11-22T17:00:{second:02d}.000Z"
    return entry_of(Action.IMPORT_START, subject, project=project, by=by, now=now, days=400)


def some(n: int = 1, **changes: Any) -> ExecutionSettings:
    saved = ExecutionSettings(
        id=f"es_{n}",
        project="demo",
        name="ü",
        description=None,
        settings={"on_existing": "fail", "keep_tags": False, "storage_class": None},
        created_at=f"2026-11-22T17:00:0{n}.000Z",
        updated_at=f"2026-11-22T17:00:0{n}.000Z",
        request_digest="d",
    )
    return replace(saved, **changes)


def a_watch(n: int = 1, **changes: Any) -> Watch:
    watch = Watch(
        id=f"wa_{n:024x}",
        project="demo",
        name="ü",
        root_path="s3://source/p/",
        schedule=Schedule(every="15m"),
        created_at=f"2026-11-22T17:00:0{n}.000Z",
        updated_at=f"2026-11-22T17:00:0{n}.000Z",
        request_digest="d",
    )
    return replace(watch, **changes)


DONE = Extrapolation(
    status=ExtrapolationStatus.DONE, key="k.stationary.parquet", tracks=2, stationary=1, rows=30, added=20
)


def row(ordinal: int, status: ClipStatus = ClipStatus.COPIED) -> ClipRow:
    if status is ClipStatus.COPIED:
        return ClipRow(ordinal=ordinal, status=status, size=ordinal, etag=f"e{ordinal}")
    return ClipRow(
        ordinal=ordinal,
        status=status,
        code="CODE",
        message=f"why {ordinal} 日本",
        source_uri=f"s3://source/{ordinal}",
        destination="",
    )


def a_sets_rows(status: ClipStatus) -> list[ClipRow]:
    return [
        ClipRow(ordinal=7 + n, status=status, size=n, code="C", group=7, view=view, set_name="drive")
        for n, view in enumerate(VIEWS)
    ]


def job_at(second: int, job_id: str, **changes: object) -> Job:
    return a_job(job_id, created_at=f"2026-11-22T17:00:{second:02d}.000Z", **changes)


def put(clips: ClipStore, job: Job, *uris: str, status: ClipStatus = ClipStatus.COPIED) -> list[ClipRow]:
    rows = [
        findable(
            ClipRow(ordinal=ordinal, status=status, size=1, etag="e", source_uri=uri, destination=f"d/{uri}"),
            job_id=job.id,
            project=job.project,
            created_at=job.created_at,
        )
        for ordinal, uri in enumerate(uris)
    ]
    clips.put(job.id, rows)
    return rows
