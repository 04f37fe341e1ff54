"""Pin a clip: which object it is, where it lands, and the fate that it has already."""

from dataclasses import dataclass
from functools import partial

from service.domain.clip_names import extension
from service.domain.clips import ClipStatus
from service.domain.codes import CANCELLED, CANCELLED_MESSAGE, UNSUPPORTED_EXTENSION, VIDEO_EXTENSION, Fate
from service.domain.destination_template import named_destination, render
from service.domain.destinations import destination_key
from service.domain.errors import InvalidDestination, ObjectError, ObjectMissing
from service.domain.jobs import Door, Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.requests import OnExisting
from service.domain.uris import Location, parse_object
from service.imports.access.reach import REFUSALS, Reach, id_of, store_of
from service.imports.planning.context import ExpandPorts
from service.imports.planning.existing import fate_of, look_up


def pin(
    ordinal: int,
    uri: str,
    destination: str,
    found: ListedObject,
    fate: Fate | None,
    *,
    integration: str | None = None,
    existing: ListedObject | None = None,
) -> ManifestEntry:
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
        integration=integration,
        destination_etag=existing.etag if existing else None,
    )


@dataclass(frozen=True)
class Target:
    """Where a clip lands, and what opens its source. Without a `refusal` something does."""

    destination: str
    misnamed: Fate | None = None
    """Where the clip cannot be named so."""
    integration: str | None = None
    refusal: Fate | None = None


def target_of(job: Job, at: Location, ordinal: int, reach: Reach, *, name: str | None = None) -> Target:
    """`name`: the destination that the clip's line gives."""
    opener, refusal = opened(at, reach)
    destination, misnamed = destination_of(job, at, ordinal, name=name, store=store_of(opener))
    return Target(destination, misnamed, id_of(opener), refusal)


def opened(at: Location, reach: Reach) -> tuple[Integration | None, Fate | None]:
    """What opens it, or the fate of its clip where nothing does."""
    try:
        return reach.opener(at), None
    except REFUSALS as error:
        return None, (ClipStatus.FAILED, error.code, error.message)


def inspect(ordinal: int, uri: str, target: Target, *, job: Job, reach: Reach, ports: ExpandPorts) -> ManifestEntry:
    """Pin one clip by a HEAD of its source."""
    settled = partial(
        ManifestEntry,
        ordinal=ordinal,
        source_uri=uri,
        destination=target.destination,
        integration=target.integration,
    )
    if job.cancel_requested:
        return settled(status=ClipStatus.CANCELLED, code=CANCELLED, message=CANCELLED_MESSAGE)
    location = parse_object(uri)
    if is_unfit(job, location.key):
        message = f"this door takes {VIDEO_EXTENSION} objects only, and {ascii(location.key)[1:-1]} is none"
        return settled(status=ClipStatus.FAILED, code=UNSUPPORTED_EXTENSION, message=message)
    if target.refusal:
        # Without a destination, which would name the store: a retry plans the clip afresh.
        status, code, message = target.refusal
        return settled(destination="", status=status, code=code, message=message)
    try:
        found = reach.storage.stat(location, integration=target.integration)
    except ObjectError as error:
        return settled(status=ClipStatus.FAILED, code=error.code, message=error.message + _hint(error, location))
    fate, existing = target.misnamed, None
    if fate is None:
        fate, existing = fate_by_existing(found, target.destination, job, ports)
    return pin(ordinal, uri, target.destination, found, fate, integration=target.integration, existing=existing)


def is_unfit(job: Job, key: str) -> bool:
    """Whether the door that the job came by takes no objects of such a name."""
    named = job.source.kind in (SourceKind.LIST, SourceKind.SETS)
    return named and job.door is Door.NOMADICML and extension(key) != VIDEO_EXTENSION


def _hint(error: ObjectError, location: Location) -> str:
    """For whoever meant a pattern: a key is taken as it is."""
    if isinstance(error, ObjectMissing) and set("*?") & set(location.key):
        return "; wildcards are not supported, so name each object"
    return ""


def fate_by_existing(
    found: ListedObject, destination: str, job: Job, ports: ExpandPorts
) -> tuple[Fate | None, ListedObject | None]:
    """What lies at the destination, and the fate that it gives the clip; where it cannot be seen, the clip fails."""
    if job.settings.on_existing is OnExisting.OVERWRITE:
        return None, None
    try:
        existing = look_up(ports.storage, ports.clips_bucket, destination)
    except ObjectError as error:
        return (ClipStatus.FAILED, error.code, error.message), None
    return fate_of(found, existing, job.settings.on_existing), existing


def other_than_pinned(size: int | None, etag: str | None, found: ListedObject) -> Fate | None:
    """The fate of a line's clip where the object is not the one that the line pins, as far as it does."""
    if size not in (None, found.size):
        return ClipStatus.FAILED, "SOURCE_CHANGED", f"it has {found.size} bytes, its line says {size}"
    if etag not in (None, found.etag):
        return ClipStatus.FAILED, "SOURCE_CHANGED", f"its ETag is {found.etag}, its line says {etag}"
    return None


def destination_of(
    job: Job, at: Location, ordinal: int, *, name: str | None = None, store: str | None = None
) -> tuple[str, Fate | None]:
    """A clip's key in the clips bucket, by the name that its line gives, the job's template or its source.

    Where the name is not possible the key is empty, and that is the clip's fate.
    """
    template = job.settings.destination
    if name is None and template is None:
        return destination_key(job.project, job.folder, at, store=store), None
    try:
        if name is None:
            assert template is not None
            name = render(template, at, ordinal=ordinal, job_id=job.id)
        return named_destination(job.project, job.folder, name), None
    except InvalidDestination as error:
        return "", (ClipStatus.FAILED, error.code, error.message)
