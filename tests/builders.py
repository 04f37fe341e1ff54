"""Small builders: a world of fakes, jobs, requests, manifest lines, upload events, API Gateway events."""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.domain.batching import VIEWS
from service.domain.clips import Clip, ClipStatus
from service.domain.errors import BatchIncomplete
from service.domain.ids import clip_id
from service.domain.jobs import Counts, Door, Job, JobStatus, Source, SourceKind, Trigger
from service.domain.manifest import Batch, ManifestEntry, Rounds, token_of
from service.domain.projects import Actor, Integration, IntegrationState, IntegrationType
from service.domain.requests import ImportRequest, ImportSettings, Upload, ViewSet
from service.domain.service_buckets import ServiceBuckets
from service.domain.settings_limits import SettingsLimits
from service.domain.state_keys import part_key
from service.imports.access.again import Again
from service.imports.access.reach import SourceAccess
from service.imports.completion.conclude import WEBHOOKS_AT_ONCE, ConcludePorts, conclude
from service.imports.completion.context import CHILD_SECONDS, FinishPorts
from service.imports.completion.delete import purge
from service.imports.completion.delete_sources import AT_ONCE, DeletePorts, delete_sources
from service.imports.completion.finish import finish
from service.imports.completion.report_links import EndedPorts
from service.imports.completion.sweep import SweepPorts
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.copying.context import CopyPorts
from service.imports.extrapolation.batch import ExtrapolatePorts, Progress, extrapolate_batch
from service.imports.extrapolation.result import Extrapolated
from service.imports.intake.drop_bucket import UploadPorts
from service.imports.intake.retry_request import retry
from service.imports.intake.submit import SubmitPorts, submit
from service.imports.lifecycle.turns import TurnPorts
from service.imports.manifest.format import decode_batches
from service.imports.manifest.store import read_batches, read_entries, read_part, stored_plan
from service.imports.planning.context import PlanCursor, Planned, PlanPorts
from service.imports.planning.plan import plan
from service.imports.previews.preview import PreviewPorts
from service.imports.queries.delete_video import RemovePorts
from service.imports.queries.health import HealthPorts
from service.imports.queries.status import StatusPorts
from service.imports.watches.events import ArrivalPorts
from service.imports.watches.manage import WatchPorts
from service.imports.watches.runs import quick
from service.imports.watches.tick import TickPorts
from service.ports.jobs import JobReader
from service.ports.objects import Copiers, Objects
from service.projects.audit import AuditPorts
from service.projects.folders import FolderPorts
from service.projects.integrations.manage import IntegrationPorts
from service.projects.presets import ExecutionSettingsPorts, saved_for_import
from service.projects.slow_requests import SlowRequests
from service.projects.webhook_secrets import WebhookSecretPorts
from service.sources.removals import RoutedRemovals
from service.sources.routed import RoutedObjects
from service.support.settings import Deployment
from tests.fakes.clips import FakeClips
from tests.fakes.copying import LookWhenOld
from tests.fakes.delivery import FakeBus, FakeSender, FakeWorkflow
from tests.fakes.faults import Faults
from tests.fakes.health import FakeMonitor
from tests.fakes.inbox import FakeInboxUploads
from tests.fakes.integrations import FakeIntegrations, FakeIntegrationSecrets
from tests.fakes.jobs import FakeEnds, FakeJobs
from tests.fakes.objects import FakeRemovals, FakeResults, FakeStorage
from tests.fakes.projects import (
    FakeAudit,
    FakeExecutionSettings,
    FakeFolders,
    FakeKeys,
    FakeSecrets,
    FakeWebhookSecrets,
)
from tests.fakes.sources import FakeSources
from tests.fakes.state import FakeClock, FakeReportFiles, FakeStateFiles
from tests.fakes.turns import FakeTurns
from tests.fakes.uploads import FakeLargeCopies, FakeUploads
from tests.fakes.watches import FakeBucketEvents, FakeWatches

