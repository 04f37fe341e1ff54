"""An import whose rows have expired: nothing shows it, and its idempotency key starts no other."""

import dataclasses

import pytest

from service.domain.errors import IdempotencyConflict, NotFound
from service.domain.jobs import Job, JobStatus
from service.domain.projects import Folder, FolderScope
from service.imports.queries.find import Wanted, find_clips
from service.imports.queries.status import get_job, jobs_page
from service.projects.folders import video_count
from tests.builders import PROJECT, World, import_list

REQUEST = dataclasses.replace(import_list(["s3://source/a.zip"]), folder="f", labels=("l",), idempotency_key="k")
FOLDER = Folder(
    id="fo_1",
    project=PROJECT,
    scope=FolderScope.USER,
    name="f",
    description=None,
    created_at="2020-01-01T00:00:00.000Z",
    created_by=None,
)


@pytest.fixture
def gone(world: World) -> Job:
    """Completed some years ago, of one clip."""
    job = world.submit(REQUEST)
    counts = dataclasses.replace(job.counts, total=1, copied=1)
    completed = dataclasses.replace(
        job, status=JobStatus.COMPLETED, completed_at="2020-01-01T00:00:00.000Z", counts=counts
    )
    world.jobs.rows[job.id] = completed
    assert get_job(job.id, project=PROJECT, jobs=world.jobs)
    assert video_count(FOLDER, world.folder_ports) == 1
    world.jobs.retention_days = 90
    return job


def test_it_is_not_found(world: World, gone: Job) -> None:
    with pytest.raises(NotFound):
        get_job(gone.id, project=PROJECT, jobs=world.jobs)
    assert not jobs_page(PROJECT, limit=10, cursor=None, jobs=world.jobs).items
    assert not find_clips(PROJECT, Wanted(label="l"), limit=10, cursor=None, ports=world.status_ports).items


def test_it_counts_in_no_folder(world: World, gone: Job) -> None:
    assert gone.folder == FOLDER.name
    assert video_count(FOLDER, world.folder_ports) == 0


def test_its_idempotency_key_is_refused_and_starts_nothing(world: World, gone: Job) -> None:
    with pytest.raises(IdempotencyConflict, match="an import that is gone since: use a new one"):
        world.submit(REQUEST)
    assert world.workflow.started == [gone.id]
