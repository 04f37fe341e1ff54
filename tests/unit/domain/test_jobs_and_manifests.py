"""The pure rules: destination keys, manifest lines, batches, parts, ids, statuses."""

import hashlib
import itertools
import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.batching import PART_CLIPS, batch_weight, cut_batches, duplicates_of_first, set_parts, whole_sets
from service.domain.clip_names import extension, is_no_clip, run_name
from service.domain.clips import ClipStatus
from service.domain.destinations import destination_key, store_segment
from service.domain.ids import clip_id, job_id_for, new_job_id, request_digest, source_mark
from service.domain.jobs import Counts, JobStatus
from service.domain.manifest import Batch, ManifestEntry
from service.domain.multipart import MAX_COPY_BYTES, MAX_OBJECT_BYTES, MAX_PARTS, copy_parts
from service.domain.progress import Rate, eta_seconds, final_status, rate
from service.domain.state_keys import batches_key, part_key
from service.domain.uris import MAX_KEY_BYTES, Location, s3_at
from service.imports.manifest.format import decode_batches, decode_entries, encode_batch, encode_entry
from tests.builders import a_job, an_entry

TOLD = st.none() | st.text()


@given(st.none() | st.integers(min_value=0), TOLD, TOLD)
@example(1024, "9e107d9d372bb6826bd81d3542a419d6-2", None)
@example(0, '"\\\n\u00e9\U0001f3a5', "null")
def test_copies_keep_the_mark_of_their_source(size: int | None, etag: str | None, version: str | None) -> None:
    """Stored copies have marks, so the digest must stay that of the JSON list."""
    told = json.dumps([size, etag, version]).encode()
    assert source_mark(size, etag, version) == hashlib.sha256(told).hexdigest()[:32]


def test_objects_that_tools_leave_beside_clips_are_no_clips() -> None:
    for key in ("a/", "a_$folder$", "p/._a.zip", "._a", "p/.DS_Store", "p/thumbs.DB", "p/Icon\r", "__MACOSX/a.zip"):
        assert is_no_clip(key, 0)
    assert is_no_clip("a.zip.stationary.parquet", 9)
    assert is_no_clip("._a.zip", 4_096)
    for key in ("a/", "a_$folder$"):
        assert not is_no_clip(key, 1)
    for key in ("a", ".a.zip", "_a.zip", "._p/a.zip", "macosx/a.zip", "stationary.parquet"):
        assert not is_no_clip(key, 0)


# --- destination keys ------------------------------------------------------------------------------------------------

projects = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
buckets = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True)
text = st.characters(exclude_categories=["Cs"])
awkward = st.lists(
    st.sampled_from(["..", ".", "", "~", "-", "%", "%2F", "a", "b~", "x" * 250, "ü" * 300, "b"]), min_size=1, max_size=6
).map("/".join)
keys = (awkward | st.text(text, min_size=1, max_size=40)).filter(lambda key: 0 < len(key.encode()) <= MAX_KEY_BYTES)
folders = st.none() | st.text(st.sampled_from("/%.-~a\n") | text, min_size=1, max_size=64)
stores = st.sampled_from(["gs", "bkt", "store.example.com", "store.example.com~9000"])
locations = (
    st.builds(s3_at, buckets, keys)
    | st.builds(Location, st.just("gs"), buckets, keys)
    | st.builds(Location, st.just("hf"), st.sampled_from(["a/b", "a/bkt", "bkt/a"]), keys)
)
Place = tuple[str, str | None, Location, str | None]
places = st.tuples(projects, folders, locations, st.none() | stores)


def key_of(place: Place) -> str:
    project, folder, at, store = place
    return destination_key(project, folder, at, store=store)