SOURCE_BUCKET = "source"
ACCESS_POINT = "arn:aws:s3:eu-central-1:111122223333:accesspoint/fleet"
DROP_BUCKET = "drop"
CLIPS_BUCKET = "clips"
STATE_BUCKET = "state"
PROJECT = "demo"
SERVICE_BUCKETS = ServiceBuckets(drop=DROP_BUCKET, clips=CLIPS_BUCKET, state=STATE_BUCKET, default_project=PROJECT)
COPY_ATTEMPTS = 3
DEPLOYMENT = Deployment(
    batch_clips=500,
    batch_bytes=100 * 1024**3,
    map_concurrency=40,
    copy_concurrency=128,
    copy_threads=32,
    stat_concurrency=32,
    multipart_threshold_bytes=1024**3,
    stream_part_bytes=16 * 1024**2,
    part_bytes=256 * 1024**2,
)
"""Deploy settings' defaults."""
AUDIT_DAYS = 400
ASKER = Actor(door=Door.API, key_id="key_1", request_id="request-1")


def extrapolated(obstacle: bytes, egomotion: bytes, distance: float) -> Extrapolated:  # noqa: ARG001
    """Replaces the Parquet library."""
    return Extrapolated(body=b"extended " + obstacle, tracks=2, stationary=1, rows=30, added=20)


def never() -> bool:
    return False


def always() -> bool:
    return True


