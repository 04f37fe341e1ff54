"""Folders of a project.

An import may name a folder that has no row; a row gives the folder an id, a description and a scope.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from service.domain.errors import FolderExists, IdempotencyConflict, InvalidRequest, NotFound
from service.domain.jobs import Job, JobTag
from service.domain.limits import MAX_FOLDER
from service.domain.projects import Action, Actor, Folder, FolderScope
from service.ports.jobs import JobStore
from service.ports.projects import FolderStore
from service.ports.state import Clock
from service.projects.audit import entry_of
from service.support.paging import Page, read_page

MAX_NAME = MAX_FOLDER
"""Maximum characters, as in an import's `folder`."""
JOBS_COUNTED = 1_000
"""Newest imports of a folder whose videos are counted, 100 per call."""

_ID = re.compile(r"fd_[0-9a-f]{24}")
_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class FolderPorts:
    store: FolderStore
    jobs: JobStore
    clock: Clock
    audit_days: int


def folder_id(project: str, scope: FolderScope, name: str) -> str:
    """Return the id, which follows from the arguments, so two concurrent requests make one folder."""
    digest = hashlib.sha256(f"{project}\0{scope}\0{name}".encode()).hexdigest()
    return f"fd_{digest[:24]}"


@dataclass(frozen=True, kw_only=True)
class FolderRequest:
    name: str
    scope: FolderScope
    description: str | None = None
    """Stored only if this request makes the folder."""
    idempotency_key: str | None = None


def create_or_get(request: FolderRequest, *, project: str, by: Actor, ports: FolderPorts) -> Folder:
    """Return the folder of that name; make it if it does not exist. Raises `InvalidRequest`."""
    return _create(request, project, by, ports)[0]


def create(request: FolderRequest, *, project: str, by: Actor, ports: FolderPorts) -> Folder:
    """Make a folder. With the idempotency key that made it before, return it.

    Raises `FolderExists`, `IdempotencyConflict` (made with this key and another description), `InvalidRequest`.
    """
    folder, made = _create(request, project, by, ports)
    if not made:
        raise FolderExists(f"there is a folder {folder.name!r} of scope {folder.scope} in this project already")
    if folder.description != request.description:
        raise IdempotencyConflict("this idempotency key was used with another request before")
    return folder


def get_by_name(name: str, scope: FolderScope, *, project: str, store: FolderStore) -> Folder:
    """Raises `NotFound`."""
    found = store.get(project, folder_id(project, scope, name)) if _encodes(name) else None
    if found is None:
        raise NotFound(f"there is no folder {name!r} of scope {scope} in this project")
    return found


def get(identity: str, *, project: str, store: FolderStore) -> Folder:
    """Raises `NotFound`."""
    found = store.get(project, identity) if _ID.fullmatch(identity) else None
    if found is None:
        raise NotFound(f"there is no folder {identity!r} in this project")
    return found


def page(project: str, *, limit: int, cursor: str | None, store: FolderStore) -> Page[Folder]:
    """Return a page of folders, oldest first. Raises `InvalidCursor`, `InvalidRequest`."""
    return read_page(partial(store.page, project), scope=f"folders of {project}", limit=limit, cursor=cursor)


def video_count(folder: Folder, ports: FolderPorts) -> int:
    """Return the videos in the folder without deleted ones, by the counts of its imports."""
    return sum(
        job.counts.copied + job.counts.skipped - job.removed_landed
        for job in imports_into(
            folder.name, [folder.scope], project=folder.project, jobs=ports.jobs, limit=JOBS_COUNTED
        )
    )


def imports_into(
    name: str, scopes: Collection[FolderScope], *, project: str, jobs: JobStore, limit: int
) -> Sequence[Job]:
    """Return imports into folders of this name and scopes, newest first, among the newest `limit`."""
    found: list[Job] = []
    begin, looked_at = None, 0
    while looked_at < limit:
        page, begin = jobs.find(project, JobTag.FOLDER, name, limit=_PAGE, begin=begin)
        found += [job for job in page if _scope(job) in scopes]
        looked_at += _PAGE
        if begin is None:
            break
    return found


def _scope(job: Job) -> FolderScope:
    """Return the scope of an import's folder: the users' one, unless its folder id says otherwise."""
    asked = job.video_upload.folder_id if job.video_upload else None
    in_org = asked is not None and job.folder and asked == folder_id(job.project, FolderScope.ORG, job.folder)
    return FolderScope.ORG if in_org else FolderScope.USER


def _create(request: FolderRequest, project: str, by: Actor, ports: FolderPorts) -> tuple[Folder, bool]:
    """Return the folder, and whether this request made it, now or before."""
    _check(request.name)
    now, key = ports.clock(), request.idempotency_key
    new = Folder(
        id=folder_id(project, request.scope, request.name),
        project=project,
        scope=request.scope,
        name=request.name,
        description=request.description,
        created_at=now,
        created_by=by.key_id,
        idempotency=hashlib.sha256(key.encode()).hexdigest() if key else None,
    )
    entry = entry_of(Action.FOLDER_CREATE, new.id, project=project, by=by, now=now, days=ports.audit_days)
    known = ports.store.get(project, new.id)
    if known is None:
        if ports.store.create(new, entry=entry):
            return new, True
        known = get(new.id, project=project, store=ports.store)
    return known, key is not None and known.idempotency == new.idempotency


def _check(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidRequest(f"a folder's name has 1 to {MAX_NAME} characters, this one has {len(name):,}")
    if not _encodes(name) or any(character < " " or character == "\x7f" for character in name):
        raise InvalidRequest("a folder's name has no control characters and is valid Unicode")


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
