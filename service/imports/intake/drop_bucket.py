"""Turn uploads to the drop bucket into jobs: each upload belongs to exactly one, and many uploads share one.

A project's uploads gather in one pending job until its planning begins. One transaction claims an upload and adds it to
the job. So after a crash the upload is either unclaimed, and its message comes again, or in a job that will run.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.clip_names import is_folder_marker
from service.domain.errors import InvalidRequest
from service.domain.ids import job_id_for, new_job_id
from service.domain.jobs import Door, Job, JobStatus, Source, SourceKind
from service.domain.limits import is_unicode
from service.domain.multipart import MAX_OBJECT_BYTES
from service.domain.projects import Action, Actor, AuditEntry
from service.domain.requests import ImportRequest, ImportSettings, Upload
from service.domain.service_buckets import project_of_upload
from service.domain.state_keys import upload_list_key
from service.domain.uris import MAX_KEY_BYTES, s3_at
from service.imports.inputs.upload_lists import encode_uploads
from service.imports.lifecycle.new_job import job_of
from service.imports.lifecycle.start import start
from service.ports.delivery import Workflow
from service.ports.jobs import JobStore
from service.ports.state import Clock, StateFiles
from service.ports.uploads import AlreadyClaimed, GatheringClosed, UploadStore
from service.projects.audit import entry_of

_MANIFEST = re.compile(r".*\.manifest\.(jsonl|csv)(\.gz)?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class UploadPorts:
    jobs: JobStore
    uploads: UploadStore
    state: StateFiles
    workflow: Workflow
    clock: Clock
    drop_bucket: str
    default_project: str
    window_seconds: int
    settings: ImportSettings
    audit_days: int


def parse_event(event: Mapping[str, Any], *, drop_bucket: str) -> Upload | None:
    """Return the upload of an EventBridge "Object Created" event; None for a folder marker.

    Format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html. Raises `InvalidRequest`.
    """
    try:
        detail = event["detail"]
        bucket, item = _text(detail["bucket"]["name"]), detail["object"]
        key, size, etag = _text(item["key"]), int(item["size"]), _text(item["etag"])
        version = _text(item["version-id"]) if item.get("version-id") else None
        sequencer = _text(item.get("sequencer") or event.get("time") or "")
        if not 0 <= size <= MAX_OBJECT_BYTES:
            raise ValueError("its size is that of no object")
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest(f"not an S3 Object Created event: {error!r}") from error
    if bucket != drop_bucket:
        raise InvalidRequest(f"an event of bucket {bucket}, which is not the drop bucket")
    if is_folder_marker(key, size):
        return None
    identity = hashlib.sha256("\0".join((bucket, key, etag, version or "", sequencer)).encode()).hexdigest()
    return Upload(identity=identity, bucket=bucket, key=key, size=size, etag=etag, version=version, sequencer=sequencer)


def _text(value: object) -> str:
    """Raises `ValueError` for what the table cannot store."""
    if not isinstance(value, str) or len(value) > MAX_KEY_BYTES or not is_unicode(value):
        raise ValueError(f"{ascii(value)[:100]} is not text of at most {MAX_KEY_BYTES:,} characters")
    return value


def accept_uploads(uploads: Sequence[Upload], ports: UploadPorts) -> None:
    """Give every upload a job. An uploaded manifest gets a job of its own, which imports the clips that it names.

    After an exception the same uploads can be handed in again.
    """
    by_project: dict[str, dict[str, Upload]] = {}
    for upload in uploads:
        if is_manifest(upload.key):
            _import_manifest(upload, ports)
            continue
        by_project.setdefault(project_of_upload(upload.key, ports.default_project), {})[upload.identity] = upload
    for project, unique in by_project.items():
        remaining, size = list(unique.values()), ports.uploads.max_uploads_per_claim
        for first in range(0, len(remaining), size):
            _claim(project, remaining[first : first + size], ports)


def is_manifest(key: str) -> bool:
    """Whether the upload is a manifest instead of a clip."""
    return _MANIFEST.fullmatch(key) is not None


def _import_manifest(upload: Upload, ports: UploadPorts) -> None:
    """Create the job of a manifest. Its id follows from the upload's identity, so every delivery gives the same job."""
    source = Source(
        kind=SourceKind.MANIFEST,
        uri=str(s3_at(upload.bucket, upload.key)),
        size=upload.size,
        etag=upload.etag,
        version=upload.version,
    )
    project = project_of_upload(upload.key, ports.default_project)
    job = _new_job(project, source, ports, job_id=job_id_for(project, f"manifest {upload.identity}"))
    if ports.jobs.create(job, entry=_opening(job, ports)):
        start(job, ports.workflow)
        return
    known = ports.jobs.get(job.id)
    if known and known.status is JobStatus.PENDING:
        start(known, ports.workflow)


def _claim(project: str, uploads: Sequence[Upload], ports: UploadPorts) -> None:
    """Add the uploads to the gathering job, or open one. After a lost race, look up the gathering job again."""
    gathering = ports.uploads.gathering_job(project)
    closed: str | None = None
    while uploads:
        drop = Source(kind=SourceKind.UPLOAD, uri=f"s3://{ports.drop_bucket}/")
        new = _new_job(project, drop, ports, job_id=new_job_id()) if gathering == closed else None
        job_id = new.id if new else str(gathering)
        list_key = upload_list_key(job_id, hashlib.sha256("".join(u.identity for u in uploads).encode()).hexdigest())
        ports.state.put(list_key, encode_uploads(uploads))
        try:
            if new:
                ports.uploads.open(new, uploads, list_key, instead_of=gathering, entry=_opening(new, ports))
                start(new, ports.workflow, wait_seconds=ports.window_seconds)
            else:
                ports.uploads.claim(job_id, uploads, list_key)
            return
        except GatheringClosed:
            closed = closed if new else gathering
            gathering = ports.uploads.gathering_job(project)
        except AlreadyClaimed as claimed:
            _start_owners(claimed, ports)
            uploads = [upload for upload in uploads if upload.identity not in claimed.owners]


def _start_owners(claimed: AlreadyClaimed, ports: UploadPorts) -> None:
    """Start the owners' jobs: the delivery that claimed the uploads may have died before it did."""
    for job_id in set(claimed.owners.values()):
        job = ports.jobs.get(job_id)
        if job and job.status is JobStatus.PENDING:
            start(job, ports.workflow, wait_seconds=ports.window_seconds)


def _new_job(project: str, source: Source, ports: UploadPorts, *, job_id: str) -> Job:
    request = ImportRequest(settings=ports.settings)
    return job_of(request, source, job_id=job_id, project=project, now=ports.clock(), door=Door.UPLOAD)


def _opening(job: Job, ports: UploadPorts) -> AuditEntry:
    by = Actor(door=job.door)
    return entry_of(Action.IMPORT_START, job.id, project=job.project, by=by, now=job.created_at, days=ports.audit_days)
