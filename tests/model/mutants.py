"""Faults that the service, or an early version of it, could have: the model must find each of them.

A mutant spoils a fake of one world, or the service itself for as long as `patch` lasts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import NotFound
from service.domain.jobs import Job, JobStatus
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.domain.state_keys import skipped_key
from service.imports.completion import delete, delete_sources, finish
from service.imports.copying import conflict, worker
from service.imports.intake import cancel, retry_request
from service.imports.manifest import skipped, store
from service.imports.queries import videos
from service.imports.results import clip_rows, source_fates
from service.ports.uploads import AlreadyClaimed, GatheringClosed
from tests.builders import World
from tests.fakes.jobs import FakeJobs

Mutant = Callable[[World, pytest.MonkeyPatch], object]


def rows_overwritten(world: World, patch: pytest.MonkeyPatch) -> None:
    """A late worker's rows replace those that were counted."""

    def settle(job_id: str, row: ClipRow, _run: int) -> ClipRow:
        world.clips.rows[job_id][row.ordinal] = row
        return row

    patch.setattr(world.clips, "_settle_one", settle)


def batches_counted_again(world: World, patch: pytest.MonkeyPatch) -> None:
    """A batch that is delivered twice counts twice."""
    record = world.jobs.record_batch

    def again(job_id: str, number: int, *args: Any, run: int = 0) -> bool:
        world.jobs.batches[job_id].pop((run, number), None)
        return record(job_id, number, *args, run=run)

    patch.setattr(world.jobs, "record_batch", again)


def destinations_written_blindly(world: World, patch: pytest.MonkeyPatch) -> None:
    """A copy does not ask what lies at its destination by now."""
    patch.setattr(world.storage, "_check_destination", lambda _entry, _settings: None)


def found_etag_forgotten(_world: World, patch: pytest.MonkeyPatch) -> None:
    """The row of a clip that is skipped while it is copied has the source's ETag instead of the object's."""
    row_for = clip_rows.row_for
    patch.setattr(conflict, "row_for", lambda entry, fate: row_for(replace(entry, destination_etag=None), fate))


def cancelled_imports_take_uploads(world: World, patch: pytest.MonkeyPatch) -> None:
    """An upload joins an import that was cancelled before it came."""

    def claim(job_id: str, uploads: Sequence[Any], list_key: str) -> None:
        world.uploads._refuse_claimed(uploads)  # noqa: SLF001
        job = world.jobs.rows.get(job_id)
        if job is None or job.status is not JobStatus.PENDING or job.run:
            raise GatheringClosed
        world.uploads._take(job_id, uploads, list_key)  # noqa: SLF001

    patch.setattr(world.uploads, "claim", claim)


def uploads_claimed_again(world: World, patch: pytest.MonkeyPatch) -> None:
    """A message that is delivered twice gives its upload to two imports."""
    patch.setattr(world.uploads, "_refuse_claimed", lambda _uploads: None)


def claimed_uploads_dropped(world: World, patch: pytest.MonkeyPatch) -> None:
    """One upload that has an import already makes the others of its message be forgotten."""
    refuse = world.uploads._refuse_claimed  # noqa: SLF001

    def refuse_all(uploads: Sequence[Any]) -> None:
        try:
            refuse(uploads)
        except AlreadyClaimed as claimed:
            owner = next(iter(claimed.owners.values()))
            raise AlreadyClaimed({upload.identity: owner for upload in uploads}) from claimed

    patch.setattr(world.uploads, "_refuse_claimed", refuse_all)


def sets_taken_back_with_others(world: World, patch: pytest.MonkeyPatch) -> None:
    """Taking back a set removes whatever lies at its destinations."""

    def remove(key: str, _mark: str) -> None:
        world.storage.marks[key] = []
        world.storage.buckets[world.storage.clips_bucket].pop(key, None)

    patch.setattr(world.storage, "remove_marked", remove)


def retries_counted_down_twice(world: World, patch: pytest.MonkeyPatch) -> None:
    """A repeated planner subtracts the former results of a retry's clips again."""
    reopen = world.jobs.reopen

    def again(job: Job, *args: Any) -> bool:
        current = world.jobs.rows.get(job.id)
        if current and current.planned_run == job.run:
            world.jobs.rows[job.id] = replace(current, planned_run=job.run - 1)
        return reopen(job, *args)

    patch.setattr(world.jobs, "reopen", again)