@given(places, places)
@example(("p", None, s3_at("bkt", "k"), None), ("p", "-", s3_at("bkt", "k"), None))
@example(("p", "a/b", s3_at("bkt", "k"), None), ("p", "a", s3_at("b-bkt", "k"), None))
@example(("p", "a%2Fb", s3_at("bkt", "k"), None), ("p", "a/b", s3_at("bkt", "k"), None))
@example(("p", "..", s3_at("bkt", "k"), None), ("p", "%2E%2E", s3_at("bkt", "k"), None))
@example(("p", None, s3_at("bkt", "a/../k"), None), ("p", None, s3_at("bkt", "k"), None))
@example(("p", None, s3_at("bkt", "a//k"), None), ("p", None, s3_at("bkt", "a/k"), None))
@example(("p", None, s3_at("bkt", "k"), None), ("p", None, Location("gs", "bkt", "k"), None))
@example(("p", None, s3_at("bkt", "k"), "gs"), ("p", None, Location("gs", "bkt", "k"), None))
@example(("p", None, Location("hf", "a/b", "k"), None), ("p", None, s3_at("a~b", "k"), "hf"))
def test_two_places_have_one_destination_only_if_they_are_equal(one: Place, other: Place) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


@given(projects, folders, buckets, st.lists(keys, min_size=2, max_size=12, unique=True))
def test_the_keys_of_one_bucket_never_collide(project: str, folder: str | None, bucket: str, many: list[str]) -> None:
    assert len({destination_key(project, folder, s3_at(bucket, key)) for key in many}) == len(many)


@given(places)
def test_a_destination_fits_stays_in_its_project_and_is_stable(place: Place) -> None:
    destination = key_of(place)
    assert len(destination.encode()) <= MAX_KEY_BYTES
    assert destination.startswith(f"{place[0]}/")
    assert not {".", ".."} & set(destination.split("/"))
    assert destination == key_of(place)


@given(projects, st.text(st.sampled_from("/%.-~a\n\x7f"), min_size=1, max_size=64), locations)
def test_a_folder_and_a_bucket_are_one_segment_each(project: str, folder: str, at: Location) -> None:
    assert destination_key(project, folder, at.at("k")).count("/") == 3


@pytest.mark.parametrize(
    ("at", "endpoint_url", "segment"),
    [
        (s3_at("bkt", "k"), None, "bkt"),
        (s3_at("bkt", "k"), "https://store.example.com", "s3~store.example.com~bkt"),
        (s3_at("bkt", "k"), "http://127.0.0.1:9000/", "s3~127.0.0.1~9000~bkt"),
        (s3_at("bkt", "k"), "http://[::1]:9000", "s3~__1~9000~bkt"),
        (Location("gs", "bkt", "k"), None, "gs~bkt"),
        (Location("hf", "maker/clips", "k"), None, "hf~maker~clips"),
    ],
)
def test_a_bucket_has_its_store_before_its_name_unless_it_is_aws_s_own(
    at: Location, endpoint_url: str | None, segment: str
) -> None:
    assert destination_key("p", None, at, store=store_segment(endpoint_url)) == f"p/-/{segment}/k"


def test_an_ordinary_key_is_mirrored() -> None:
    assert destination_key("p", None, s3_at("bkt", "a b/ü+%.zip")) == "p/-/bkt/a b/ü+%.zip"
    assert destination_key("p", "night runs", s3_at("bkt", "k/")) == "p/night runs/bkt/k/"


@pytest.mark.parametrize("key", ["a/../b.zip", "./b.zip", "..", "a/" * 509 + "b.zip"])
def test_a_key_that_cannot_be_mirrored_keeps_its_name_behind_a_hash(key: str) -> None:
    destination = destination_key("p", None, s3_at("bkt", key))
    name = "b.zip" if key.endswith("b.zip") else "object"
    assert re.fullmatch(rf"p/-/bkt~/[0-9a-f]{{64}}/{re.escape(name)}", destination)


# --- manifest --------------------------------------------------------------------------------------------------------

optional_text = st.none() | st.text()
entries = st.builds(
    ManifestEntry,
    ordinal=st.integers(0, 10**7),
    source_uri=st.text(),
    destination=st.text(),
    size=st.none() | st.integers(0, 10**14),
    etag=optional_text,
    version=optional_text,
    status=st.sampled_from(ClipStatus),
    code=optional_text,
    message=optional_text,
)


