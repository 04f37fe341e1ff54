"""Turn uploads to the drop bucket into jobs: each upload belongs to exactly one, and a project's uploads share one."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.domain.clip_names import is_no_clip
from service.domain.errors import InvalidRequest, QuotaExceeded
from service.domain.ids import job_id_for, new_job_id
from service.domain.jobs import Door, Job, JobStatus, Source, SourceKind
from service.domain.limits import is_unicode
from service.domain.multipart import MAX_OBJECT_BYTES
from service.domain.requests import ImportRequest, ImportSettings, Upload
from service.domain.service_buckets import project_of_upload
from service.domain.uris import MAX_KEY_BYTES, parse_object, s3_at
from service.imports.intake.gather import GatherPorts, gather, opening_entry
from service.imports.lifecycle.new_job import job_of
from service.imports.lifecycle.start import start
from service.support.parallel import by_turns, each

MANIFESTS_AT_ONCE = 16
"""Manifests whose imports are started at the same time: a function gets up to 1,000 uploads, and has a minute."""

_MANIFEST = re.compile(r".*\.manifest\.(jsonl|csv)(\.gz)?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class UploadPorts(GatherPorts):
    drop_bucket: str
    default_project: str
    settings: ImportSettings
    max_active: int
    """Active imports that a project may have."""


def parse_event(event: Mapping[str, Any], *, buckets: Collection[str]) -> Upload | None:
    """Return the object of an EventBridge "Object Created" event; None for one that is no clip.

    Format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html. Raises `InvalidRequest`, also for an
    event of another bucket than these.
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
    if bucket not in buckets:
        raise InvalidRequest(f"an event of bucket {bucket}, which this deployment does not listen to")
    parse_object(str(s3_at(bucket, key)))
    if is_no_clip(key, size):
        return None
    identity = hashlib.sha256("\0".join((bucket, key, etag, version or "", sequencer)).encode()).hexdigest()
    return Upload(identity=identity, bucket=bucket, key=key, size=size, etag=etag, version=version, sequencer=sequencer)


def _text(value: object) -> str:
    """Raises `ValueError` for what the table cannot store."""
    if not isinstance(value, str) or not is_unicode(value) or len(value.encode()) > MAX_KEY_BYTES:
        raise ValueError(f"{ascii(value)[:100]} is not text of at most {MAX_KEY_BYTES:,} bytes")
    return value


def accept_uploads(uploads: Sequence[Upload], ports: UploadPorts) -> Sequence[Upload]:
    """Give every upload a job. An uploaded manifest gets a job of its own, which imports the clips that it names.

    Return the manifests for which their project has no room now, each once: hand them in again later. Clips come first,
    then the manifests of all projects by turns, so that those of one project hold up nobody's uploads. The first error
    is raised after all had their turn; the same uploads can be handed in again.
    """
    by_project: dict[str, list[Upload]] = {}
    manifests = [upload for upload in uploads if is_manifest(upload.key)]
    for upload in uploads:
        if not is_manifest(upload.key):
            by_project.setdefault(project_of_upload(upload.key, ports.default_project), []).append(upload)
    drop = Source(kind=SourceKind.UPLOAD, uri=f"s3://{ports.drop_bucket}/")
    gathers = [(dropped, partial(_new_job, project, drop, ports)) for project, dropped in by_project.items()]
    owned = [(project_of_upload(upload.key, ports.default_project), upload) for upload in manifests]
    waiting: dict[str, list[Upload]] = {}
    try:
        each(lambda one: gather(*one, ports), gathers, threads=1, to_the_end=True)
    finally:
        each(
            lambda one: _import_manifest(*one, waiting, ports),
            by_turns(owned, lambda one: one[0]),
            threads=MANIFESTS_AT_ONCE,
            to_the_end=True,
        )
    return _last_of_each(upload for left in waiting.values() for upload in left)


def _last_of_each(manifests: Iterable[Upload]) -> list[Upload]:
    """Return the last of several uploads of the same manifest: its import does what theirs would do.

    A link to upload a manifest works as often as it is used.
    """
    last: dict[object, Upload] = {}
    for upload in sorted(manifests, key=lambda one: one.sequencer):
        # Sequencers of different lengths tell no order (`planning.named`).
        last[upload.key, upload.etag, len(upload.sequencer)] = upload
    return [*last.values()]


def is_manifest(key: str) -> bool:
    """Whether the upload is a manifest instead of a clip."""
    return _MANIFEST.fullmatch(key) is not None


def _import_manifest(project: str, upload: Upload, waiting: dict[str, list[Upload]], ports: UploadPorts) -> None:
    """Create the job of a manifest, or add it to those that wait for room in their project.

    The job's id follows from the upload's identity, so every delivery gives the same job.
    """
    if project in waiting:
        waiting[project].append(upload)
        return
    source = Source(
        kind=SourceKind.MANIFEST,
        uri=str(s3_at(upload.bucket, upload.key)),
        size=upload.size,
        etag=upload.etag,
        version=upload.version,
    )
    job = _new_job(project, source, ports, job_id=job_id_for(project, f"manifest {upload.identity}"))
    try:
        created = ports.jobs.create(job, entry=opening_entry(job, ports), max_active=ports.max_active)
    except QuotaExceeded:
        waiting.setdefault(project, []).append(upload)
        return
    if created:
        start(job, ports.workflow)
        return
    known = ports.jobs.get(job.id)
    if known and known.status is JobStatus.PENDING:
        start(known, ports.workflow)


def _new_job(project: str, source: Source, ports: UploadPorts, *, job_id: str | None = None) -> Job:
    request = ImportRequest(settings=ports.settings)
    return job_of(request, source, job_id=job_id or new_job_id(), project=project, now=ports.clock(), door=Door.UPLOAD)
