"""`clipferry find`"""

import click

from clipferry.cli.app import App
from clipferry.cli.ids import FOLDER, limit_option
from clipferry.cli.verbs import verb
from clipferry.models.clips import FoundClip


@verb(lists=True)
@click.option(
    "--clip-id",
    metavar="ID",
    help="The id in the clip's data, the one that --clip-ids asked for, or its file name without extension.",
)
@click.option("--source", "original_clipgt_url", metavar="URI", help="The source URI, as the import named it.")
@click.option("--label", metavar="TEXT", help="A label of the import.")
@click.option("--folder", type=FOLDER, metavar="NAME", help="The folder of the import.")
@click.option("--group", "test_run_group", metavar="NAME", help="The test run group of the import.")
@limit_option()
def find(app: App, *, limit: int | None, **wanted: str | None) -> None:
    """Find clips in all imports, newest import first. A clip must match every option."""
    if not any(wanted.values()):
        raise click.UsageError("say what to look for: --clip-id, --source, --label, --folder or --group")
    app.out.rows(
        FoundClip,
        app.client.clips.find(limit=limit, **wanted),
        {
            "clip": "id",
            "status": "status",
            "source": "source_uri",
            "destination": "destination",
            "import": "import_id",
        },
        shorten=("source", "destination"),
    )
