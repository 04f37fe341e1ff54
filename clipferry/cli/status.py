"""`clipferry status`"""

from clipferry.cli.app import App
from clipferry.cli.display import counted, pace, restoring
from clipferry.cli.follow import follow, watchable
from clipferry.cli.ids import import_argument
from clipferry.cli.text import size
from clipferry.cli.verbs import verb
from clipferry.job import Import


@verb()
@import_argument
@watchable
def status(app: App, *, import_id: str, watch: bool, timeout: float | None) -> None:
    """Show an import's status. --watch follows it to its end."""
    job = app.client.imports.get(import_id)
    if watch:
        follow(app, job, timeout=timeout)
    app.out.show(job.raw, fields(job))


def fields(job: Import) -> dict[str, object]:
    """What people want to know about an import."""
    count = f" ({job.source.count:,})" if job.source.count is not None else ""
    webhook = job.webhook
    return {
        "import": job.id,
        "status": job.status,
        "cancel requested": "yes" if job.cancel_requested and not job.ended else None,
        "why": f"{job.message} ({job.code})" if job.message else None,
        "source": f"{job.source.uri or job.source.kind}{count}",
        "clips": f"{job.counts.total:,}: {counted(job.counts)}" if job.counts.total else None,
        "copied": size(job.counts.bytes) if job.counts.total else None,
        "failed before": job.failed_before or None,
        "restores": restoring(job) or None,
        "pace": pace(job) or None,
        "folder": job.folder,
        "integration": job.integration_id,
        "labels": ", ".join(job.labels) or None,
        "test run group": job.test_run_group_name,
        "created": job.created_at,
        "ended": job.completed_at,
        "retries": job.run or None,
        "webhook": f"{webhook.status} {webhook.url}" if webhook else None,
    }
