"""Remove the uploads of a completed import from the drop bucket, some days after it completed (decision 85).

An upload belongs to the one import that it started. Only that import removes it, and only if the clip was copied or was
already at its destination. A round that runs out of time keeps its position in a state file.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from service.domain.batching import PART_CLIPS
from service.domain.errors import NotFound
from service.domain.jobs import Job, SourceKind
from service.domain.state_keys import report_folder
from service.imports.completion.report_rows import results_in_parts
from service.ports.clips import ClipStore
from service.ports.objects import UploadRemover
from service.ports.state import StateFiles
from service.support.clock import timestamp


class RemovalPorts(Protocol):
    @property
    def clips(self) -> ClipStore: ...

    @property
    def state(self) -> StateFiles: ...

    @property
    def clips_bucket(self) -> str: ...

    @property
    def drop_bucket(self) -> str: ...

    @property
    def drop_imported_days(self) -> int: ...

    @property
    def uploads(self) -> UploadRemover: ...


def due_at(job: Job, ports: RemovalPorts) -> str:
    """Return when the uploads of a completed import are to be removed; empty for an import of anything else."""
    assert job.completed_at is not None
    if job.source.kind is not SourceKind.UPLOAD:
        return ""
    return timestamp(datetime.fromisoformat(job.completed_at) + timedelta(days=ports.drop_imported_days))


def remove_landed(job: Job, *, out_of_time: Callable[[], bool], ports: RemovalPorts) -> bool:
    """Remove the uploads that landed, part by part. Return False if time ran out first: another round must follow."""
    assert job.completed_at is not None
    progress = report_folder(job.id, job.completed_at) + "removed.txt"
    try:
        ordinal = int(ports.state.get(progress))
    except NotFound:
        ordinal = 0
    for part in results_in_parts(job, ordinal, ports):
        landed = {
            entry.location.key: str(entry.etag)
            for entry, row in part
            if row and row.landed and entry.etag and entry.location.bucket == ports.drop_bucket
        }
        if landed:
            ports.uploads.remove(landed)
        ordinal += PART_CLIPS
        if ordinal < job.counts.total and out_of_time():
            ports.state.put(progress, str(ordinal).encode())
            return False
    return True
