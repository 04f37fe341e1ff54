"""Ports that complete an import."""

from dataclasses import dataclass

from service.domain.clips import ClipRow
from service.domain.jobs import Job
from service.domain.search_keys import findable
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from service.ports.objects import ClipsBucket, LargeCopyStore
from service.ports.state import Clock, StateFiles
from service.ports.uploads import UploadStore

CHILD_SECONDS = 900
"""A function may run this long after its execution ended (Lambda's limit), so what it may write to waits until then."""


@dataclass(frozen=True, kw_only=True)
class FinishPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    storage: ClipsBucket
    uploads: UploadStore
    large: LargeCopyStore
    clock: Clock


def findable_row(row: ClipRow, job: Job) -> ClipRow:
    return findable(row, job_id=job.id, project=job.project, created_at=job.created_at)
