"""Refuse imports that ask to delete sources which may not be deleted."""

from collections.abc import Collection, Iterator

from service.domain.errors import DeleteSourceRefused
from service.domain.jobs import Source
from service.domain.requests import ImportRequest
from service.domain.source_deletion import refusal
from service.domain.uris import Location, parse_object
from service.imports.access.reach import REFUSALS, Reach


def check_deletion(request: ImportRequest, source: Source, reach: Reach, buckets: Collection[str]) -> None:
    """Raises `DeleteSourceRefused` if the settings ask to delete a source that may not be deleted.

    The lines of a manifest are not known here. What nothing opens, or may not be deleted, keeps its source there.
    """
    if not request.settings.deletes_sources:
        return
    if source.kind.below_prefix:
        _check(source.location, reach, buckets, as_prefix=True)
    for location in _named(request):
        _check(location, reach, buckets)


def _named(request: ImportRequest) -> Iterator[Location]:
    for uri in request.exact_paths or ():
        yield parse_object(uri)
    for one in request.sets or ():
        for _, uri in one.views:
            yield parse_object(uri)


def _check(at: Location, reach: Reach, buckets: Collection[str], *, as_prefix: bool = False) -> None:
    try:
        opener = reach.prefix_opener(at) if as_prefix else reach.opener(at)
    except REFUSALS:
        return  # reported as an import without the setting reports it
    if refused := refusal(at, opener, buckets):
        raise DeleteSourceRefused(f"settings.delete_source: {refused}")
