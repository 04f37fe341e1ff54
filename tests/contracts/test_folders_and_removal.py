"""Folders, and the deletion of single clips."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.clips import ClipRow, ClipStatus
from service.domain.jobs import JobStatus, Retry
from service.domain.projects import Action, AuditEntry, Folder, FolderScope
from service.domain.requests import VideoUpload
from service.domain.search_keys import findable, search_key
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from service.ports.projects import AuditLog, FolderStore
from tests.builders import ASKER, PROJECT, a_job

JOB = "ij_1"

NOW, LATER = "2026-11-22T18:00:00.000Z", "2026-11-22T19:00:00.000Z"


def an_audit(subject: str) -> AuditEntry:
    return AuditEntry(
        id=f"{NOW}#{subject}",
        project=PROJECT,
        time=NOW,
        action=Action.FOLDER_CREATE,
        subject=subject,
        by=ASKER,
        expires_at=2_000_000_000,
    )


def a_folder(folder_id: str, **changes: Any) -> Folder:
    folder = Folder(
        id=folder_id,
        project=PROJECT,
        scope=FolderScope.USER,
        name="Rig",
        description=None,
        created_at=NOW,
        created_by="key_1",
    )
    return replace(folder, **changes)


def put(clips: ClipStore, *rows: ClipRow) -> None:
    clips.put(JOB, [findable(row, job_id=JOB, project=PROJECT, created_at="t") for row in rows])


def a_row(ordinal: int, status: ClipStatus = ClipStatus.COPIED) -> ClipRow:
    return ClipRow(ordinal=ordinal, status=status, source_uri=f"s3://source/{ordinal}.mp4", destination=f"d/{ordinal}")


def test_a_folder_is_kept_once_with_its_audit(folders: FolderStore, audit: AuditLog) -> None:
    folder = a_folder("fd_1", scope=FolderScope.ORG, idempotency="hash")
    assert folders.get(PROJECT, "fd_1") is None
    assert folders.create(folder, entry=an_audit("a"))
    assert not folders.create(replace(folder, description="other"), entry=an_audit("b"))
    assert folders.get(PROJECT, "fd_1") == folder
    assert folders.get("other", "fd_1") is None
    assert [entry.subject for entry in audit.page(PROJECT, subject=None, limit=9, after=None)[0]] == ["a"]


def test_folders_are_paged_oldest_first(folders: FolderStore) -> None:
    made = [a_folder(f"fd_{9 - n}", created_at=f"2026-01-0{n}T00:00:00.000Z", description=f"{n}") for n in (1, 2, 3)]
    for folder in (made[2], made[0], made[1], a_folder("fd_4", project="other")):
        assert folders.create(folder, entry=an_audit(folder.id))
    page, after = folders.page(PROJECT, limit=2, after=None)
    assert page == made[:2]
    assert folders.page(PROJECT, limit=2, after=after) == (made[2:], None)
    assert folders.page(PROJECT, limit=3, after=None) == (made, None)
    assert folders.page("none", limit=3, after=None) == ([], None)


def test_clips_are_marked_and_counted_at_once(jobs: JobStore, clips: ClipStore) -> None:
    jobs.create(a_job(JOB, video_upload=VideoUpload(provider="gcs", bucket="b", folder_id="fd_1")))
    put(clips, a_row(0), a_row(1), a_row(2, ClipStatus.FAILED))
    assert clips.remove(JOB, [0, 1], landed=2, now=NOW)
    assert clips.remove(JOB, [2], landed=0, now=NOW)
    assert not clips.remove(JOB, [2], landed=0, now=NOW)
    job = jobs.get(JOB)
    assert job is not None
    assert (job.removed, job.removed_landed) == (2, 2)
    assert job.video_upload == VideoUpload(provider="gcs", bucket="b", folder_id="fd_1")
    rows = clips.get(JOB, [0, 1, 2])
    assert {row.deleted_at for row in rows.values()} == {NOW}
    assert rows[0] == replace(a_row(0), deleted_at=NOW)


def test_a_marked_clip_is_in_no_index_and_stays_so_when_it_is_written_again(jobs: JobStore, clips: ClipStore) -> None:
    jobs.create(a_job(JOB))
    put(clips, a_row(0, ClipStatus.FAILED))
    assert len(clips.failures(JOB, first=0, limit=5)) == 1
    clips.remove(JOB, [0], landed=0, now=NOW)
    for _ in range(2):
        assert clips.failures(JOB, first=0, limit=5) == []
        assert clips.find("url", search_key(PROJECT, "s3://source/0.mp4"), limit=5, after=None) == ([], None)
        clips.put(JOB, clips.get(JOB, [0]).values())


@pytest.mark.parametrize("other", [None, a_row(1, ClipStatus.PENDING)])
def test_of_several_clips_all_are_marked_or_none(jobs: JobStore, clips: ClipStore, other: ClipRow | None) -> None:
    jobs.create(a_job(JOB))
    put(clips, a_row(0), *([other] if other else []))
    assert not clips.remove(JOB, [0, 1], landed=1, now=NOW)
    assert clips.get(JOB, [0])[0].deleted_at is None
    job = jobs.get(JOB)
    assert job is not None
    assert job.removed == 0


def test_a_failed_clip_is_left_to_a_retry_that_has_begun(jobs: JobStore, clips: ClipStore) -> None:
    jobs.create(a_job(JOB))
    put(clips, a_row(0, ClipStatus.FAILED), a_row(1, ClipStatus.FAILED), a_row(2, ClipStatus.FAILED))
    jobs.end(JOB, status=JobStatus.FAILED, code=None, message=None, document={}, now=NOW)
    assert clips.remove(JOB, [0], landed=0, now=NOW, run=0)
    ended = jobs.get(JOB)
    assert ended
    assert jobs.retry(ended, Retry(at=NOW, key_id=None))
    for run in (0, 1):
        assert not clips.remove(JOB, [1], landed=0, now=NOW, run=run)
    jobs.end(JOB, run=1, status=JobStatus.FAILED, code=None, message=None, document={}, now=LATER)
    assert not clips.remove(JOB, [1], landed=0, now=LATER, run=0)
    assert clips.remove(JOB, [1], landed=0, now=LATER, run=1)
    assert clips.get(JOB, [2])[2].deleted_at is None


def test_clips_of_a_job_that_is_gone_are_left_alone(jobs: JobStore, clips: ClipStore) -> None:
    assert jobs.get(JOB) is None
    put(clips, a_row(0))
    assert not clips.remove(JOB, [0], landed=1, now=NOW)
