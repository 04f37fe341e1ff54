"""A manifest without line breaks costs a request the longest line allowed, not the object."""

import gzip
from dataclasses import dataclass

import pytest

from service.domain.errors import InvalidManifest
from service.domain.jobs import JobStatus
from service.domain.requests import ImportRequest
from service.imports.inputs.manifest_file import MAX_LINE, MAX_SKIPPED
from tests.builders import World
from tests.fakes.objects import FakeReader

MIB = 1024**2


@dataclass
class CountingReader(FakeReader):
    world: World
    taken: int = 0

    def read(self, start: int, length: int) -> bytes:
        self.taken += len(self.body[start : start + length])
        return self.body[start : start + length]


@pytest.fixture
def readers(world: World, monkeypatch: pytest.MonkeyPatch) -> list[CountingReader]:
    made: list[CountingReader] = []

    def reader(entry: object) -> CountingReader:
        at = entry.location  # type: ignore[attr-defined]
        made.append(CountingReader(world.storage.bodies[at.bucket, at.key], world))
        return made[-1]

    monkeypatch.setattr(world.storage, "reader", reader)
    return made


@pytest.mark.parametrize("name", ["list.jsonl", "list.csv", "list.jsonl.gz", "list.csv.gz"])
def test_a_request_reads_no_more_than_the_longest_line(world: World, readers: list[CountingReader], name: str) -> None:
    body = b"x" * 8 * MIB
    world.storage.put_body("source", name, gzip.compress(body, 0) if name.endswith(".gz") else body)
    with pytest.raises(InvalidManifest, match="line 1 is not UTF-8 text of at most"):
        world.submit(ImportRequest(manifest_uri=f"s3://source/{name}"))
    assert 0 < sum(reader.taken for reader in readers) <= 4 * MAX_LINE


def test_a_first_line_as_long_as_allowed_is_read(world: World) -> None:
    start, end = b'{"uri": "s3://source/a", "note": "', b'"}'
    longest = start + b"x" * (MAX_LINE - 1 - len(start) - len(end)) + end
    world.storage.put_body("source", "list.jsonl", longest + b"\n" + longest)
    assert world.submit(ImportRequest(manifest_uri="s3://source/list.jsonl"))
    world.storage.put_body("source", "list.jsonl", longest + b"x\n")
    with pytest.raises(InvalidManifest, match="line 1"):
        world.submit(ImportRequest(manifest_uri="s3://source/list.jsonl"))


def test_planning_gives_up_a_manifest_whose_line_does_not_end(world: World, readers: list[CountingReader]) -> None:
    body = b'{"uri": "s3://source/a"}\n' + b"x" * (MAX_SKIPPED + 40 * MIB)
    world.storage.put_body("source", "list.jsonl", body)
    job = world.run(world.submit(ImportRequest(manifest_uri="s3://source/list.jsonl")).id)
    assert (job.status, job.code) == (JobStatus.FAILED, "INVALID_MANIFEST")
    assert readers[-1].taken < MAX_SKIPPED + 20 * MIB
