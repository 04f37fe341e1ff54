"""Gather objects in one pending job until its planning begins: each object belongs to exactly one job.

One transaction claims an object and adds it to the job. So after a crash the object is either unclaimed, and its
message comes again, or in a job that will run.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.domain.jobs import Job, JobStatus
from service.domain.projects import Action, Actor, AuditEntry
from service.domain.requests import Upload
from service.domain.search_keys import tags_of
from service.domain.state_keys import upload_list_key
from service.imports.inputs.upload_lists import encode_uploads
from service.imports.lifecycle.start import start
from service.ports.delivery import Workflow
from service.ports.jobs import JobStore
from service.ports.state import Clock, StateFiles
from service.ports.uploads import AlreadyClaimed, GatheringClosed, UploadStore
from service.projects.audit import entry_of


@dataclass(frozen=True, kw_only=True)
class GatherPorts:
    jobs: JobStore
    uploads: UploadStore
    state: StateFiles
    workflow: Workflow
    clock: Clock
    window_seconds: int
    """For how long a job gathers before it is planned."""
    audit_days: int


def gather(uploads: Sequence[Upload], new_job: Callable[[], Job], ports: GatherPorts) -> None:
    """Give each object a job: the one that gathers now, or a new one. All jobs that `new_job` makes are alike.

    After an exception the same objects can be handed in again.
    """
    alike = new_job()
    unique = list({upload.identity: upload for upload in uploads}.values())
    # A new job's first tag is among the rows that `max_uploads_per_claim` allows for; others take the room of claims.
    size = ports.uploads.max_uploads_per_claim + 1 - len(tags_of(alike))
    for first in range(0, len(unique), size):
        _claim(alike.gatherer, unique[first : first + size], new_job, ports)


def opening_entry(job: Job, ports: GatherPorts) -> AuditEntry:
    """The audit entry of a job that no request started."""
    by = Actor(door=job.door)
    return entry_of(
        Action.IMPORT_START,
        job.id,
        project=job.project,
        by=by,
        now=job.created_at,
        days=ports.audit_days,
        details=job.settings.audit_details,
    )


def _claim(gatherer: str, uploads: Sequence[Upload], new_job: Callable[[], Job], ports: GatherPorts) -> None:
    """Add the uploads to the gathering job, or open one. After a lost race, look up the gathering job again."""
    gathering = ports.uploads.gathering_job(gatherer)
    closed: str | None = None
    while uploads:
        new = new_job() if gathering == closed else None
        job_id = new.id if new else str(gathering)
        list_key = upload_list_key(job_id, hashlib.sha256("".join(u.identity for u in uploads).encode()).hexdigest())
        ports.state.put(list_key, encode_uploads(uploads))
        try:
            if new:
                ports.uploads.open(new, uploads, list_key, instead_of=gathering, entry=opening_entry(new, ports))
                start(new, ports.workflow, wait_seconds=ports.window_seconds)
            else:
                ports.uploads.claim(job_id, uploads, list_key)
            return
        except GatheringClosed:
            closed = closed if new else gathering
            gathering = ports.uploads.gathering_job(gatherer)
        except AlreadyClaimed as claimed:
            _start_owners(claimed, ports)
            uploads = [upload for upload in uploads if upload.identity not in claimed.owners]


def _start_owners(claimed: AlreadyClaimed, ports: GatherPorts) -> None:
    """Start the owners' jobs: the delivery that claimed the uploads may have died before it did."""
    for job_id in set(claimed.owners.values()):
        job = ports.jobs.get(job_id)
        if job and job.status is JobStatus.PENDING:
            start(job, ports.workflow, wait_seconds=ports.window_seconds)