@dataclass(repr=False)
class World:
    """All ports as fakes, the functions' bundles of them, and a state machine that runs jobs until they complete."""

    max_clips: int = 100_000
    batch_clips: int = 100
    batch_bytes: int = 10**12
    concurrency: int = 1
    max_concurrency: int = 40
    slots: int = 400
    multipart_threshold: int = 10**9
    part_bytes: int = 10**8
    stream_part_bytes: int = 10**8
    defaults: ImportSettings = field(default_factory=ImportSettings)
    faults: Faults = field(default_factory=Faults)
    clock: FakeClock = field(default_factory=FakeClock)
    monotonic: Callable[[], float] = field(default_factory=lambda: map(float, itertools.count(0, 10)).__next__)

    def __post_init__(self) -> None:
        self.jobs = FakeJobs(self.faults)
        self.clips = FakeClips(self.faults, self.jobs)
        self.state = FakeStateFiles(self.faults)
        self.storage = FakeStorage(CLIPS_BUCKET, faults=self.faults, now=self.clock)
        self.copiers: Copiers = self.storage
        self.large = FakeLargeCopies(self.faults, self.jobs.large)
        self.turns = FakeTurns(self.faults)
        self.inbox = FakeInboxUploads()
        self.monitor = FakeMonitor()
        self.uploads = FakeUploads(self.jobs, self.faults)
        self.watches = FakeWatches(self.jobs.audit, self.faults)
        self.bucket_events = FakeBucketEvents()
        self.workflow = FakeWorkflow(self.faults)
        self.keys = FakeKeys(self.faults)
        self.audit = FakeAudit(self.jobs.audit, self.faults)
        self.folders = FakeFolders(self.jobs.audit, self.faults)
        self.execution_settings = FakeExecutionSettings(self.jobs.audit, self.faults)
        self.integrations = FakeIntegrations(self.jobs.audit, self.faults)
        self.integration_secrets = FakeIntegrationSecrets(self.faults)
        self.sources = FakeSources()
        self.ends = FakeEnds(self.jobs, self.faults)
        self.results = FakeResults(self.storage, self.faults)
        self.extrapolator: Callable[[bytes, bytes, float], Extrapolated] = extrapolated
        self.files = FakeReportFiles(self.faults)
        self.bus = FakeBus(self.faults)
        self.sender = FakeSender(self.faults)
        self.secrets = FakeSecrets({"webhook-secret": "master"})
        self.max_active = 1_000
        self.max_slow = 4
        self.drop_imported_days = 0
        self.delete_buckets: tuple[str, ...] = (SOURCE_BUCKET,)
        self.slow: dict[str, FakeTurns] = {}
        self.sending: dict[str, FakeTurns] = {}
        self.deleting: dict[str, FakeTurns] = {}
        self.webhook_secrets = FakeWebhookSecrets(self.jobs.audit)
        self.access = SourceAccess(
            buckets=[SOURCE_BUCKET, ACCESS_POINT, DROP_BUCKET],
            service=SERVICE_BUCKETS,
            jobs=self.jobs,
            integrations=self.integrations,
            storage=lambda _: self.storage,
        )

    @property
    def settings_limits(self) -> SettingsLimits:
        return SettingsLimits(max_concurrency=self.max_concurrency)

    @property
    def submit_ports(self) -> SubmitPorts:
        return SubmitPorts(
            jobs=self.jobs,
            state=self.state,
            workflow=self.workflow,
            clock=self.clock,
            access=self.access,
            max_clips=self.max_clips,
            max_clip_ids=1_000,
            limits=self.settings_limits,
            again=Again(seconds=8, monotonic=lambda: self.clock.now.timestamp(), sleep=self.clock.advance),
            defaults=self.defaults,
            audit_days=AUDIT_DAYS,
            max_active=self.max_active,
            delete_buckets=self.delete_buckets,
            slow=self.slow_requests,
        )

    @property
    def preview_ports(self) -> PreviewPorts:
        return PreviewPorts(
            clock=self.clock,
            access=self.access,
            clips_bucket=CLIPS_BUCKET,
            limits=self.settings_limits,
            max_clips=self.max_clips,
            max_clip_ids=1_000,
            seconds=8,
            deployment=DEPLOYMENT,
            delete_buckets=self.delete_buckets,
            slow=self.slow_requests,
            defaults=self.defaults,
        )

    @property
    def audit_ports(self) -> AuditPorts:
        return AuditPorts(log=self.audit, clock=self.clock, retention_days=AUDIT_DAYS)

    @property
    def execution_settings_ports(self) -> ExecutionSettingsPorts:
        return ExecutionSettingsPorts(
            store=self.execution_settings, clock=self.clock, audit_days=AUDIT_DAYS, limits=self.settings_limits
        )

    @property
    def folder_ports(self) -> FolderPorts:
        return FolderPorts(store=self.folders, jobs=self.jobs, clock=self.clock, audit_days=AUDIT_DAYS)

    @property
    def remove_ports(self) -> RemovePorts:
        return RemovePorts(status=self.status_ports, storage=self.storage, clock=self.clock)

    @property
    def integration_ports(self) -> IntegrationPorts:
        return IntegrationPorts(
            store=self.integrations,
            secrets=self.integration_secrets,
            sources=self.sources,
            clock=self.clock,
            audit_days=AUDIT_DAYS,
            service=SERVICE_BUCKETS,
            slow=self.slow_requests,
        )

    @property
    def slow_requests(self) -> SlowRequests:
        return SlowRequests(
            turns=lambda project: self.slow.setdefault(project, FakeTurns(self.faults)),
            limit=self.max_slow,
            now=lambda: self.clock.now.timestamp(),
        )

    @property
    def plan_ports(self) -> PlanPorts:
        return PlanPorts(
            jobs=self.jobs,
            clips=self.clips,
            state=self.state,
            storage=self.storage,
            uploads=self.uploads,
            drop=self.storage,
            clock=self.clock,
            access=self.access,
            restorer=lambda _: self.storage,
            restore_wait_hours=60,
            clips_bucket=self.storage.clips_bucket,
            max_clips=self.max_clips,
            batch_clips=self.batch_clips,
            batch_bytes=self.batch_bytes,
            stat_concurrency=self.concurrency,
        )

    @property
    def copy_ports(self) -> CopyPorts:
        monotonic = self.monotonic
        return CopyPorts(
            restorer=lambda _: self.storage,
            jobs=self.jobs,
            clips=self.clips,
            state=self.state,
            copiers=lambda _: self.copiers,
            bucket=self.storage,
            drop=self.storage,
            large=self.large,
            clock=self.clock,
            copies_at_once=self.concurrency,
            threads=self.concurrency,
            multipart_threshold=self.multipart_threshold,
            part_bytes=self.part_bytes,
            stream_part_bytes=self.stream_part_bytes,
            watch=lambda read: LookWhenOld(read, monotonic),
        )

    @property
    def turn_ports(self) -> TurnPorts:
        return TurnPorts(store=self.turns, slots=self.slots, now=lambda: self.clock.now.timestamp(), jitter=lambda: 0.5)

    @property
    def extrapolate_ports(self) -> ExtrapolatePorts:
        return ExtrapolatePorts(
            jobs=self.jobs,
            clips=self.clips,
            state=self.state,
            objects=self.storage,
            results=self.results,
            extrapolate=self.extrapolator,
            clips_bucket=CLIPS_BUCKET,
            distance=0.5,
            concurrency=self.concurrency,
        )

    @property
    def finish_ports(self) -> FinishPorts:
        return FinishPorts(
            jobs=self.jobs,
            clips=self.clips,
            state=self.state,
            storage=self.storage,
            uploads=self.uploads,
            large=self.large,
            clock=self.clock,
        )

    @property
    def sweep_ports(self) -> SweepPorts:
        return SweepPorts(finish=self.finish_ports, ends=self.ends, workflow=self.workflow, grace_seconds=120)

    @property
    def conclude_ports(self) -> ConcludePorts:
        return ConcludePorts(
            jobs=self.jobs,
            ends=self.ends,
            clips=self.clips,
            state=self.state,
            files=self.files,
            bus=self.bus,
            sender=self.sender,
            webhook_secrets=self.webhook_secret_ports,
            sending=self._turns_of(self.sending, WEBHOOKS_AT_ONCE),
            deleting=self._turns_of(self.deleting, AT_ONCE),
            clock=self.clock,
            clips_bucket=CLIPS_BUCKET,
            drop_bucket=DROP_BUCKET,
            drop_imported_days=self.drop_imported_days,
            uploads=self.storage,
            webhook_attempts=4,
            webhook_retry_seconds=10,
            jitter=lambda: 0.5,
        )

    @property
    def delete_ports(self) -> DeletePorts:
        return DeletePorts(
            jobs=self.jobs,
            ends=self.ends,
            clips=self.clips,
            state=self.state,
            clips_bucket=CLIPS_BUCKET,
            copies=self.storage,
            removals=lambda project: RoutedRemovals(
                project=project,
                own=FakeRemovals(self.storage),
                through=lambda _: FakeRemovals(self.storage),
                saved=self.integrations,
                buckets=self.delete_buckets,
            ),
            at_once=1,
            clock=self.clock,
            deleting=self._turns_of(self.deleting, AT_ONCE),
        )

    def _turns_of(self, taken: dict[str, FakeTurns], limit: int) -> SlowRequests:
        turns = lambda project: taken.setdefault(project, FakeTurns(self.faults))  # noqa: E731
        return replace(self.slow_requests, turns=turns, limit=limit)

    @property
    def ended_ports(self) -> EndedPorts:
        return EndedPorts(
            jobs=self.jobs,
            ends=self.ends,
            files=self.files,
            workflow=self.workflow,
            clock=self.clock,
            url_seconds=3_600,
        )

    @property
    def webhook_secret_ports(self) -> WebhookSecretPorts:
        return WebhookSecretPorts(
            store=self.webhook_secrets, secrets=self.secrets, master_arn="webhook-secret", clock=self.clock
        )

    @property
    def status_ports(self) -> StatusPorts:
        return StatusPorts(jobs=self.jobs, clips=self.clips, state=self.state, clips_bucket=CLIPS_BUCKET)

    @property
    def health_ports(self) -> HealthPorts:
        return HealthPorts(
            jobs=self.jobs,
            watches=self.watches,
            turns=self.turns,
            monitor=self.monitor,
            clock=self.clock,
            slots=self.slots,
        )

    @property
    def upload_ports(self) -> UploadPorts:
        return UploadPorts(
            jobs=self.jobs,
            uploads=self.uploads,
            state=self.state,
            workflow=self.workflow,
            clock=self.clock,
            drop_bucket=DROP_BUCKET,
            default_project=PROJECT,
            window_seconds=30,
            settings=self.defaults,
            audit_days=AUDIT_DAYS,
            max_active=self.max_active,
        )

    def saved_settings(self, project: str, settings_id: str) -> ImportSettings:
        """A preset's settings, which are always these here. Raises `UnknownExecutionSettings`."""
        saved_for_import(settings_id, project=project, store=self.execution_settings)
        return ImportSettings(storage_class="STANDARD_IA")

    @property
    def watch_ports(self) -> WatchPorts:
        return WatchPorts(
            store=self.watches,
            submit=replace(self.submit_ports, slow=None),
            saved_settings=self.saved_settings,
            slow=self.slow_requests,
            events=self.bucket_events,
            event_buckets=[SOURCE_BUCKET, ACCESS_POINT],
        )

    @property
    def tick_ports(self) -> TickPorts:
        return TickPorts(
            store=self.watches,
            submit=quick(self.submit_ports),
            saved_settings=self.saved_settings,
            bus=self.bus,
            sender=self.sender,
            webhook_secrets=self.webhook_secret_ports,
            webhook_attempts=4,
            webhook_retry_seconds=10,
            jitter=lambda: 0.5,
        )

    @property
    def arrival_ports(self) -> ArrivalPorts:
        return ArrivalPorts(
            gathering=self.upload_ports,
            watches=self.watches,
            saved_settings=self.saved_settings,
        )

    # --- what callers do ---

    def put_sources(self, count: int, *, prefix: str = "p/", size: int = 10) -> list[str]:
        """Put `count` objects into the source bucket; return their keys."""
        keys = [f"{prefix}{index:06d}.zip" for index in range(count)]
        for key in keys:
            self.storage.put(SOURCE_BUCKET, key, size)
        return keys

    def submit(self, request: ImportRequest, *, project: str = PROJECT) -> Job:
        return submit(request, project=project, key_id="key_1", ports=self.submit_ports)

    def submit_list(self, keys: Iterable[str], **changes: Any) -> Job:
        return self.submit(import_list([f"s3://{SOURCE_BUCKET}/{key}" for key in keys], **changes))

    def submit_prefix(self, prefix: str = "p/", **changes: Any) -> Job:
        return self.submit(import_prefix(f"s3://{SOURCE_BUCKET}/{prefix}", **changes))

    def retry(self, job_id: str, *, clips: Iterable[int] | None = None, key: str | None = None, **asked: Any) -> Job:
        """`clips` are ordinals."""
        return retry(
            job_id,
            project=self.job(job_id).project,
            clip_ids=[clip_id(job_id, ordinal) for ordinal in clips] if clips is not None else None,
            idempotency_key=key,
            key_id="key_2",
            **asked,
            ports=self.status_ports,
            workflow=self.workflow,
            clock=self.clock,
        )

    # --- the state machine ---

    def plan(self, job_id: str, *, out_of_time: Callable[[], bool] = never) -> Planned:
        """Run all rounds of planning for the job's current run."""
        run = self.run_of(job_id)
        planned = plan(job_id, PlanCursor(), run=run, out_of_time=out_of_time, ports=self.plan_ports, can_wait=True)
        while planned.cursor:
            self.clock.advance(planned.wait_seconds or 0)
            planned = plan(
                job_id, planned.cursor, run=run, out_of_time=out_of_time, ports=self.plan_ports, can_wait=True
            )
        return planned

    def planned_sets(self, *sets: ViewSet, **changes: Any) -> Job:
        job = self.submit(import_sets(*sets, **changes))
        self.plan(job.id)
        return self.job(job.id)

    def planned_list(self, keys: Iterable[str], **changes: Any) -> Job:
        job = self.submit_list(keys, **changes)
        self.plan(job.id)
        return self.job(job.id)

    def copy(self, batch: Batch, *, attempts: int = COPY_ATTEMPTS, out_of_time: Callable[[], bool] = never) -> int:
        """Run a child of the map until its batch is complete, with retries; return the number of rounds."""
        round_number = attempt = 0
        while attempt < attempts:
            try:
                outcome = copy_batch(
                    batch, attempt=attempt, round_number=round_number, out_of_time=out_of_time, ports=self.copy_ports
                )
            except BatchIncomplete:
                attempt += 1
                continue
            round_number, attempt = round_number + 1, 0
            if not isinstance(outcome, Unfinished):
                break
        return round_number

    def extrapolate(self, batch: Batch, *, out_of_time: Callable[[], bool] = never) -> list[Progress]:
        """Run what a child does after its copies, round by round; stop at an error, as the Catch does."""
        rounds: list[Progress] = []
        while not rounds or rounds[-1].left:
            try:
                rounds.append(extrapolate_batch(batch, out_of_time=out_of_time, ports=self.extrapolate_ports))
            except BatchIncomplete:
                break
        return rounds

    def run(self, job_id: str) -> Job:
        """Run a whole execution of the job's current run."""
        run = self.run_of(job_id)
        planned = self.plan(job_id)
        if planned.batches:
            for batch in decode_batches(self.state.get(planned.batches_key)):
                self.copy(batch)
                if planned.extrapolate:
                    self.extrapolate(batch)
        finish(job_id, run=run, error=None, ports=self.finish_ports)
        return self.job(job_id)

    def conclude(self, job_id: str, *, out_of_time: Callable[[], bool] = never) -> list[int]:
        """Run the state machine's steps after completion; return the requested waits."""
        ended_at = self.job(job_id).completed_at
        assert ended_at is not None
        waits: list[int] = []
        while True:
            concluded = conclude(job_id, ended_at, out_of_time=out_of_time, ports=self.conclude_ports, can_delete=True)
            if concluded.done:
                return waits
            if concluded.delete_sources:
                delete_sources(job_id, ended_at, out_of_time=out_of_time, ports=self.delete_ports)
                continue
            waits.append(concluded.wait_seconds)
            self.clock.advance(concluded.wait_seconds)

    def purge(self, *, out_of_time: Callable[[], bool] = never) -> list[str]:
        """Remove what deleted jobs left, once no worker of theirs can be running."""
        self.clock.advance(CHILD_SECONDS)
        return purge(self.finish_ports, out_of_time=out_of_time)

    # --- what is there ---

    def visible(self) -> set[str]:
        """Return the keys of the clips bucket."""
        return set(self.storage.buckets[CLIPS_BUCKET])

    def job(self, job_id: str) -> Job:
        return self.jobs.rows[job_id]

    def run_of(self, job_id: str) -> int:
        """Return the job's current run."""
        job = self.jobs.get(job_id)
        return job.run if job else 0

    def batches(self, job_id: str) -> list[Batch]:
        """Return the batches of the job's current run."""
        return list(read_batches(self.state, job_id, self.run_of(job_id)))

    def manifest(self, job_id: str) -> list[ManifestEntry]:
        job = self.job(job_id)
        return read_entries(self.state, job_id, 0, job.counts.total, job.plan_rounds)

    def retry_part(self, job_id: str, part: int) -> list[ManifestEntry]:
        """Return the clips of a part of the present retry's manifest."""
        return read_part(self.state, job_id, part, self.rounds(job_id), self.run_of(job_id))

    def part_key(self, job_id: str, part: int) -> str:
        """Return the key of a part of the manifest that the job's present run planned."""
        run = self.run_of(job_id)
        return part_key(job_id, part, run, token_of(self.rounds(job_id), part))

    def rounds(self, job_id: str) -> Rounds:
        """Return the calls that planned the present run."""
        plan = stored_plan(self.state, job_id, self.run_of(job_id))
        assert plan
        return plan.rounds


