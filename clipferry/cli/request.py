"""The options of `import` and `preview`: what to import, and how."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from clipferry.cli.files import Document, Utf8File
from clipferry.cli.ids import FOLDER, INTEGRATION, PRESET
from clipferry.cli.values import Count, size, tolerance
from clipferry.requests import Filters, ImportRequest, Settings, ToleratedFailures, body_of

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("uris", nargs=-1, metavar="[URI]..."),
    click.option("--prefix", "root_path", metavar="URI", help="Import every object whose URI begins with this."),
    click.option(
        "--clip-ids",
        "clip_ids",
        type=Utf8File(),
        metavar="FILE",
        help="With --prefix: import the clips whose ids this file has, one per line; - is stdin.",
    ),
    click.option(
        "--manifest", "manifest_uri", metavar="URI", help="Import the clips that this JSONL or CSV object names."
    ),
    click.option(
        "--from",
        "listed",
        type=Utf8File(),
        metavar="FILE",
        help="Import the URIs in this file, one per line, without lines that begin with #; - is stdin.",
    ),
    click.option(
        "--sets", type=Utf8File(), metavar="FILE", help="Import the multi-view sets in this JSON file; - is stdin."
    ),
    click.option("--as-of", metavar="TIME", help="Import what was there at this time: 2026-01-31T12:00:00Z."),
    click.option(
        "--include", multiple=True, metavar="PATTERN", help="Only keys that match this .gitignore pattern; repeatable."
    ),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="No keys that match this pattern; repeatable."),
    click.option("--min-size", type=size, metavar="SIZE", help="Only objects of this size or more: 500, 10MB, 1GiB."),
    click.option("--max-size", type=size, metavar="SIZE", help="Only objects of this size or less."),
    click.option(
        "--after", "modified_after", metavar="TIME", help="Only objects changed since then: 2026-01-31T12:00:00Z."
    ),
    click.option("--before", "modified_before", metavar="TIME", help="Only objects changed before then."),
    click.option("--folder", type=FOLDER, metavar="NAME", help="Put the clips into this folder."),
    click.option("--label", "labels", multiple=True, metavar="TEXT", help="Add a label to the import; repeatable."),
    click.option("--run-name-prefix", metavar="TEXT", help="Put this text before each clip's run name."),
    click.option("--group", "test_run_group_name", metavar="NAME", help="Name the test run group."),
    click.option(
        "--on-existing",
        type=click.Choice(["skip", "overwrite", "fail"]),
        help="What to do with a clip whose destination exists.",
    ),
    click.option(
        "--content-validation",
        type=click.Choice(["none", "structure", "deep"]),
        help="How to check each clip before it is copied.",
    ),
    click.option("--storage-class", metavar="CLASS", help="Storage class of the copies, such as STANDARD_IA."),
    click.option("--no-metadata", is_flag=True, help="Do not copy content type and user metadata."),
    click.option("--no-tags", is_flag=True, help="Do not copy tags."),
    click.option("--webhook", metavar="URL", help="Notify this URL when the import has completed."),
    click.option("--no-event", is_flag=True, help="Send no EventBridge event when the import has completed."),
    click.option("--destination", metavar="TEMPLATE", help="Name the copies, such as {stem}-{ordinal}{extension}."),
    click.option(
        "--max-concurrency", type=Count(min=1), metavar="N", help="At most N copy functions at the same time."
    ),
    click.option(
        "--tolerate", type=tolerance, metavar="N|P%", help="Stop after more failures than this number or percentage."
    ),
    click.option(
        "--archived",
        type=click.Choice(["fail", "skip", "restore"]),
        help="What to do with a clip whose source is archived.",
    ),
    click.option(
        "--restore-tier",
        type=click.Choice(["bulk", "standard", "expedited"]),
        help="Tier with which archived sources are restored.",
    ),
    click.option(
        "--restore-days",
        type=Count(1, 30),
        metavar="N",
        help="Days for which S3 keeps the restored copies of archived sources.",
    ),
    click.option(
        "--delete-source",
        type=click.Choice(["never", "after_verified"]),
        help="Whether to delete each source once its copy is verified.",
    ),
    click.option(
        "--members",
        type=click.Choice(["files", "clipgt"]),
        help="Import members of a zip one by one, or as ClipGT zips.",
    ),
    click.option("--stationary-extrapolation", is_flag=True, help="Extend the stationary tracks of ClipGT clips."),
    click.option(
        "--settings",
        "settings_file",
        type=Utf8File(),
        metavar="FILE",
        help="Read settings from a JSON file; options override it.",
    ),
    click.option(
        "--preset",
        "--settings-id",
        "execution_settings_id",
        type=PRESET,
        metavar="ID",
        help="Use the settings of this preset.",
    ),
    click.option(
        "--integration",
        "integration_id",
        type=INTEGRATION,
        metavar="ID",
        help="Open all sources with this integration.",
    ),
    click.option("--no-preflight", is_flag=True, help="Accept the import without listing the prefix first."),
)

fail_if_empty_option = click.option(
    "--fail-if-empty", is_flag=True, help="Exit with code 7 if there is nothing to import."
)


def request_options(function: F) -> F:
    """Add the options that say what to import and how. The verb passes them to `request_of`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def request_of(
    *,
    uris: tuple[str, ...],
    listed: Document | None,
    sets: Document | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    min_size: int | None,
    max_size: int | None,
    modified_after: str | None,
    modified_before: str | None,
    no_preflight: bool,
    root_path: str | None,
    clip_ids: Document | None,
    manifest_uri: str | None,
    as_of: str | None,
    folder: str | None,
    labels: tuple[str, ...],
    run_name_prefix: str | None,
    test_run_group_name: str | None,
    execution_settings_id: str | None,
    integration_id: str | None,
    stationary_extrapolation: bool,
    **settings: Any,
) -> ImportRequest:
    """Make the request of an import. Raises `click.UsageError` for options that exclude each other."""
    paths = list(uris) if uris else listed.lines() if listed else None
    given = [paths, root_path, manifest_uri, sets]
    if sum(one is not None for one in given) != 1 or (uris and listed):
        raise click.UsageError("say what to import, one way: URIs, --from, --prefix, --manifest or --sets")
    if listed and not paths:
        raise click.UsageError(f"--from: {listed.name} names no URI")
    if paths is not None and len(paths) == 1 and paths[0].endswith("/"):
        raise click.UsageError(f"{paths[0]} is a folder: import its objects with --prefix {paths[0]}")
    if clip_ids and not root_path:
        raise click.UsageError("--clip-ids needs --prefix: where to look for the clips")
    filters = {
        "include": list(include) or None,
        "exclude": list(exclude) or None,
        "min_size": min_size,
        "max_size": max_size,
        "modified_after": modified_after,
        "modified_before": modified_before,
    }
    chosen = settings_of(**settings)
    if chosen and execution_settings_id:
        raise click.UsageError("--preset or --settings-id takes the place of all other settings: leave them out")
    request: ImportRequest = {
        "exact_paths": paths,
        "root_path": root_path,
        "clip_ids": [line.strip() for line in clip_ids.lines()] if clip_ids else None,
        "manifest_uri": manifest_uri,
        "as_of": as_of,
        "sets": sets.json(list, "list of sets") if sets else None,
        "filters": cast(Filters, body_of(filters)) or None,
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
    settings_file: Document | None,
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
    archived: str | None,
    delete_source: str | None,
    restore_tier: str | None,
    restore_days: int | None,
    members: str | None,
) -> Settings:
    """Merge the settings of the file with the options, which override them."""
    settings: dict[str, Any] = settings_file.json(dict, "object of settings") if settings_file else {}
    options: dict[str, Any] = {
        "on_existing": on_existing,
        "content_validation": content_validation,
        "storage_class": storage_class,
        "keep_metadata": False if no_metadata else None,
        "keep_tags": False if no_tags else None,
        "destination": destination,
        "max_concurrency": max_concurrency,
        "tolerated_failures": tolerate,
        "archived": archived,
        "delete_source": delete_source,
        "members": members,
    }
    chosen: dict[str, object] = {"tier": restore_tier, "days": restore_days}
    if restore := {name: value for name, value in chosen.items() if value is not None}:
        options["restore"] = _merged(settings, "restore", restore)
    notify = ({"webhook_url": webhook} if webhook else {}) | ({"event": False} if no_event else {})
    if notify:
        options["notify"] = _merged(settings, "notify", notify)
    settings |= {name: value for name, value in options.items() if value is not None}
    return cast(Settings, settings)


def _merged(settings: dict[str, Any], name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the object `name` of the settings file, with the options over it."""
    given = settings.get(name)
    if not isinstance(given, dict | None):
        raise click.UsageError(f"--settings: {name} is not a JSON object")
    return {**(given or {}), **options}
