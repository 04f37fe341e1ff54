"""`clipferry clips`: the clips of imports."""

import click
from click.shell_completion import CompletionItem

from clipferry.cli.app import App
from clipferry.cli.find import find
from clipferry.cli.ids import CLIP, IMPORT, import_argument, limit_option
from clipferry.cli.options import OPTIONS
from clipferry.cli.text import size
from clipferry.cli.verbs import Noun, verb
from clipferry.models.clips import Clip, ClipDetail

STATUSES = ["PENDING", "COPIED", "SKIPPED", "FAILED", "CANCELLED"]


class Clips(Noun):
    """A noun whose verb `list` may be left out: a first word that is no verb is the import.

    Options without a word are those of `list`, too, which then says that the import is missing.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the verb if it was left out."""
        word = _first_word(args)
        alone = word is None and args and not ctx.resilient_parsing and not {*args} & {*ctx.help_option_names}
        if alone or (word is not None and word not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the verbs and, once a letter of an id is there, imports."""
        found = super().shell_complete(ctx, incomplete)
        return found or IMPORT.shell_complete(ctx, self.commands["list"].params[0], incomplete)


def _first_word(args: list[str]) -> str | None:
    """The first argument that is neither an option nor the value of a shared one."""
    with_value = {name for one in OPTIONS if not one.is_flag for name in one.opts}
    rest = iter(args)
    for one in rest:
        if one in with_value:
            next(rest, None)
        elif not one.startswith("-"):
            return one
    return None


clips = Clips("clips", help="List, show, link and find clips.", params=list(OPTIONS))

_id = click.argument("clip_id", type=CLIP, metavar="CLIP")


@verb(clips, "list", lists=True)
@import_argument
@click.option("--failed", is_flag=True, help="Print only failed clips.")
@click.option(
    "--status",
    type=click.Choice(STATUSES, case_sensitive=False),
    metavar="STATUS",
    help=f"Print only clips with this status: {', '.join(STATUSES[:-1])} or {STATUSES[-1]}.",
)
@limit_option()
def list_(app: App, *, import_id: str, failed: bool, status: str | None, limit: int | None) -> None:
    """List an import's clips, with status and reason.

    `clipferry clips IMPORT` does the same.
    """
    if failed and status:
        raise click.UsageError("--failed is --status FAILED: give one of them")
    app.out.rows(
        Clip,
        app.client.imports.clips(import_id, status="FAILED" if failed else status, limit=limit),
        {
            "clip": "id",
            "status": "status",
            "source": "source_uri",
            "code": "code",
            "why": "message",
            "content": "content",
        },
        shorten=("source", "why"),
    )


@verb(clips)
@_id
def show(app: App, *, clip_id: str) -> None:
    """Show a clip, with the other views of its set."""
    found = app.client.clips.get(clip_id)
    app.out.show(found.raw, _fields(found))


@verb(clips)
@_id
@click.option("--download", is_flag=True, help="Browsers save the clip as a file.")
def link(app: App, *, clip_id: str, download: bool) -> None:
    """Print a link to a clip's copy. It works for minutes, without a key."""
    found = app.client.clips.link(clip_id, download=download)
    app.out.done(found.raw, found.url, subject=found.url)
    app.out.hint(f"The link works until {found.expires_at}. Who has it can read the clip.")


clips.add_command(find)


def _fields(clip: ClipDetail) -> dict[str, object]:
    return {
        "clip": clip.id,
        "status": clip.status,
        "why": f"{clip.message} ({clip.code})" if clip.code else None,
        "source": clip.source_uri,
        "destination": clip.destination,
        "size": size(clip.size) if clip.size is not None else None,
        "verified": clip.verified,
        "content": clip.content,
        "why unchecked": f"{clip.content_message} ({clip.content_code})" if clip.content_code else None,
        "deleted": clip.deleted_at,
        "id in its data": clip.clip_id,
        "run name": clip.run_name,
        "import": clip.import_id,
        "folder": clip.folder,
        "labels": ", ".join(clip.labels) or None,
        "test run group": clip.test_run_group_name,
        "view": clip.view,
        "set": ", ".join(f"{one.view}: {one.id} {one.status}" for one in clip.views) or None,
    }
