"""`clipferry preview`"""

from typing import Any

from clipferry.cli.app import App
from clipferry.cli.empty import explained, is_empty
from clipferry.cli.exits import NothingFound
from clipferry.cli.request import fail_if_empty_option, request_of, request_options
from clipferry.cli.text import duration, size
from clipferry.cli.verbs import verb
from clipferry.models.previews import Archives, Fates, Preview
from clipferry.requests import ImportRequest


@verb()
@request_options
@fail_if_empty_option
def preview(app: App, *, fail_if_empty: bool, **asked: Any) -> None:
    """Show what an import would copy, cost and take. Changes nothing.

    The options are those of `import`.
    """
    show_preview(app, request_of(**asked), fail_if_empty=fail_if_empty)


def show_preview(app: App, request: ImportRequest, *, fail_if_empty: bool) -> None:
    """Print what the import would do. Raises `NothingFound` with `fail_if_empty`, and the errors of requests."""
    found = app.client.previews.create(**request)
    app.out.show(found.raw, _fields(found), subject=str(found.outcome.to_copy.count))
    for clip in found.outcome.problems:
        app.out.say(f"{clip.code} {clip.source_uri}: {clip.message}", "red")
    if not found.complete:
        app.out.hint("The preview ran out of time. The import has no such limit.")
    if is_empty(found) and (fail_if_empty or app.out.for_people):
        why = explained(app.client, request)
        if fail_if_empty:
            raise NothingFound(why)
        app.out.note(why)


def _fields(found: Preview) -> dict[str, object]:
    at_least = "" if found.complete else "at least "
    outcome, estimate = found.outcome, found.estimate
    return {
        "clips": f"{at_least}{found.count:,}, {size(found.bytes)}",
        "left out": f"{at_least}{found.no_clips:,} (folder markers, system files)" if found.no_clips else None,
        "to copy": f"{at_least}{outcome.to_copy.count:,}, {size(outcome.to_copy.bytes)}",
        "to skip": _fates(at_least, outcome.to_skip),
        "to fail": _fates(at_least, outcome.to_fail),
        "to restore": _restores(at_least, outcome.archived),
        "cost": f"{at_least}${estimate.cost.total:,.4f}, and ${estimate.storage_per_month:,.4f} a month of storage",
        "time": f"{at_least}{duration(estimate.seconds)}",
    }


def _restores(at_least: str, archived: Archives | None) -> str | None:
    """`at least 40 (bulk: $1.20, up to 48 h)`; None if the import restores nothing."""
    if archived is None or archived.tier is None or not archived.by_archive:
        return None
    price, clips = archived.restore.get(archived.tier), sum(total.count for total in archived.by_archive.values())
    cost = "not offered for all" if price is None else f"${price:,.4f}"
    return f"{at_least}{clips:,} ({archived.tier}: {cost}, up to {archived.hours} h)"


def _fates(at_least: str, fates: Fates) -> str:
    codes = ", ".join(f"{total.count:,} {code}" for code, total in fates.by_code.items())
    return f"{at_least}{fates.count:,}" + (f" ({codes})" if codes else "")
