"""`clipferry preview`"""

from typing import Any

import click

from clipferry.cli.app import App, verb
from clipferry.cli.asking import asks, request_of
from clipferry.cli.output import duration, size
from clipferry.models.previews import Fates, Preview


@click.command()
@asks
@verb
def preview(app: App, **asked: Any) -> None:
    """Say what an import would do, cost and take. Takes what `import` takes, and writes nothing."""
    found = app.client.previews.create(**request_of(**asked))
    if app.out.as_json:
        app.out.json(found.raw)
        return
    _tell(app, found)


def _tell(app: App, found: Preview) -> None:
    at_least = "" if found.complete else "at least "
    outcome, estimate = found.outcome, found.estimate
    app.out.fields(
        {
            "clips": f"{at_least}{found.count:,}, {size(found.bytes)}",
            "to copy": f"{at_least}{outcome.to_copy.count:,}, {size(outcome.to_copy.bytes)}",
            "to skip": _fates(at_least, outcome.to_skip),
            "to fail": _fates(at_least, outcome.to_fail),
            "cost": f"{at_least}${estimate.cost.total:,.4f}, and ${estimate.storage_per_month:,.4f} a month of storage",
            "time": f"{at_least}{duration(estimate.seconds)}",
        }
    )
    for clip in outcome.problems:
        app.out.say(f"{clip.code} {clip.source_uri}: {clip.message}", "red")
    if not found.complete:
        app.out.note("The time for a preview was up; the import itself has no such limit.")


def _fates(at_least: str, fates: Fates) -> str:
    codes = ", ".join(f"{total.count:,} {code}" for code, total in fates.by_code.items())
    return f"{at_least}{fates.count:,}" + (f" ({codes})" if codes else "")