def attempts_ended_again(world: World, patch: pytest.MonkeyPatch) -> None:
    """An attempt that has ended ends once more."""

    def update(self: FakeJobs, job_id: str, run: int | None, **changes: object) -> Job | None:
        job = self.rows.get(job_id)
        if job is None or run not in (None, job.run):
            return None
        self.rows[job_id] = replace(job, **changes)  # type: ignore[arg-type]
        return self.rows[job_id]

    patch.setattr(FakeJobs, "_update", update)
    assert isinstance(world.jobs, FakeJobs)


def projects_not_checked(_world: World, patch: pytest.MonkeyPatch) -> None:
    """A caller reaches the imports of other projects by their ids."""

    def any_job(job_id: str, *, project: str, jobs: Any) -> Job:  # noqa: ARG001
        job = jobs.get(job_id)
        if job is None:
            raise NotFound(job_id)
        return job  # type: ignore[no-any-return]

    for module in (cancel, delete, retry_request, videos):
        patch.setattr(module, "get_job", any_job)


def conflicts_taken_for_own_copies(_world: World, patch: pytest.MonkeyPatch) -> None:
    """Any object at a destination counts as the copy of this import."""

    def ours(_work: object, clip: Any, _found: object) -> ClipRow:
        return ClipRow(
            ordinal=clip.entry.ordinal,
            status=ClipStatus.COPIED,
            size=clip.entry.size,
            etag=clip.entry.etag,
            source_uri=clip.entry.source_uri,
            destination=clip.entry.destination,
        )

    patch.setattr(worker, "decide", ours)


def unfinished_uploads_forgotten(_world: World, patch: pytest.MonkeyPatch) -> None:
    """The end of an import leaves unfinished multipart uploads open."""
    patch.setattr(finish, "remove_upload", lambda *_: True)


def marks_not_compared(world: World, patch: pytest.MonkeyPatch) -> None:
    """After a lost answer, an equal copy that another import made counts as this import's."""
    landed = world.storage.landed

    def any_mark(entry: ManifestEntry, *, etag: str | None = None, mark: str | None = None) -> Copied | None:
        return landed(entry, etag=etag, mark=mark if entry.group is not None else None)

    patch.setattr(world.storage, "landed", any_mark)


def sources_of_skipped_clips_deleted(_world: World, patch: pytest.MonkeyPatch) -> None:
    """An import deletes the sources of clips that another one copied."""
    patch.setattr(delete_sources, "_is_due", lambda row: row.source is None)
    patch.setattr(delete_sources, "PROOFS", (*source_fates.PROOFS, None))


def retries_planned_into_shared_files(world: World, patch: pytest.MonkeyPatch) -> None:
    """A late planner of a retry writes over the manifest that its batches, whose list stays, were cut from."""
    begin, put = store.ManifestWriter.__post_init__, world.state.put

    def shared(writer: store.ManifestWriter) -> None:
        if writer.manifest_run:
            writer.token = ""
        begin(writer)

    def list_once(key: str, body: bytes) -> str:
        return put(key, world.state.files.get(key, body) if key.endswith("/batches.jsonl") else body)

    patch.setattr(store.ManifestWriter, "__post_init__", shared)
    patch.setattr(world.state, "put", list_once)


def skipped_clips_found_by_shared_files(_world: World, patch: pytest.MonkeyPatch) -> None:
    """A late planner writes over the files that find skipped clips."""
    patch.setattr(skipped, "skipped_key", lambda job_id, index, number, _token: skipped_key(job_id, index, number, ""))


MUTANTS: Mapping[Mutant, int] = {
    rows_overwritten: 422,
    batches_counted_again: 28,
    destinations_written_blindly: 4,
    found_etag_forgotten: 100,
    cancelled_imports_take_uploads: 9,
    uploads_claimed_again: 1,
    claimed_uploads_dropped: 1,
    sets_taken_back_with_others: 34,
    retries_counted_down_twice: 391,
    attempts_ended_again: 6,
    projects_not_checked: 0,
    conflicts_taken_for_own_copies: 24,
    unfinished_uploads_forgotten: 11,
    sources_of_skipped_clips_deleted: 15,
    marks_not_compared: 71,
    retries_planned_into_shared_files: 590,
    skipped_clips_found_by_shared_files: 129,
}
"""Each mutant, with a seed that finds it."""