def own_access(storage: Objects, jobs: JobReader) -> SourceAccess:
    """Access to the source and the drop bucket through `storage`. There are no integrations."""
    integrations = FakeIntegrations([], Faults())
    return SourceAccess(
        buckets=[SOURCE_BUCKET, DROP_BUCKET],
        service=SERVICE_BUCKETS,
        jobs=jobs,
        integrations=integrations,
        storage=lambda project: RoutedObjects(project=project, own=storage, through=_nothing, saved=integrations),
    )


def _nothing(integration: Integration | None) -> Objects:
    raise AssertionError(f"nothing is to be opened by {integration}")


def import_list(uris: Sequence[str], **changes: Any) -> ImportRequest:
    return ImportRequest(exact_paths=tuple(uris), **changes)


def import_prefix(uri: str, **changes: Any) -> ImportRequest:
    return ImportRequest(root_path=uri, **changes)


def a_set(*keys: str, roles: Sequence[str] = VIEWS, name: str | None = None) -> ViewSet:
    """Return views of these objects in the source bucket, in the roles' order: the first is the front."""
    uris = [f"s3://{SOURCE_BUCKET}/{key}" for key in keys]
    return ViewSet(views=tuple(zip(roles, uris, strict=False)), name=name)


def import_sets(*sets: ViewSet, **changes: Any) -> ImportRequest:
    return ImportRequest(sets=sets, **changes)