@given(st.lists(entries))
def test_manifest_lines_come_back_as_they_were(many: list[ManifestEntry]) -> None:
    lines = [encode_entry(entry) for entry in many]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    assert decode_entries(b"".join(lines)) == many


def test_a_manifest_line_leaves_out_what_is_empty() -> None:
    line = encode_entry(ManifestEntry(ordinal=0, source_uri="s3://b/k", destination="d", size=0, etag="e"))
    assert json.loads(line) == {"ordinal": 0, "source_uri": "s3://b/k", "destination": "d", "size": 0, "etag": "e"}


def test_batch_lines_come_back_as_they_were() -> None:
    batches = [
        Batch(job_id="ij_1", number=n, part_key="k", part_etag="e", start=n, length=5, first=n, count=1)
        for n in range(3)
    ]
    assert list(decode_batches(b"".join(encode_batch(batch) for batch in batches))) == batches


# --- batches and parts -----------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 50)), st.integers(1, 10), st.integers(1, 100))
def test_batches_cover_all_clips_in_order_within_their_limits(sizes: list[int], clips: int, size: int) -> None:
    runs = list(cut_batches(sizes, max_clips=clips, max_bytes=size))
    assert [index for first, count in runs for index in range(first, first + count)] == list(range(len(sizes)))
    for first, count in runs:
        assert 1 <= count <= clips
        assert count == 1 or sum(sizes[first : first + count]) <= size


def test_a_clip_larger_than_a_batch_is_a_batch_of_its_own() -> None:
    assert list(cut_batches([1, 99, 1, 1], max_clips=10, max_bytes=10)) == [(0, 1), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("uri", "integration", "weight"),
    [
        ("s3://b/k", None, 10),
        ("s3://b/k", "in_1", 40),
        ("gs://bucket/k", "in_1", 40),
        ("hf://buckets/n/b/k", None, 40),
    ],
)
def test_bytes_that_may_pass_through_a_function_weigh_more(uri: str, integration: str | None, weight: int) -> None:
    assert batch_weight(an_entry(source_uri=uri, integration=integration, size=10)) == weight
    assert batch_weight(an_entry(source_uri=uri, integration=integration, size=None)) == 0


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(1, 10), st.integers(1, 40))
def test_batches_keep_groups_whole(views: list[int], clips: int, size: int) -> None:
    groups = [number for number, count in enumerate(views) for _ in range(count)]
    runs = list(cut_batches([3] * len(groups), max_clips=clips, max_bytes=size, groups=groups))
    assert [index for first, count in runs for index in range(first, first + count)] == list(range(len(groups)))
    for first, count in runs:
        members = groups[first : first + count]
        assert len(set(members)) == 1 or (count <= clips and 3 * count <= size)
        assert members[0] not in groups[:first]
        assert members[-1] not in groups[first + count :]


