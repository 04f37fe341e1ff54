"""Say why there is nothing to import."""

from clipferry.cli.exits import NothingFound
from clipferry.client import Clipferry
from clipferry.errors import ClipferryError
from clipferry.job import Import
from clipferry.models.previews import Preview
from clipferry.requests import ImportRequest

_SELECTING = ("root_path", "manifest_uri", "integration_id")


def refuse_empty(client: Clipferry, request: ImportRequest) -> None:
    """Raise `NothingFound` if a preview shows that there is nothing to import. An incomplete preview does not."""
    found = client.previews.create(**request)
    if is_empty(found):
        raise NothingFound(explained(client, request))


def is_empty(found: Preview) -> bool:
    """Whether a preview shows that there is nothing to import."""
    return found.complete and not found.count


def why_empty(client: Clipferry, job: Import) -> str:
    """Explain the end of an import that found no clips."""
    request: ImportRequest = {"integration_id": job.integration_id}
    if job.source.kind == "prefix":
        request["root_path"] = job.source.uri
    elif job.source.kind == "manifest":
        request["manifest_uri"] = job.source.uri
    if job.filters:
        request["filters"] = {}
    return explained(client, request)


def explained(client: Clipferry, request: ImportRequest) -> str:
    """Explain an empty import. If it has filters, a preview without them counts the objects that they reject."""
    source = request.get("root_path") or request.get("manifest_uri")
    nothing = f"there is no object below {source}" if request.get("root_path") else f"{source} names no clips"
    if source is None or request.get("filters") is None:
        return nothing if source else "there is nothing to import"
    unfiltered: ImportRequest = {name: request.get(name) for name in _SELECTING}  # type: ignore[assignment]
    try:
        found = client.previews.create(**unfiltered)
    except ClipferryError:  # the explanation is no reason to fail
        return f"no object of {source} passes the filters"
    if is_empty(found):
        return nothing
    at_least = "" if found.complete else "at least "
    return f"0 of {at_least}{found.count:,} objects pass the filters"
