"""`clipferry find`"""

import click

from clipferry.cli.app import App, verb


@click.command()
@click.option("--clip-id", metavar="ID", help="The id in the clip, or its name without extension.")
@click.option("--source", "original_clipgt_url", metavar="URI", help="Its source, as it was given.")
@click.option("--label")
@click.option("--folder")
@click.option("--group", "test_run_group", metavar="NAME", help="The test run group.")
@click.option("--limit", type=click.IntRange(min=1))
@verb
def find(app: App, *, limit: int | None, **wanted: str | None) -> None:
    """Find clips of all imports, newest import first. All that is given must hold."""
    if not any(wanted.values()):
        raise click.UsageError("say what to look for: --clip-id, --source, --label, --folder or --group")
    found = app.client.clips.find(limit=limit, **wanted)
    app.out.rows(
        ("clip", "status", "source", "destination", "import"),
        ((clip.raw, (clip.id, clip.status, clip.source_uri, clip.destination, clip.import_id)) for clip in found),
    )
