"""Pin a clip: decide which object it is, its destination, and its fate if there is one already."""

from dataclasses import dataclass, replace

from service.domain.clip_names import VIDEO_EXTENSION, extension
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.destination_template import named_destination, render
from service.domain.destinations import destination_key
from service.domain.errors import InvalidDestination, InvalidUri, ObjectError, ObjectMissing
from service.domain.fates import CANCELLED, Fate
from service.domain.ids import job_of_mark
from service.domain.jobs import Door, Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.members import MemberObject
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.rate_windows import unless_window
from service.domain.requests import OnExisting
from service.domain.uris import Location, parse_object
from service.imports.access.reach import REFUSALS, Reach, id_of, store_of
from service.imports.planning.archived import Look, unless_archived
from service.imports.planning.context import ExpandPorts
from service.imports.planning.existing import look_up, settled_by


def pin(
    ordinal: int,
    uri: str,
    destination: str,
    found: ListedObject,
    fate: Fate | None,
    *,
    integration: str | None = None,
) -> ManifestEntry:
    """Return the clip as it is to be copied, or with its fate.

    A member of a zip that cannot be unpacked fails; so does an object that its store lists by a key that no URI has,
    without a destination.
    """
    try:
        parse_object(uri)
    except InvalidUri as error:
        destination, fate = "", Fate.failed(error)
    member = found if isinstance(found, MemberObject) else None
    if member and member.problem and fate is None:
        fate = Fate(ClipStatus.FAILED, ClipCode.MEMBER_UNREADABLE, member.problem)
    return ManifestEntry(
        ordinal=ordinal,
        source_uri=uri,
        destination=destination,
        size=found.size,
        etag=found.etag,
        version=found.version,
        integration=integration,
        packed=member.packed if member else None,
    ).with_fate(fate)


@dataclass(frozen=True)
class Target:
    """A clip's destination, and what opens its source. Without a `refusal` something opens it."""

    destination: str
    misnamed: Fate | None = None
    """Set if the clip cannot have this name."""
    integration: str | None = None
    refusal: Fate | None = None


def target_of(job: Job, at: Location, ordinal: int, reach: Reach, *, name: str | None = None) -> Target:
    """Find the target. `name` is the destination that the clip's line gives."""
    opener, refusal = opened(at, reach)
    destination, misnamed = destination_of(job, at, ordinal, name=name, store=store_of(opener))
    return Target(destination, misnamed, id_of(opener), refusal)


def opened(at: Location, reach: Reach) -> tuple[Integration | None, Fate | None]:
    """Return what opens the object, or the fate of its clip if nothing does."""
    try:
        return reach.opener(at), None
    except REFUSALS as error:
        return None, Fate.failed(error)


def inspect(
    ordinal: int, location: Location, target: Target, *, job: Job, reach: Reach, ports: ExpandPorts
) -> ManifestEntry:
    """Pin one clip by a HEAD of its source."""
    uri = str(location)
    clip = ManifestEntry(
        ordinal=ordinal, source_uri=uri, destination=target.destination, integration=target.integration
    )
    if job.cancel_requested:
        return clip.with_fate(CANCELLED)
    if is_unfit(job, location.key):
        message = f"this endpoint accepts only {VIDEO_EXTENSION} files, and {ascii(location.key)[1:-1]} is none"
        return clip.with_fate(Fate(ClipStatus.FAILED, ClipCode.UNSUPPORTED_EXTENSION, message))
    if target.refusal:
        # Without a destination, which would name the store: a retry plans the clip afresh.
        return replace(clip, destination="").with_fate(target.refusal)
    try:
        found = reach.look_at(location, target.integration)
    except ObjectError as error:
        fate = Fate.failed(unless_window(error))
        return clip.with_fate(replace(fate, message=fate.message + _hint(error, location)))
    pinned = pin(ordinal, uri, target.destination, found, target.misnamed, integration=target.integration)
    return look_at_destination(pinned, found, job, ports, reach.look_again, by_time=newest_alone(job))


def newest_alone(job: Job) -> bool:
    """Whether a clip's destination belongs to its source alone, in its newest version."""
    return job.settings.destination is None and job.source.as_of is None


def is_unfit(job: Job, key: str) -> bool:
    """Whether the endpoint that the job came by refuses objects of this name."""
    named = job.source.kind in (SourceKind.LIST, SourceKind.SETS)
    return named and job.door is Door.NOMADICML and extension(key) != VIDEO_EXTENSION


def _hint(error: ObjectError, location: Location) -> str:
    """Return a hint for callers who meant a pattern: keys are taken literally."""
    if isinstance(error, ObjectMissing) and set("*?") & set(location.key):
        return "; wildcards are not supported, so name each object"
    return ""


def look_at_destination(
    entry: ManifestEntry, found: ListedObject, job: Job, ports: ExpandPorts, look: Look, *, by_time: bool = False
) -> ManifestEntry:
    """Let the object at the destination decide over a clip without a fate; if it cannot be seen, the clip fails. Then
    let the source's archive decide.

    An import that overwrites looks for uploads only, whose copies are always conditional.

    `by_time` as `unchanged` explains it.
    """
    if entry.fate:
        return entry
    if job.settings.on_existing is OnExisting.OVERWRITE and not entry.upload:
        return unless_archived(entry, found, job, look)
    try:
        existing = look_up(ports.storage, ports.clips_bucket, entry.destination)
    except ObjectError as error:
        return entry.with_fate(Fate.failed(error))
    own = existing is not None and job_of_mark(existing.mark) == job.id
    if own and job.settings.on_existing is OnExisting.FAIL:
        # An earlier attempt copied it, and no row says so: the copy's condition fails, and the copier knows its own.
        return unless_archived(entry, found, job, look)
    settled = settled_by(entry, found, existing, job.settings.on_existing, by_time=by_time)
    return unless_archived(settled, found, job, look)


def other_than_pinned(size: int | None, etag: str | None, found: ListedObject) -> Fate | None:
    """Return the fate of a line's clip if the object differs from the size or ETag that the line gives."""
    if size not in (None, found.size):
        return _changed(f"it has {found.size:,} bytes, its line says {size:,}")
    if etag not in (None, found.etag):
        return _changed(f"its ETag is {found.etag}, its line says {etag}")
    return None


def _changed(message: str) -> Fate:
    return Fate(ClipStatus.FAILED, ClipCode.SOURCE_CHANGED, message)


def destination_of(
    job: Job, at: Location, ordinal: int, *, name: str | None = None, store: str | None = None
) -> tuple[str, Fate | None]:
    """Return a clip's key in the clips bucket, by its line's name, the job's template or its source.

    If the name is not possible, the key is empty and the fate says why.
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
        return "", Fate.failed(error)