@given(st.lists(st.integers(1, 14), max_size=600), st.integers(0, 3))
def test_parts_of_sets_are_found_by_the_ordinal_of_the_last_view(sizes: list[int], skipped: int) -> None:
    parts = list(set_parts(sizes))
    assert [number for first, count in parts for number in range(first, first + count)] == list(range(len(sizes)))
    for part, (first, count) in enumerate(parts):
        last_views = [sum(sizes[: number + 1]) - 1 for number in range(first, first + count)]
        assert {ordinal // PART_CLIPS for ordinal in last_views} == {part}, "no part is left out"
    begin = sum(sizes[: parts[min(skipped, len(parts) - 1)][0]]) if parts else 0
    assert list(set_parts(sizes, first=begin)) == parts[min(skipped, len(parts) - 1) if parts else 0 :]


@pytest.mark.parametrize(
    ("chosen", "whole"),
    [(set(), set()), ({2}, {1, 2, 3}), ({1, 2, 3}, {1, 2, 3}), ({0}, {0}), ({4, 9}, {4, 5})],
)
def test_a_choice_of_clips_is_widened_to_whole_sets(chosen: set[int], whole: set[int]) -> None:
    groups = [None, 1, 1, 1, 4, 4, None]
    entries = [an_entry(ordinal, group=group) for ordinal, group in enumerate(groups)]
    assert whole_sets(entries, chosen) == whole


@given(st.integers(1, 50 * 1024**4), st.integers(5 * 1024**2, MAX_COPY_BYTES))
@example(5 * 1024**4, 5 * 1024**2)
@example(MAX_PARTS * MAX_COPY_BYTES, 5 * 1024**2)
def test_parts_cover_the_object_exactly_in_at_most_10_000(size: int, part_bytes: int) -> None:
    size = min(size, MAX_PARTS * MAX_COPY_BYTES)
    parts = copy_parts(size, part_bytes=part_bytes)
    assert len(parts) <= MAX_PARTS
    assert parts[0][0] == 0
    assert parts[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(parts))
    lengths = [last - first + 1 for first, last in parts]
    assert max(lengths) <= MAX_COPY_BYTES
    assert all(length >= part_bytes for length in lengths[:-1])


@pytest.mark.parametrize(
    ("size", "part_bytes", "count", "part"),
    [
        (200 * 10**9, 256 * 1024**2, 746, 256 * 1024**2),
        (5 * 1024**4, 256 * 1024**2, 10_000, -(-5 * 1024**4 // 10_000)),
        (50 * 10**12, 256 * 1024**2, 10_000, 5 * 10**9),
        (MAX_OBJECT_BYTES, 5 * 1024**2, 10_000, MAX_COPY_BYTES),
    ],
)
def test_the_largest_objects_have_a_plan(size: int, part_bytes: int, count: int, part: int) -> None:
    lengths = [last - first + 1 for first, last in copy_parts(size, part_bytes=part_bytes)]
    assert (len(lengths), lengths[0]) == (count, part)
    assert min(lengths[:-1]) >= 5 * 1024**2
    assert max(lengths) <= MAX_COPY_BYTES


def test_parts_have_the_wanted_size_where_10_000_of_them_are_enough() -> None:
    assert copy_parts(25, part_bytes=10) == [(0, 9), (10, 19), (20, 24)]
    assert copy_parts(20, part_bytes=10) == [(0, 9), (10, 19)]


def test_an_object_beyond_the_largest_that_parts_allow_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond S3's largest object"):
        copy_parts(MAX_PARTS * MAX_COPY_BYTES + 1, part_bytes=1)


def test_repeats_point_to_the_first_of_their_kind() -> None:
    assert duplicates_of_first(["a", "b", "a", "c", "a", "b"]) == {2: 0, 4: 0, 5: 1}


# --- statuses and names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "cancel_requested", "status"),
    [
        (Counts(total=3, copied=3), False, JobStatus.COMPLETED),
        (Counts(total=3, copied=2, skipped=1), False, JobStatus.COMPLETED),
        (Counts(total=2, skipped=2), False, JobStatus.COMPLETED),
        (Counts(total=0), False, JobStatus.COMPLETED),
        (Counts(total=3, copied=2, failed=1), False, JobStatus.COMPLETED_WITH_ERRORS),
        (Counts(total=2, skipped=1, failed=1), False, JobStatus.COMPLETED_WITH_ERRORS),
        (Counts(total=2, failed=2), False, JobStatus.FAILED),
        (Counts(total=3, copied=1, failed=1, cancelled=1), True, JobStatus.CANCELLED),
        (Counts(total=3, cancelled=3), True, JobStatus.CANCELLED),
        (Counts(total=3, copied=3), True, JobStatus.COMPLETED),
        (Counts(total=3, failed=3), True, JobStatus.FAILED),
    ],
)
def test_the_final_status_follows_from_the_counts(counts: Counts, cancel_requested: bool, status: JobStatus) -> None:
    assert final_status(counts, cancel_requested=cancel_requested) is status


def test_the_statuses_that_end_a_job() -> None:
    running = {JobStatus.PENDING, JobStatus.PLANNING, JobStatus.COPYING}
    assert {status for status in JobStatus if not status.terminal} == running


def test_pending_is_what_no_fate_has_claimed() -> None:
    assert Counts(total=10, copied=1, skipped=2, failed=3, cancelled=1).pending == 3


@pytest.mark.parametrize(
    ("prefix", "uri", "name"),
    [
        (None, "s3://b/dir/clip.mp4", "clip"),
        ("run-", "s3://b/dir/clip.tar.gz", "run-clip.tar"),
        ("run-", "s3://b/.hidden", "run-.hidden"),
        (None, "s3://b/a b/日本 1.zip", "日本 1"),
    ],
)
def test_a_run_name_is_the_objects_name_without_its_extension(prefix: str | None, uri: str, name: str) -> None:
    assert run_name(prefix, uri) == name


@pytest.mark.parametrize(("key", "found"), [("a/B.ZIP", ".zip"), ("a.b/c", ""), ("x.tar.gz", ".gz"), (".hidden", "")])
def test_extensions_are_lower_case_and_empty_where_there_is_none(key: str, found: str) -> None:
    assert extension(key) == found


# --- ids and keys ----------------------------------------------------------------------------------------------------


def test_an_idempotency_key_names_one_job_in_each_project() -> None:
    assert job_id_for("demo", "k") == job_id_for("demo", "k")
    assert (
        len({job_id_for("demo", "k"), job_id_for("demo", "l"), job_id_for("other", "k"), job_id_for("demok", "")}) == 4
    )


def test_job_ids_are_new_and_fit_the_name_of_an_execution() -> None:
    ids = [new_job_id() for _ in range(100)] + [job_id_for("demo", "k")]
    assert len(set(ids)) == 101
    assert all(re.fullmatch(r"ij_[0-9a-f]{24}", job_id) for job_id in ids)


def test_a_clip_id_holds_its_job_and_ordinal() -> None:
    assert clip_id("ij_ab", 17) == "ij_ab-17"


def test_a_digest_depends_on_values_and_not_on_the_order_of_fields() -> None:
    assert request_digest({"a": 1, "b": "ü"}) == request_digest({"b": "ü", "a": 1})
    assert request_digest({"a": 1}) != request_digest({"a": "1"})


def test_state_keys_of_a_job_lie_below_it_and_sort_by_number() -> None:
    found = [part_key("ij_1", n) for n in (0, 2, 10, 999_999)] + [batches_key("ij_1"), batches_key("ij_1", 3)]
    assert all(key.startswith("jobs/ij_1/") for key in found)
    assert found[:4] == sorted(found[:4])
    assert len(set(found)) == len(found)


# --- rate and ETA ----------------------------------------------------------------------------------------------------

SINCE = "2026-11-22T17:00:00.000Z"
LATER = "2026-11-22T17:00:20.000Z"


def test_the_rate_is_over_the_copying_time_and_the_rest_is_expected_at_it() -> None:
    counts = Counts(total=100, copied=30, failed=8, skipped=1, cancelled=1, bytes=5_000)
    job = a_job(status=JobStatus.COPYING, copying_since=SINCE, counts=counts)
    assert rate(job, LATER) == Rate(clips=2, bytes=250)
    assert eta_seconds(job, LATER) == 30
    assert eta_seconds(replace(job, counts=replace(counts, copied=29)), LATER) == 32


def test_nothing_is_expected_before_the_first_clip() -> None:
    job = a_job(status=JobStatus.COPYING, copying_since=SINCE, counts=Counts(total=100))
    assert rate(job, LATER) == Rate(clips=0, bytes=0)
    assert eta_seconds(job, LATER) is None
    assert (rate(job, SINCE), eta_seconds(job, SINCE)) == (None, None)
    assert rate(job, "2026-11-22T16:59:59.000Z") is None, "clocks of two machines"
    planning = a_job(status=JobStatus.PLANNING)
    assert (rate(planning, LATER), eta_seconds(planning, LATER)) == (None, None)


def test_an_ended_job_keeps_its_rate_and_expects_nothing() -> None:
    job = a_job(
        status=JobStatus.COMPLETED,
        copying_since=SINCE,
        completed_at=LATER,
        counts=Counts(total=40, copied=40, bytes=80),
    )
    assert rate(job, "2027-01-01T00:00:00.000Z") == Rate(clips=2, bytes=4)
    assert eta_seconds(job, LATER) is None
