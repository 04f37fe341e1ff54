"""Each planning reads a dataset at one commit, in all of its rounds; the next one asks again."""

from collections.abc import Sequence

import pytest

from service.domain.errors import LimitExceeded, ObjectRejected
from service.domain.jobs import Job, JobStatus
from service.domain.uris import parse_object
from service.imports.access import commits
from service.imports.access.commits import CommittedStorage
from service.imports.planning.context import PlanCursor, cursor_of
from service.imports.planning.plan import plan
from tests.builders import World, always, import_list, import_prefix, never
from tests.fakes.objects import FakeStorage

DATASET = "datasets/maker/clips"
BROKEN = ObjectRejected("because", operation="copy", uri=f"hf://{DATASET}/p")
KEYS = [f"p/{number:04}.zip" for number in range(1_200)]


def push(storage: FakeStorage, commit: str, keys: Sequence[str] = KEYS) -> None:
    """Commit files to the dataset's branch."""
    storage.commits[DATASET] = commit
    for key in keys:
        storage.put(f"{DATASET}@{commit}", key, version=commit)


def in_two_rounds(world: World, job: Job) -> None:
    """Plan the job, with a push between its two rounds."""
    first = plan(job.id, PlanCursor(), run=job.run, out_of_time=always, ports=world.plan_ports)
    assert first.cursor is not None
    push(world.storage, "newer")
    second = plan(job.id, cursor_of(vars(first.cursor)), run=job.run, out_of_time=never, ports=world.plan_ports)
    assert second.cursor is None


def etags(world: World, commit: str) -> list[str]:
    return [world.storage.buckets[f"{DATASET}@{commit}"][key].etag for key in KEYS]


@pytest.mark.parametrize(
    "request_of",
    [
        import_list([f"hf://{DATASET}/{key}" for key in KEYS]),
        import_prefix(f"hf://{DATASET}/p/"),
    ],
    ids=["list", "prefix"],
)
def test_all_rounds_of_a_planning_read_the_commit_of_the_first(world: World, request_of: object) -> None:
    push(world.storage, "older")
    job = world.submit(request_of)  # type: ignore[arg-type]
    world.storage.commits_asked.clear()
    in_two_rounds(world, job)
    entries = world.manifest(job.id)
    assert [entry.etag for entry in entries] == etags(world, "older")
    assert entries[0].source_uri == f"hf://{DATASET}/{KEYS[0]}", "as the caller gave it"
    assert world.storage.commits_asked.total() == 1


def test_an_import_right_after_a_push_reads_the_newer_commit(world: World) -> None:
    for commit in ("older", "newer"):
        push(world.storage, commit, KEYS[:1])
        job = world.submit(import_list([f"hf://{DATASET}/{KEYS[0]}"]))
        world.plan(job.id)
        (entry,) = world.manifest(job.id)
        assert (entry.version, entry.etag) == (commit, world.storage.buckets[f"{DATASET}@{commit}"][KEYS[0]].etag)


def test_a_retry_reads_the_commit_of_its_own_planning(world: World) -> None:
    push(world.storage, "older")
    job = world.submit(import_list([f"hf://{DATASET}/{key}" for key in KEYS]))
    world.storage.fail_copy = {key: [BROKEN] for key in KEYS}
    world.run(job.id)
    assert world.job(job.id).status is JobStatus.FAILED
    in_two_rounds(world, world.retry(job.id))
    entries = [entry for part in range(2) for entry in world.retry_part(job.id, part)]
    assert [entry.etag for entry in entries] == etags(world, "older")


def test_an_import_names_a_limited_number_of_revisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "MAX_REVISIONS", 2)
    fake = FakeStorage()
    storage = CommittedStorage(fake, {})
    for revision in ("v1", "v2", "v1"):
        fake.put(f"{DATASET}@{revision}", "a.zip")
        storage.stat(parse_object(f"hf://{DATASET}@{revision}/a.zip"))
    with pytest.raises(LimitExceeded, match="more than 2 revisions"):
        storage.stat(parse_object(f"hf://{DATASET}@v3/a.zip"))
