"""Play users and outside stores: ask for imports, upload, retry, cancel, delete, change objects."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import md5

from service.domain.errors import ClipferryError, SourceUnavailable, TableBusy
from service.domain.ids import clip_id, execution_name
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import (
    Archived,
    DeleteSource,
    ImportRequest,
    ImportSettings,
    Notify,
    OnExisting,
    Restore,
    Tolerance,
    ViewSet,
)
from service.imports.completion.delete import delete
from service.imports.intake.cancel import cancel
from service.imports.intake.retry_request import retry
from service.imports.intake.submit import submit
from service.imports.queries.delete_video import remove
from service.imports.queries.videos import get_video
from tests.builders import CLIPS_BUCKET, DROP_BUCKET, PROJECT, SOURCE_BUCKET, World, a_set, an_upload
from tests.fakes.faults import port_call
from tests.fakes.objects import FakeStorage
from tests.model.machine import Aws
from tests.model.process import Busy, Process
from tests.model.scheduler import Actor, Killed

OTHER = "other"
PROJECTS = (PROJECT, OTHER)
KEYS = tuple(f"p/{letter}.zip" for letter in "abcdefgh")
LARGE = {"p/b.zip", "p/f.zip"}
"""Objects that are copied in parts."""
STREAMED = {"p/e.zip", "p/f.zip"}
"""Objects whose bytes pass through the process."""
IN_PARTS = {"p/b.zip", "p/c.zip", "p/f.zip", "x.zip"}
"""Objects that were uploaded in parts: their ETags are no MD5s."""
ARCHIVED = ("p/a.zip", "p/c.zip", "p/d.zip", "p/f.zip")
SETS = (("p/a.zip", "p/b.zip"), ("p/c.zip", "p/e.zip", "p/f.zip"), ("p/g.zip",), ("p/h.zip", "p/missing.zip"))
UPLOADED = ("x.zip", "y.zip", "z.zip")
MANIFESTS = ("1.manifest.jsonl", "2.manifest.jsonl")
CLIENT_TRIES = 3


class ModelStorage(FakeStorage):
    """ETags have S3's forms, which decide what the service takes for the same clip."""

    @port_call
    def restore(self, entry: ManifestEntry, how: Restore) -> None:
        at = entry.location
        there = self.buckets[at.bucket].get(at.key)
        if there and there.archive:  # S3 has nothing to restore of other objects
            self.restores[at.key] = how

    def restored(self, bucket: str, key: str) -> None:
        if key in self.buckets[bucket]:
            super().restored(bucket, key)

    def put(self, bucket: str, key: str, size: int = 10, *, version: str | None = None) -> ListedObject:
        digest = md5(f"{self.writes}".encode(), usedforsecurity=False).hexdigest()
        item = replace(super().put(bucket, key, size, version=version), etag=digest + "-2" * (key in IN_PARTS))
        self.buckets[bucket][key] = item
        if bucket == self.clips_bucket:
            self.marks[key][-1] = (item, None)
        if version:
            self.versions[bucket, key, version] = item
        return item


ACTS = {
    "import": 5,
    "upload": 3,
    "cancel_uploads": 2,
    "retry": 6,
    "cancel": 2,
    "delete": 2,
    "delete_video": 2,
    "change_source": 1,
    "abort": 1,
}
"""Actions of users, and how often each occurs."""


