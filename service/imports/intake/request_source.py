"""Check what a request names: this is where its URIs are parsed first."""

from dataclasses import asdict

from service.domain.clip_ids import checked_clip_ids
from service.domain.errors import InvalidRequest, InvalidUri
from service.domain.filters import selection, time_of
from service.domain.jobs import Source, SourceKind
from service.domain.limits import MAX_FOLDER, MAX_LABELS, MAX_REQUEST_BYTES, check_size, check_text
from service.domain.requests import ImportRequest
from service.domain.uris import parse_object
from service.imports.inputs.view_sets import check_sets
from service.support.clock import timestamp


def check_fields(request: ImportRequest) -> None:
    """Raises `InvalidRequest` where a field is longer than its limit, or all of them than a job's row."""
    if len(request.labels) > MAX_LABELS:
        raise InvalidRequest(f"labels has {len(request.labels):,} labels, the limit is {MAX_LABELS}")
    for index, label in enumerate(request.labels):
        check_text(f"labels[{index}]", label)
    for name in ("run_name_prefix", "test_run_group_name"):
        if (text := getattr(request, name)) is not None:
            check_text(name, text)
    if request.folder is not None:
        check_text("folder", request.folder, limit=MAX_FOLDER)
    filters = asdict(request.filters) if request.filters else None
    kept = [filters, asdict(request.settings), request.labels]
    check_size("filters, settings and labels", kept, limit=MAX_REQUEST_BYTES)


def source_of(request: ImportRequest, max_clips: int, *, max_clip_ids: int = 0, late: bool = False) -> Source:
    """The source that a request names, its URIs checked. Raises `InvalidRequest`.

    `max_clip_ids`: how many clip ids it may name.
    `late`: do not refuse the request for a single malformed URI; planning fails that clip.
    """
    as_of = _as_of(request)
    given = (request.exact_paths, request.root_path, request.manifest_uri, request.sets)
    if sum(way is not None for way in given) != 1:
        raise InvalidRequest("Provide exactly one of exact_paths or root_path (or manifest_uri or sets)")
    if request.clip_ids is not None:
        return _clips_by_ids(request, as_of, max_clip_ids)
    if request.root_path is not None:
        count = len(request.directories) if request.directories else None
        source = Source(kind=SourceKind.PREFIX, uri=request.root_path, count=count, as_of=as_of)
        selection(request.filters, source.location.key)
        return source
    if request.manifest_uri is not None:
        selection(request.filters)
        if parse_object(request.manifest_uri).zip:
            raise InvalidRequest("manifest_uri names a member of a zip: store the manifest as an object of its own")
        return Source(kind=SourceKind.MANIFEST, uri=request.manifest_uri)
    if request.filters is not None:
        raise InvalidRequest("filters are for root_path and manifest_uri: leave out of the request what is not wanted")
    if request.sets is not None:
        check_sets(request.sets, max_clips, late=late)
        return Source(kind=SourceKind.SETS, count=len(request.sets), as_of=as_of)
    assert request.exact_paths is not None
    if not request.exact_paths:
        raise InvalidRequest("exact_paths is empty")
    if len(request.exact_paths) > max_clips:
        raise InvalidRequest(f"exact_paths has {len(request.exact_paths):,} URIs, the limit is {max_clips:,}")
    for index, uri in enumerate(() if late else request.exact_paths):
        try:
            parse_object(uri)
        except InvalidUri as error:
            raise InvalidUri(f"exact_paths[{index}]: {error.message}") from error
    return Source(kind=SourceKind.LIST, count=len(request.exact_paths), as_of=as_of)


def _clips_by_ids(request: ImportRequest, as_of: str | None, limit: int) -> Source:
    if request.root_path is None:
        raise InvalidRequest("clip_ids needs root_path: the prefix below which the clips are looked for")
    count = len(checked_clip_ids(request.clip_ids or (), limit=limit))
    source = Source(kind=SourceKind.CLIP_IDS, uri=request.root_path, count=count, as_of=as_of)
    selection(request.filters, source.location.key)
    return source


def _as_of(request: ImportRequest) -> str | None:
    """Return the time, in the format of `service.domain.jobs`. Raises `InvalidRequest` where nothing knows the past."""
    time = time_of("as_of", request.as_of)
    if time is None:
        return None
    if request.manifest_uri is not None:
        raise InvalidRequest("as_of is for root_path, exact_paths and sets; the lines of a manifest name versions")
    views = (uri for one in request.sets or () for _, uri in one.views)
    for uri in (request.root_path, *(request.exact_paths or ()), *views):
        if uri is not None and uri.startswith("hf://"):
            raise InvalidRequest("as_of: Hugging Face keeps commits; name one as @revision (hf://datasets/a/b@main/…)")
    return timestamp(time)
