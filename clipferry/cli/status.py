"""`clipferry status`"""

import click

from clipferry.cli.app import App, verb
from clipferry.cli.display import counted, pace
from clipferry.cli.follow import follow, watchable
from clipferry.cli.output import size
from clipferry.models.imports import Import


@click.command()
@click.argument("import_id", metavar="IMPORT")
@watchable
@verb
def status(app: App, *, import_id: str, watch: bool, timeout: float | None) -> None:
    """Show how an import stands, or with --watch how it goes on."""
    job = app.client.imports.get(import_id)
    if watch:
        follow(app, job, timeout=timeout)
    elif app.out.as_json:
        app.out.json(job.raw)
    else:
        _tell(app, job)


def _tell(app: App, job: Import) -> None:
    count = f" ({job.source.count:,})" if job.source.count is not None else ""
    webhook = job.webhook
    app.out.fields(
        {
            "import": job.id,
            "status": job.status,
            "cancel requested": "yes" if job.cancel_requested and not job.ended else None,
            "why": f"{job.message} ({job.code})" if job.message else None,
            "source": f"{job.source.uri or job.source.kind}{count}",
            "clips": f"{job.counts.total:,}: {counted(job.counts)}" if job.counts.total else None,
            "copied": size(job.counts.bytes) if job.counts.total else None,
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
    )
