"""Arguments that are ids. A shell completes them with the newest ids of the project."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import click
import httpx
from click.shell_completion import CompletionItem

from clipferry.cli.app import LATEST
from clipferry.cli.options import chosen
from clipferry.cli.values import Count
from clipferry.client import Clipferry
from clipferry.errors import ClipferryError

OFFERED = 50
"""Maximum ids that a shell offers."""
COMPLETION_SECONDS = 3.0
"""A shell waits no longer than this for ids."""

Found = Iterable[tuple[str, str]]


class Id(click.ParamType):  # type: ignore[type-arg]  # older versions of click have none
    """An id. `find` reads ids with a description each; completion calls it."""

    name = "id"

    def __init__(self, about: str, find: Callable[[Clipferry], Found]) -> None:
        self.about = about
        self._find = find

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Offer ids that begin with `incomplete`; none if the service cannot be asked."""
        try:
            with Clipferry(
                profile=chosen(ctx, "profile"), attempts=1, timeout=httpx.Timeout(COMPLETION_SECONDS)
            ) as client:
                found = list(islice(self._find(client), OFFERED))
        except ClipferryError:  # completion must not print errors
            return []
        return [CompletionItem(one, help=about) for one, about in found if one.startswith(incomplete)]


def _imports(client: Clipferry) -> Found:
    yield LATEST, "the newest import"
    for job in client.imports.list(limit=OFFERED):
        yield job.id, f"{job.status} {job.source.uri or job.source.kind}"


def _clips(client: Clipferry) -> Found:
    for job in client.imports.list(limit=1):
        for clip in client.imports.clips(job.id, limit=OFFERED):
            yield clip.id, f"{clip.status} {clip.source_uri}"


IMPORT = Id(f"The id of an import; `{LATEST}` is the newest one.", _imports)
CLIP = Id("The id of a clip: the first column of `clips list`.", _clips)
INTEGRATION = Id(
    "The id of an integration.",
    lambda client: ((one.id, f"{one.type} {one.bucket}") for one in client.integrations.list(limit=OFFERED)),
)
PRESET = Id("The id of a preset.", lambda client: ((one.id, one.name) for one in client.presets.list(limit=OFFERED)))
WATCH = Id("The id of a watch.", lambda client: ((one.id, one.name) for one in client.watches.list(limit=OFFERED)))
FOLDER = Id("A folder's name or id.", lambda client: ((one.name, one.id) for one in client.folders.list(limit=OFFERED)))
KEY = Id(
    "The id of a key; not the key itself.",
    lambda client: ((one.id, f"{one.project} {one.name}") for one in client.keys.list(limit=OFFERED)),
)


def import_argument(function: Any) -> Any:
    """Add the argument IMPORT: an id, or `latest`, which the verb gets as an id."""
    return click.argument("import_id", type=IMPORT, metavar="IMPORT")(function)


def limit_option(default: int | None = None) -> Callable[[Any], Any]:
    """Add `--limit`."""
    return click.option(
        "-n",
        "--limit",
        type=Count(min=1),
        metavar="N",
        default=default,
        show_default=default is not None,
        help="Print at most N rows.",
    )


def confirmed(function: Any) -> Any:
    """Add `--yes`, for a verb that asks before something is lost."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")(function)
