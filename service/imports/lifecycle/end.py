"""Complete an attempt: set its final status, together with the document that event, webhook and report show."""

from dataclasses import asdict, replace
from datetime import datetime

from service.domain.ids import end_id
from service.domain.jobs import Counts, Job, JobStatus
from service.domain.limits import bounded
from service.domain.progress import run_started_at
from service.ports.jobs import JobStore

EVENT_TYPE = "clipferry.import.ended"


def end_job(
    job: Job,
    status: JobStatus,
    code: str | None,
    message: str | None,
    *,
    counts: Counts | None = None,
    jobs: JobStore,
    now: str,
) -> bool:
    """Set the final status of the attempt that `job` is in, once; False if it has completed already, or if its planning
    did, after `job` was read.

    The document shows the job's counts, which must be final, or `counts`, which then become the job's.
    """
    message = message and bounded(message)
    ended = replace(job, status=status, code=code, message=message, completed_at=now, counts=counts or job.counts)
    return jobs.end(
        job.id,
        run=job.run,
        status=status,
        code=code,
        message=message,
        counts=counts,
        document=end_document(ended),
        now=now,
        counted_in=job.project if job.counted else None,
        unplanned=job.planned_run != job.run,
        resumes=job.resumes,
    )


def end_document(job: Job) -> dict[str, object]:
    """Return the document for event, webhook and report. Its schema is docs/import-ended.schema.json."""
    assert job.completed_at is not None
    counts = job.counts
    return {
        "type": EVENT_TYPE,
        "event_id": end_id(job.id, job.completed_at),
        "import_id": job.id,
        "project": job.project,
        "run": job.run,
        "status": job.status.value,
        "code": job.code,
        "message": job.message,
        "trigger": job.trigger.value,
        "watch_id": job.watch_id,
        "source": {"kind": job.source.kind.value, "uri": job.source.uri, "count": job.source.count},
        "filters": _filters(job),
        "folder": job.folder,
        "labels": list(job.labels),
        "run_name_prefix": job.run_name_prefix,
        "test_run_group_name": job.test_run_group_name,
        "counts": {
            "total": counts.total,
            "copied": counts.copied,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
            "bytes": counts.bytes,
        },
        "created_at": job.created_at,
        "started_at": run_started_at(job),
        "ended_at": job.completed_at,
        "seconds": _seconds(run_started_at(job), job.completed_at),
    }


def _filters(job: Job) -> dict[str, object] | None:
    given = job.filters
    return asdict(given) | {"include": list(given.include), "exclude": list(given.exclude)} if given else None


def _seconds(start: str, end: str) -> float:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds(), 3)
