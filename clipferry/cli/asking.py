"""The options that say what to import and how, for `import` and `preview`."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from clipferry.requests import Filters, ImportRequest, Settings, ToleratedFailures, ViewSet

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def size(text: str) -> int:
    """`500`, `10MB`, `1.5GiB` → bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]I?)?B?", text.upper())
    if not found:
        raise click.BadParameter(f"{text!r} is no size; write 500, 10MB or 1.5GiB")
    return int(float(found[1]) * UNITS[found[2] or ""])


def tolerance(text: str) -> ToleratedFailures:
    """`10` clips, or `5%` of them."""
    try:
        return {"percent": float(text[:-1])} if text.endswith("%") else {"count": int(text)}
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a count nor a percentage such as 5%") from None


_OPTIONS = (
    click.argument("uris", nargs=-1, metavar="[URI]..."),
    click.option("--prefix", "root_path", metavar="URI", help="Every object whose key begins so."),
    click.option("--manifest", "manifest_uri", metavar="URI", help="An object that names the clips (JSONL or CSV)."),
    click.option("--from", "listed", type=click.File(), metavar="FILE", help="URIs, one a line; - is stdin."),
    click.option("--sets", type=click.File(), metavar="FILE", help="Multi-view sets as JSON; - is stdin."),
    click.option("--include", multiple=True, metavar="PATTERN", help="Only keys that match one (as in .gitignore)."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="No keys that match one."),
    click.option("--min-size", type=size, metavar="SIZE", help="Bytes, or 10MB, 1GiB."),
    click.option("--max-size", type=size, metavar="SIZE"),
    click.option(
        "--after", "modified_after", metavar="TIME", help="Changed at that time or later; ISO 8601 with zone."
    ),
    click.option("--before", "modified_before", metavar="TIME", help="Changed before."),
    click.option("--folder", help="The folder that the clips land in."),
    click.option("--label", "labels", multiple=True, help="Put on every clip."),
    click.option("--run-name-prefix", metavar="TEXT"),
    click.option("--group", "test_run_group_name", metavar="NAME", help="The test run group."),
    click.option("--on-existing", type=click.Choice(["skip", "overwrite", "fail"])),
    click.option("--content-validation", type=click.Choice(["none", "structure", "deep"])),
    click.option("--storage-class"),
    click.option("--no-metadata", is_flag=True, help="Leave content type and user metadata behind."),
    click.option("--no-tags", is_flag=True, help="Leave tags behind."),
    click.option("--webhook", metavar="URL", help="Is told of the end."),
    click.option("--no-event", is_flag=True, help="No EventBridge event at the end."),
    click.option("--destination", metavar="TEMPLATE", help="Names the clips, such as {stem}-{ordinal}{extension}."),
    click.option("--max-concurrency", type=click.IntRange(min=1)),
    click.option("--tolerate", type=tolerance, metavar="COUNT|PERCENT%", help="Stop once more clips have failed."),
    click.option("--stationary-extrapolation", is_flag=True, help="Extend stationary tracks of ClipGT clips."),
    click.option("--settings", "settings_file", type=click.File(), metavar="FILE", help="Settings as JSON."),
    click.option("--settings-id", "execution_settings_id", metavar="ID", help="Saved settings."),
    click.option("--integration", "integration_id", metavar="ID", help="Open the sources by this integration."),
    click.option("--no-preflight", is_flag=True, help="Do not list the prefix before the import is accepted."),
)


