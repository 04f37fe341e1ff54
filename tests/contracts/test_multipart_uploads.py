"""Notes of unfinished multipart uploads."""

from dataclasses import replace

from service.domain.objects import LargeCopy
from service.ports.jobs import JobStore
from service.ports.objects import LargeCopyStore

COPY = LargeCopy(
    job_id="ij_1",
    ordinal=12,
    token="t1",
    destination="demo/-/source/日本.zip",
    etag="abc-2",
    part_bytes=5 * 1024**3,
    begun_at="2026-11-22T17:00:00.000Z",
)

BEGUN = replace(COPY, upload_id="u1", completes_as="def-9")


def test_the_first_to_claim_a_clip_has_it(large: LargeCopyStore) -> None:
    assert large.claim(COPY) == COPY
    assert large.claim(replace(COPY, token="t2")) == COPY
    assert large.claim(replace(COPY, ordinal=13)).ordinal == 13
    assert [copy.ordinal for copy in large.unfinished("ij_1")] == [12, 13]
    assert large.unfinished("ij_10") == []


def test_only_who_has_it_can_change_it(large: LargeCopyStore) -> None:
    assert not large.update(BEGUN)
    large.claim(COPY)
    assert not large.update(replace(BEGUN, token="t2"))
    assert large.update(BEGUN)
    assert large.unfinished("ij_1") == [BEGUN]


def test_it_is_removed_only_as_it_is_known(large: LargeCopyStore) -> None:
    large.claim(COPY)
    large.update(BEGUN)
    for other in (COPY, replace(BEGUN, token="t2"), replace(BEGUN, upload_id="u2")):
        large.remove(other)
        assert large.unfinished("ij_1") == [BEGUN]
    large.remove(replace(BEGUN, completes_as=None))
    assert large.unfinished("ij_1") == []
    large.remove(BEGUN)
    large.claim(COPY)
    large.remove(COPY)
    assert large.unfinished("ij_1") == []


def test_those_of_some_clips_are_found(large: LargeCopyStore) -> None:
    large.claim(BEGUN)
    large.claim(replace(COPY, ordinal=13))
    assert large.of("ij_1", [11, 12]) == [BEGUN]
    assert large.of("ij_1", []) == []


def test_they_go_with_their_job_and_are_no_batches(large: LargeCopyStore, jobs: JobStore) -> None:
    large.claim(BEGUN)
    assert jobs.recorded_batches("ij_1") == set()
    assert jobs.delete_some("ij_1")
    assert not jobs.delete_some("ij_1")
    assert large.unfinished("ij_1") == []
