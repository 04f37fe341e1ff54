"""The indexes for clips and jobs."""

from service.domain.clips import ClipRow, ClipStatus
from service.domain.jobs import Job, JobTag
from service.domain.search_keys import search_key
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from tests.samples import job_at, put


def test_rows_are_found_by_both_keys_newest_first_in_pages(clips: ClipStore) -> None:
    jobs = [job_at(n, f"ij_{n}") for n in range(5)]
    rows = {job.id: put(clips, job, "s3://b/other.zip", "s3://b/日本 %20.zip") for job in jobs}
    for index, value in (("clip", "日本 %20"), ("url", "s3://b/日本 %20.zip")):
        found: list[tuple[str, ClipRow]] = []
        after = None
        for length in (2, 2, 1):
            page, after = clips.find(index, search_key("demo", value), limit=2, after=after)  # type: ignore[arg-type]
            assert len(page) == length
            found += page
        assert after is None
        assert found == [(job.id, rows[job.id][1]) for job in reversed(jobs)]
        assert clips.find(index, search_key("other", value), limit=2, after=None) == ([], None)  # type: ignore[arg-type]


def test_a_row_that_is_deleted_or_has_no_keys_is_not_found(clips: ClipStore) -> None:
    job = job_at(0, "ij_1")
    put(clips, job, "s3://b/a.zip")
    while clips.delete_some(job.id):
        pass
    assert clips.find("clip", search_key("demo", "a"), limit=2, after=None) == ([], None)
    clips.put("ij_2", [ClipRow(ordinal=0, status=ClipStatus.COPIED)])
    assert clips.find("clip", search_key("demo", "a"), limit=2, after=None) == ([], None)


def test_jobs_are_found_by_group_label_and_folder(jobs: JobStore) -> None:
    one = job_at(1, "ij_1", labels=("a", "b", "a"), folder="f", test_run_group_name="g")
    two = job_at(2, "ij_2", labels=("b",), test_run_group_name="h")
    foreign = job_at(3, "ij_3", labels=("b",), project="other")
    for job in (one, two, foreign):
        assert jobs.create(job)
    for tag, value, expected in (
        (JobTag.LABEL, "a", [one]),
        (JobTag.LABEL, "b", [two, one]),
        (JobTag.FOLDER, "f", [one]),
        (JobTag.GROUP, "g", [one]),
        (JobTag.GROUP, "h", [two]),
        (JobTag.FOLDER, "a", []),
    ):
        assert jobs.find("demo", tag, value, limit=10, begin=None) == (expected, None)
    assert jobs.get_some(["ij_1", "ij_3", "ij_4"]) == {"ij_1": one, "ij_3": foreign}


def test_found_jobs_are_paged_from_a_position_that_is_included(jobs: JobStore) -> None:
    made = [job_at(n, f"ij_{n}", labels=("l",)) for n in range(5)]
    for job in made:
        jobs.create(job)
    found: list[Job] = []
    begin = None
    for length in (2, 2, 1):
        page, begin = jobs.find("demo", JobTag.LABEL, "l", limit=2, begin=begin)
        assert len(page) == length
        found += page
    assert (found, begin) == (made[::-1], None)