@dataclass
class Habits:
    """Choose the kinds of actions of one run. Runs with few kinds reach more of their combinations."""

    keys: Sequence[str]
    weights: Sequence[float]
    waits: Sequence[float]
    on_existing: Sequence[OnExisting]
    kinds: Sequence[str]
    archived: Sequence[str]
    """Sources that are archived at first."""
    moves: float
    """How likely an import deletes what it copied."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "Habits":
        return cls(
            keys=sorted(rng.sample(KEYS, rng.choice((2, 4, len(KEYS))))),
            weights=[often * rng.choice((0, 1, 1, 4)) if act != "import" else often for act, often in ACTS.items()],
            waits=rng.choice(((0,), (0, 1, 5), (0, 5, 30, 300), (0, 1, 30, 300, 2_000))),
            on_existing=rng.sample(list(OnExisting), rng.choice((1, 2, 3))),
            kinds=rng.sample(("list", "prefix", "sets"), rng.choice((1, 2, 3))),
            archived=rng.choice(((), ARCHIVED)),
            moves=rng.choice((0, 0, 0.2, 0.8)),
        )


@dataclass
class Users:
    aws: Aws
    habits: Habits
    drops: bool = False
    """Whether they upload manifests, too."""
    sequencer: int = 0

    @property
    def world(self) -> World:
        return self.aws.world

    def set_up(self) -> None:
        """Put sources for all, and objects at some destinations, which imports must treat as they say."""
        storage = self.world.storage
        storage.streamed |= STREAMED
        for key in self.habits.keys:
            item = storage.put(SOURCE_BUCKET, key, 35 if key in LARGE else 10)
            if key in self.habits.archived:
                storage.buckets[SOURCE_BUCKET][key] = replace(item, archive="GLACIER")
        for project in PROJECTS:
            for key in self._some(self.habits.keys):
                there = f"{project}/-/{SOURCE_BUCKET}/{key}"
                if self._chance(0.5):
                    same = replace(storage.buckets[SOURCE_BUCKET][key], key=there, archive=None)
                    storage.buckets[CLIPS_BUCKET][there] = same
                    storage.marks[there].append((same, None))
                else:
                    storage.put(CLIPS_BUCKET, there, 10)

    def live(self, project: str, acts: int, actor: Actor) -> None:
        """Do some things, one after the other, with pauses between them."""
        for _ in range(acts):
            self.aws.scheduler.sleep(actor, self.aws.scheduler.random.choice(self.habits.waits))
            if self.drops and self._chance(0.4):
                self._drop_manifest(project)
            (act,) = self.aws.scheduler.random.choices(list(ACTS), self.habits.weights)
            getattr(self, f"_{act}")(project, actor)
        self.aws.busy_users -= 1
        if not self.aws.busy_users:
            self.aws.scheduler.note("no more trouble from here")
            self.aws.chaos.end()
            self.aws.late = 0

    # --- requests ----------------------------------------------------------------------------------------------------

    def _ask(self, project: str, actor: Actor, name: str, request: Callable[[Process, World], object]) -> None:
        """Send a request as clients do: again if there was no answer."""

        def scoped(process: Process, view: World) -> object:
            process.project = project
            return request(process, view)

        for _ in range(CLIENT_TRIES):
            try:
                self.aws.call(actor, name, scoped, None)
            except (Busy, Killed, TableBusy, SourceUnavailable):
                if self.aws.scheduler.failure is not None:
                    raise
                continue
            except ClipferryError as answer:
                self.aws.ledger.events[f"{name}: {type(answer).__name__}"] += 1
                return
            self.aws.ledger.events[name] += 1
            return

    def _import(self, project: str, actor: Actor) -> None:
        rng = self.aws.scheduler.random
        settings = ImportSettings(
            on_existing=rng.choice(self.habits.on_existing),
            tolerated_failures=rng.choice((None, None, Tolerance(count=1))),
            max_concurrency=rng.choice((None, 2)),
            archived=rng.choice((*Archived, Archived.RESTORE)) if self.habits.archived else Archived.FAIL,
            delete_source=DeleteSource.AFTER_VERIFIED if self._chance(self.habits.moves) else DeleteSource.NEVER,
            notify=Notify(webhook_url=rng.choice((None, "https://example.com/hook"))),
        )
        request = ImportRequest(
            settings=settings,
            idempotency_key=rng.choice((None, "k1", "k2", "k3")),
            folder=rng.choice((None, None, "f")),
        )
        kind = rng.choice(self.habits.kinds)
        if kind == "list":
            uris = [f"s3://{SOURCE_BUCKET}/{key}" for key in (*self._some(self.habits.keys), self.habits.keys[0])]
            request = replace(request, exact_paths=(*uris, uris[0]))
        elif kind == "prefix":
            request = replace(request, root_path=f"s3://{SOURCE_BUCKET}/p/")
        else:
            sets = tuple(self._set(keys) for keys in self._some(SETS)) or (self._set(SETS[0]),)
            request = replace(request, sets=sets)

        def send(_process: Process, view: World) -> None:
            submit(request, project=project, key_id="key_1", ports=view.submit_ports)

        self._ask(project, actor, "submit", send)

    @staticmethod
    def _set(keys: Sequence[str]) -> ViewSet:
        return a_set(*keys)

    def _job(self, project: str, *, ended: bool | None = None) -> Job | None:
        """An import, at times one of the other project."""
        jobs = [job for job in self.world.jobs.rows.values() if ended is None or job.status.terminal is ended]
        own = [job for job in jobs if job.project == project]
        return self.aws.scheduler.random.choice(own if own and self._chance(0.9) else jobs) if jobs else None

    def _retry(self, project: str, actor: Actor) -> None:
        job = self._job(project, ended=True)
        if job is None:
            return
        rng = self.aws.scheduler.random
        clips = [clip_id(job.id, ordinal) for ordinal in range(job.counts.total) if rng.random() < 0.5]
        chosen, key = (clips if clips and rng.random() < 0.4 else None), rng.choice((None, "r1", "r2"))

        def send(_process: Process, view: World) -> None:
            retry(
                job.id,
                project=project,
                clip_ids=chosen,
                idempotency_key=key,
                key_id="key_2",
                ports=view.status_ports,
                workflow=view.workflow,
                clock=view.clock,
            )

        self._ask(project, actor, "retry", send)

    def _cancel(self, project: str, actor: Actor) -> None:
        job = self._job(project, ended=False)
        if job:
            self._cancel_job(job, project, actor)

    def _cancel_job(self, job: Job, project: str, actor: Actor) -> None:
        def send(_process: Process, view: World) -> None:
            asked = cancel(job.id, project=project, jobs=view.jobs, workflow=view.workflow, clock=view.clock)
            self.aws.ledger.cancelled.setdefault((job.id, asked.run), self.aws.scheduler.clock.now)

        self._ask(project, actor, "cancel", send)

    def _cancel_uploads(self, project: str, actor: Actor) -> None:
        """Cancel the import that gathers this project's uploads, between two uploads."""
        self._upload(project, actor)
        self.aws.scheduler.sleep(actor, self.aws.scheduler.random.choice((5, 15)))
        gathering = self.world.uploads.gathering.get(project)
        job = self.world.jobs.rows.get(gathering or "")
        if job and not job.status.terminal:
            self._cancel_job(job, project, actor)
        self._upload(project, actor)

    def _delete(self, project: str, actor: Actor) -> None:
        job = self._job(project, ended=True)
        if job:
            self._ask(
                project,
                actor,
                "delete",
                lambda _process, view: delete(job.id, project=project, jobs=view.jobs, clock=view.clock),
            )

    def _delete_video(self, project: str, actor: Actor) -> None:
        job = self._job(project)
        if job and job.counts.total:
            video = clip_id(job.id, self.aws.scheduler.random.randrange(job.counts.total))
            self._ask(project, actor, "delete video", partial(self._remove, video, project))

    @staticmethod
    def _remove(video: str, project: str, _process: Process, view: World) -> None:
        remove(get_video(video, project=project, ports=view.status_ports), ports=view.remove_ports)

    # --- outside -----------------------------------------------------------------------------------------------------

    def _upload(self, project: str, _actor: Actor) -> None:
        """Put an object into the drop bucket. Its event comes late, twice, or after that of a later upload."""
        rng = self.aws.scheduler.random
        for _ in range(rng.randint(1, 4)):
            self.sequencer += 1
            folder = "" if project == PROJECT else f"inbox/{project}/"
            version = f"v{self.sequencer}"
            item = self.world.storage.put(DROP_BUCKET, folder + rng.choice(UPLOADED), version=version)
            upload = an_upload(item.key, sequencer=f"{self.sequencer:06d}", etag=item.etag, version=version)
            now = self.aws.scheduler.clock.now.timestamp()
            for _ in range(rng.choice((1, 1, 2))):
                self.aws.queue.append((now + rng.choice((0, 0, 10, 400)), upload))
            self.aws.ledger.uploaded[upload.identity] = self.aws.scheduler.clock.now

    def _drop_manifest(self, project: str) -> None:
        """Upload a manifest, or the one that is there again. Its event comes late, twice, or out of order."""
        rng, storage = self.aws.scheduler.random, self.world.storage
        key = ("" if project == PROJECT else f"inbox/{project}/") + rng.choice(MANIFESTS)
        item = storage.buckets[DROP_BUCKET].get(key)
        if item is None or self._chance(0.5):
            lines = [f'{{"uri": "s3://{SOURCE_BUCKET}/{one}"}}\n' for one in self._some(self.habits.keys)]
            item = storage.put_body(DROP_BUCKET, key, "".join(lines).encode())
        self.sequencer += 1
        upload = an_upload(key, sequencer=f"{self.sequencer:06d}", etag=item.etag, size=item.size)
        now = self.aws.scheduler.clock.now.timestamp()
        for _ in range(rng.choice((1, 1, 2))):
            self.aws.queue.append((now + rng.choice((0, 0, 10, 400)), upload))
        self.aws.ledger.manifests.append(upload)

    def _change_source(self, _project: str, _actor: Actor) -> None:
        key = self.aws.scheduler.random.choice(self.habits.keys)
        self.world.storage.put(SOURCE_BUCKET, key, 35 if key in LARGE else 10)

    def _abort(self, _project: str, _actor: Actor) -> None:
        jobs = [job for job in self.world.jobs.rows.values() if not job.status.terminal]
        names = [execution_name(job.id, job.run) for job in jobs]
        started = [name for name in names if name in self.world.workflow.waits]
        if started:
            self.aws.abort(self.aws.scheduler.random.choice(started))

    def _some(self, things: Sequence[str] | Sequence[Sequence[str]]) -> list:  # type: ignore[type-arg]
        return [one for one in things if self._chance(0.6)]

    def _chance(self, likely: float) -> bool:
        return self.aws.scheduler.random.random() < likely
