"""Pin a clip: which object it is, where it lands, and the fate that it has already."""

from functools import partial

from service.errors import InvalidDestination, ObjectError
from service.imports.existing import Fate, fate_of, look_up
from service.imports.expansion import ExpandPorts
from service.naming import named_destination, render
from service.planning import CANCELLED, CANCELLED_MESSAGE, destination_key
from service.schema import ClipStatus, Job, ListedObject, ManifestEntry, OnExisting
from service.uris import Location, parse_object


def pin(ordinal: int, uri: str, destination: str, found: ListedObject, fate: Fate | None) -> ManifestEntry:
    """The clip as it is to be copied, or with the fate that it has already."""
    return ManifestEntry(
        ordinal=ordinal,
        source_uri=uri,
        destination=destination,
        size=found.size,
        etag=found.etag,
        version=found.version,
        status=fate[0] if fate else ClipStatus.PENDING,
        code=fate[1] if fate else None,
        message=fate[2] if fate else None,
    )


def inspect(
    ordinal: int, uri: str, destination: str, *, misnamed: Fate | None = None, job: Job, ports: ExpandPorts
) -> ManifestEntry:
    """Pin one clip by a HEAD of its source. `misnamed` is its fate where the source is there."""
    location = parse_object(uri)
    settled = partial(ManifestEntry, ordinal=ordinal, source_uri=uri, destination=destination)
    if job.cancel_requested:
        return settled(status=ClipStatus.CANCELLED, code=CANCELLED, message=CANCELLED_MESSAGE)
    refusal = ports.access.refusal(location.bucket)
    if refusal:
        return settled(status=ClipStatus.FAILED, code="CANNOT_ACCESS", message=refusal)
    try:
        found = ports.storage.stat(location.bucket, location.key)
    except ObjectError as error:
        return settled(status=ClipStatus.FAILED, code=error.code, message=error.message)
    fate = misnamed or fate_by_existing(found, destination, job, ports)
    return pin(ordinal, uri, destination, found, fate)


def fate_by_existing(found: ListedObject, destination: str, job: Job, ports: ExpandPorts) -> Fate | None:
    """What lies at the destination decides; where that cannot be seen, the clip fails."""
    if job.settings.on_existing is OnExisting.OVERWRITE:
        return None
    try:
        existing = look_up(ports.storage, ports.clips_bucket, destination)
    except ObjectError as error:
        return ClipStatus.FAILED, error.code, error.message
    return fate_of(found, existing, job.settings.on_existing)


def other_than_pinned(size: int | None, etag: str | None, found: ListedObject) -> Fate | None:
    """The fate of a line's clip where the object is not the one that the line pins, as far as it does."""
    if size not in (None, found.size):
        return ClipStatus.FAILED, "SOURCE_CHANGED", f"it has {found.size} bytes, its line says {size}"
    if etag not in (None, found.etag):
        return ClipStatus.FAILED, "SOURCE_CHANGED", f"its ETag is {found.etag}, its line says {etag}"
    return None


def destination_of(job: Job, location: Location, ordinal: int, *, name: str | None = None) -> tuple[str, Fate | None]:
    """A clip's key in the clips bucket, by the name that its line gives, the job's template or its source.

    Where the name is not possible the key is empty, and that is the clip's fate.
    """
    template = job.settings.destination
    if name is None and template is None:
        return destination_key(job.project, job.folder, location.bucket, location.key), None
    try:
        if name is None:
            assert template is not None
            name = render(template, location, ordinal=ordinal, job_id=job.id)
        return named_destination(job.project, job.folder, name), None
    except InvalidDestination as error:
        return "", (ClipStatus.FAILED, error.code, error.message)