def asks(function: F) -> F:
    """Adds the options. The verb gets them as keywords, for `request_of`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def request_of(
    *,
    uris: tuple[str, ...],
    listed: Any,
    sets: Any,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    min_size: int | None,
    max_size: int | None,
    modified_after: str | None,
    modified_before: str | None,
    no_preflight: bool,
    root_path: str | None,
    manifest_uri: str | None,
    folder: str | None,
    labels: tuple[str, ...],
    run_name_prefix: str | None,
    test_run_group_name: str | None,
    execution_settings_id: str | None,
    integration_id: str | None,
    stationary_extrapolation: bool,
    **settings: Any,
) -> ImportRequest:
    """Raises `click.UsageError` for what does not go together."""
    paths = list(uris) if uris else _lines(listed) if listed else None
    given = [paths, root_path, manifest_uri, sets]
    if sum(one is not None for one in given) != 1 or (uris and listed):
        raise click.UsageError("say what to import, one way: URIs, --from, --prefix, --manifest or --sets")
    if paths is not None and len(paths) == 1 and paths[0].endswith("/"):
        raise click.UsageError(f"{paths[0]} is a folder: import all below it with --prefix {paths[0]}")
    filters = _filters(include, exclude, min_size, max_size, modified_after, modified_before)
    chosen = settings_of(**settings)
    if chosen and execution_settings_id:
        raise click.UsageError("--settings-id takes the place of all other settings")
    request: ImportRequest = {
        "exact_paths": paths,
        "root_path": root_path,
        "manifest_uri": manifest_uri,
        "sets": read_sets(sets) if sets else None,
        "filters": filters or None,
        "folder": folder,
        "labels": list(labels) or None,
        "run_name_prefix": run_name_prefix,
        "test_run_group_name": test_run_group_name,
        "settings": chosen or None,
        "execution_settings_id": execution_settings_id,
        "integration_id": integration_id,
        "stationary_extrapolation": True if stationary_extrapolation else None,
        "validate": not no_preflight,
    }
    return request


def settings_of(
    *,
    settings_file: Any,
    on_existing: Any,
    content_validation: Any,
    storage_class: str | None,
    no_metadata: bool,
    no_tags: bool,
    webhook: str | None,
    no_event: bool,
    destination: str | None,
    max_concurrency: int | None,
    tolerate: ToleratedFailures | None,
) -> Settings:
    """The file's settings, and over them those that options name."""
    settings = read_settings(settings_file) if settings_file else {}
    options: dict[str, Any] = {
        "on_existing": on_existing,
        "content_validation": content_validation,
        "storage_class": storage_class,
        "keep_metadata": False if no_metadata else None,
        "keep_tags": False if no_tags else None,
        "destination": destination,
        "max_concurrency": max_concurrency,
        "tolerated_failures": tolerate,
    }
    notify = ({"webhook_url": webhook} if webhook else {}) | ({"event": False} if no_event else {})
    if notify:
        options["notify"] = {**settings.get("notify", {}), **notify}
    settings |= {name: value for name, value in options.items() if value is not None}
    return cast(Settings, settings)


def read_settings(file: Any) -> dict[str, Any]:
    """Raises `click.UsageError` unless it is a JSON object."""
    found = _json(file)
    if not isinstance(found, dict):
        raise click.UsageError(f"{file.name} is no JSON object of settings")
    return found


def read_sets(file: Any) -> list[ViewSet]:
    """A JSON list of `{"views": {"front": "s3://…"}, "name": "…"}`. Raises `click.UsageError`."""
    found = _json(file)
    if not isinstance(found, list):
        raise click.UsageError(f"{file.name} is no JSON list of sets")
    return found


def _filters(
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    min_size: int | None,
    max_size: int | None,
    modified_after: str | None,
    modified_before: str | None,
) -> Filters:
    filters: Filters = {}
    if include:
        filters["include"] = list(include)
    if exclude:
        filters["exclude"] = list(exclude)
    if min_size is not None:
        filters["min_size"] = min_size
    if max_size is not None:
        filters["max_size"] = max_size
    if modified_after is not None:
        filters["modified_after"] = modified_after
    if modified_before is not None:
        filters["modified_before"] = modified_before
    return filters


def _lines(file: Any) -> list[str]:
    """Without their line ends and nothing else: spaces are part of a key. Empty lines are none."""
    return [line for line in (raw.rstrip("\r\n") for raw in file) if line]


def _json(file: Any) -> Any:
    try:
        return json.load(file)
    except ValueError as error:
        raise click.UsageError(f"{file.name} is no JSON: {error}") from None