def a_job(job_id: str = "ij_1", **changes: Any) -> Job:
    job = Job(
        id=job_id,
        project=PROJECT,
        status=JobStatus.PENDING,
        source=Source(kind=SourceKind.LIST, count=1),
        trigger=Trigger.API,
        created_at="2026-11-22T17:00:00.000Z",
        updated_at="2026-11-22T17:00:00.000Z",
        test_run_group_name="group",
    )
    return replace(job, **changes)


def an_entry(ordinal: int = 0, **changes: Any) -> ManifestEntry:
    key = f"p/{ordinal:06d}.zip"
    entry = ManifestEntry(
        ordinal=ordinal,
        source_uri=f"s3://{SOURCE_BUCKET}/{key}",
        destination=f"{PROJECT}/-/{SOURCE_BUCKET}/{key}",
        size=10,
        etag="etag1",
    )
    return replace(entry, **changes)


def an_upload(key: str = "clip.zip", *, sequencer: str = "01", **changes: Any) -> Upload:
    """Return an upload. Its identity is that of a first delivery: the same key and sequencer give the same one."""
    upload = Upload(
        identity=f"{key}@{sequencer}",
        bucket=DROP_BUCKET,
        key=key,
        size=10,
        etag=f"etag-{sequencer}",
        version=None,
        sequencer=sequencer,
    )
    return replace(upload, **changes)


