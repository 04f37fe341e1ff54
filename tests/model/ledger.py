"""Watch what the processes change, whatever the ports answer."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.domain.clips import ClipStatus
from service.domain.requests import OnExisting, Upload
from service.domain.uris import Location
from service.sources.port import Pin
from tests.builders import World

if TYPE_CHECKING:
    from tests.model.process import Process

_CHANGES = {
    "jobs": "create begin_planning end_planning retry reopen end request_cancel record_batch delete restoring",
    "clips": "settle remove source_settled _put _settle_one _reopen_one",
    "state": "put put_new",
    "storage": "copy begin_parts copy_part send_part complete_parts abort abort_begun_since remove_marked remove_up_to",
    "large": "claim update remove",
    "ends": "save restart",
}
"""Requests that change something of one import, by port."""
CHANGES = {port: frozenset(methods.split()) for port, methods in _CHANGES.items()}


class Violation(AssertionError):
    """Something happened that must not happen in any order of events."""


@dataclass(frozen=True)
class Write:
    """An object that was put at a destination. `before`: ETag of the object that lay there."""

    process: str
    job_id: str | None
    key: str
    before: str | None
    etag: str
    late: bool
    """Whether the batch that it was made for was counted, or its attempt had ended."""


@dataclass
class Ledger:
    world: World
    writes: list[Write] = field(default_factory=list)
    removed_by_users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """ETags of the versions that deleting videos removed, by key."""
    events: Counter[str] = field(default_factory=Counter)
    """How often each kind of event happened, to see that the runs come to all of them."""
    uploaded: dict[str, datetime] = field(default_factory=dict)
    """When each upload was made, by identity."""
    manifests: list[Upload] = field(default_factory=list)
    """Manifests that users uploaded."""
    cancelled: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """When a user knew that an attempt was cancelled, by import and attempt."""
    begun_late: set[tuple[str, int]] = field(default_factory=set)
    """Clips whose multipart upload began late in this sense."""
    begun_late_at: set[str] = field(default_factory=set)
    """Destinations of those."""
    projects: dict[str, str] = field(default_factory=dict)
    """Projects of all imports that ever were, by id."""

    @contextmanager
    def watch(self, process: "Process", port: str, method: str, args: Any, kwargs: Any) -> Iterator[None]:
        """Compare the world before and after a request. Raises `Violation`."""
        if port == "jobs" and method == "create":
            self.projects.setdefault(args[0].id, args[0].project)
        if port == "uploads" and method == "open":
            self.projects[args[0].id] = args[0].project
        if method in CHANGES.get(port, ()):
            self._check_project(process, port, method, args)
        if (port, method) == ("large", "claim") and self._is_late(process):
            self.begun_late.add((args[0].job_id, args[0].ordinal))
        if (port, method) == ("storage", "begin_parts") and self._is_late(process):
            self.begun_late_at.add(args[0].destination)
        if (port, method) == ("removals", "remove"):
            self._check_removal(process, *args)
            self.events["source deleted"] += 1
        if (port, method) == ("clips", "source_settled"):
            yield from self._source_settled(process, *args[:2])
            return
        if port != "storage":
            yield
            return
        clips = self.world.storage.clips_bucket
        before = (
            {key: list(versions) for key, versions in self.world.storage.marks.items()} if "remove" in method else {}
        )
        key = args[0].destination if method in ("copy", "complete_parts") else None
        there = self.world.storage.buckets[clips].get(key) if key else None
        count = len(self.world.storage.marks[key]) if key else 0
        yield
        if key and len(self.world.storage.marks[key]) > count:
            settings = args[1] if method == "copy" else args[3]
            self._wrote(process, args[0], settings.on_existing, there.etag if there else None)
        for removed_from, versions in before.items():
            left = self.world.storage.marks[removed_from]
            gone = [(item, mark) for item, mark in versions if (item, mark) not in left]
            if gone:
                self._removed(process, method, removed_from, args, kwargs, gone)

    def _check_project(self, process: "Process", port: str, method: str, args: Any) -> None:
        project = process.project
        if project is None or (port, method) == ("jobs", "create"):
            return
        if port == "storage":
            key = getattr(args[0], "destination", args[0])
            if not key.startswith(f"{project}/"):
                raise Violation(f"{process.name} of project {project} changes {key} by {method}")
            return
        subject = getattr(args[0], "job_id", getattr(args[0], "id", args[0]))
        if port == "state":
            subject = args[0].split("/")[1]
        owner = self.projects.get(subject)
        if owner not in (project, None):
            raise Violation(f"{process.name} of project {project} changes {subject} of {owner} by {port}.{method}")

    def _source_settled(self, process: "Process", job_id: str, ordinal: int) -> Iterator[None]:
        """A row never says that a source was kept after one said that it was deleted."""
        rows = self.world.clips.rows[job_id]
        before = rows.get(ordinal)
        yield
        now = rows.get(ordinal)
        if before and before.source and before.source.deleted and now and not (now.source and now.source.deleted):
            raise Violation(f"{process.name} takes back that the source of {job_id}/{ordinal} was deleted")

    def _check_removal(self, process: "Process", at: Location, pin: Pin) -> None:
        """A source is deleted only while its copy lies where a row of the import says that it was copied."""
        storage = self.world.storage
        there = storage.buckets[at.bucket].get(at.key)
        if there is None or there.etag != pin.etag:
            return  # the store refuses
        for row in self.world.clips.rows[process.job_id or ""].values():
            copy = storage.buckets[storage.clips_bucket].get(row.destination or "")
            if row.status is ClipStatus.COPIED and row.source_uri == str(at) and copy and copy.etag == row.etag:
                return
        raise Violation(f"{process.name} deletes {at}, of which it has no copy")

    def _wrote(self, process: "Process", entry: Any, on_existing: OnExisting, before: str | None) -> None:
        etag = self.world.storage.buckets[self.world.storage.clips_bucket][entry.destination].etag
        if on_existing is OnExisting.FAIL and before is not None:
            raise Violation(f"{process.name} overwrote {entry.destination}, though on_existing is fail")
        if on_existing is OnExisting.SKIP and before != entry.destination_etag:
            raise Violation(f"{process.name} overwrote {before} at {entry.destination}, which it has not seen")
        if on_existing is OnExisting.SKIP and entry.group is None and before == etag == entry.etag:
            raise Violation(f"{process.name} copied {etag} over itself at {entry.destination}")
        late = self._is_late(process)
        self.writes.append(Write(process.name, process.job_id, entry.destination, before, etag, late))
        self.events["copied over another object" if before else "copied"] += 1
        self.events["copied late"] += late

    def _is_late(self, process: "Process") -> bool:
        job = self.world.jobs.rows.get(process.job_id or "")
        counted = (process.run, process.batch) in self.world.jobs.batches.get(process.job_id or "", {})
        return job is None or job.status.terminal or job.run != process.run or counted

    def _removed(self, process: "Process", method: str, key: str, args: Any, kwargs: Any, gone: list[Any]) -> None:
        """A set takes back its own copies only; a deleted video takes its version and older ones only."""
        if key != args[0]:
            raise Violation(f"{process.name} removed versions of {key} instead of {args[0]}")
        if method == "remove_marked" and {mark for _, mark in gone} != {args[1]}:
            raise Violation(f"{process.name} removed copies of others at {key}")
        if method == "remove_up_to":
            if gone[-1][0].etag != kwargs["etag"]:
                raise Violation(f"{process.name} removed {gone[-1][0].etag} at {key}, not {kwargs['etag']}")
            self.removed_by_users[key] |= {item.etag for item, _ in gone}
        self.events[f"{method} removed versions"] += 1