def an_integration(integration_id: str = "in_1", **changes: Any) -> Integration:
    made = Integration(
        id=integration_id,
        project=PROJECT,
        name="fleet",
        type=IntegrationType.S3,
        bucket="fleet",
        secret_name=f"{integration_id}/0",
        with_credentials=True,
        state=IntegrationState.READY,
        touched_at="2026-11-22T17:00:00.000Z",
        created_at="2026-11-22T17:00:00.000Z",
        created_by="key_1",
        request_digest="digest",
    )
    return replace(made, **changes)


def summing(counts: Counts) -> bool:
    parts = (counts.pending, counts.copied, counts.skipped, counts.failed, counts.cancelled)
    return min(parts) >= 0 and sum(parts) == counts.total


def fates(clips: Iterable[Clip]) -> list[tuple[ClipStatus, str | None]]:
    return [(clip.status, clip.code) for clip in clips]


# --- events ----------------------------------------------------------------------------------------------------------


def object_created(key: str = "inbox/demo/clip.zip", **changes: Any) -> dict[str, Any]:
    """Return an EventBridge "Object Created" event as the S3 user guide shows it. `changes` go to `detail.object`.

    Underscores in their names become hyphens.
    """
    item = {
        "key": key,
        "size": 5,
        "etag": "b1946ac92492d2347c6235b4d2611184",
        "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        "sequencer": "617f08299329d189",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2021-11-12T00:00:00Z",
        "region": "ca-central-1",
        "resources": [f"arn:aws:s3:::{DROP_BUCKET}"],
        "detail": {
            "version": "0",
            "bucket": {"name": DROP_BUCKET},
            "object": {name: value for name, value in item.items() if value is not None},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }


def sqs_event(*bodies: object) -> dict[str, Any]:
    """Return SQS messages `m0`, `m1`, … with these bodies, encoded as JSON unless they are text."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": f"m{index}", "body": text} for index, text in enumerate(texts)]}


def api_event(
    method: str,
    path: str,
    body: object = None,
    *,
    project: str = PROJECT,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a REST API proxy event after the authorizer. An empty project is the admin; text bodies stay unchanged."""
    headers = headers or {"Content-Type": "application/json"}
    query = query or None
    return {
        "httpMethod": method,
        "path": path,
        "resource": "/{proxy+}",
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "requestContext": {
            "stage": "prod",
            "requestId": "request-1",
            "authorizer": {"project": project, "key_id": "key_1" if project else "admin"},
            "httpMethod": method,
            "path": f"/prod{path}",
        },
        "body": body if isinstance(body, str | None) else json.dumps(body),
        "isBase64Encoded": False,
    }


class LambdaContext:
    """The attributes that Powertools and the handlers read."""

    function_name = "function"
    function_version = "1"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "request-1"

    def __init__(self, remaining_ms: int = 900_000) -> None:
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def state_of(world: World, job: Job) -> dict[str, bytes]:
    """The job's files without its id and the tokens of calls, and without what only says how many rounds it took."""

    def plain(text: bytes) -> bytes:
        for token, _ in world.job(job.id).plan_rounds:
            text = text.replace(f"-{token}".encode(), b"")
        return text.replace(job.id.encode(), b"job")

    files = {key: body for key, body in world.state.files.items() if job.id in key and "/rounds/" not in key}
    return {plain(key.encode()).decode(): plain(body) for key, body in files.items() if not key.endswith("/plan.json")}
