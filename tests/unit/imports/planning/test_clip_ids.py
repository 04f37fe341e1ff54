"""Imports by clip ids: objects and members of zips, wherever they lie below a prefix, and the ids that lie nowhere."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import AccessDenied, InvalidRequest, ObjectRejected, RateLimited
from service.domain.jobs import Job, JobStatus, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.requests import Filters, ImportRequest, ImportSettings, Members, OnExisting
from service.formats.archive import STORED
from service.imports.planning.retry import INDEX_LAG_SECONDS
from service.imports.previews.preview import preview
from service.imports.queries.find import Wanted, find_clips
from service.imports.queries.status import clips_page
from tests.builders import PROJECT, SOURCE_BUCKET, World, always, summing
from tests.unit.formats.making import Raw, write_zip

ROOT = f"s3://{SOURCE_BUCKET}/av/"
FRONT, REAR, LABELS = "camera/front", "camera/rear", "labels"
CHUNKS = {
    f"{feature}/chunk_000{chunk}.zip": [f"c{chunk}{number}.{feature.rpartition('/')[2]}" for number in range(3)]
    for feature in (FRONT, REAR, LABELS)
    for chunk in range(2)
}
"""Names of the members by zip: clips c00 to c12, each in three zips."""


def put_zip(world: World, key: str, members: Sequence[str]) -> None:
    raw = [Raw(name.encode(), name.encode(), method=STORED) for name in members]
    world.storage.put_body(SOURCE_BUCKET, f"av/{key}", write_zip(raw))


@pytest.fixture
def chunked(world: World) -> World:
    for key, members in CHUNKS.items():
        put_zip(world, key, [f"{name}.bin" for name in members])
    for key in ("clips/c11.mp4", "clips/c11x.mp4", "clips/x12/c12/a.png", "readme.md"):
        world.storage.put(SOURCE_BUCKET, f"av/{key}")
    put_zip(world, "clips/c00.zip", ["c00/layer.parquet"])
    return world


def by_ids(*clip_ids: str, **changes: object) -> ImportRequest:
    return ImportRequest(root_path=ROOT, clip_ids=clip_ids, **changes)  # type: ignore[arg-type]


def planned(world: World, request: ImportRequest) -> tuple[Job, list[ManifestEntry]]:
    job = world.submit(request)
    world.storage.read.clear()
    world.plan(job.id, out_of_time=always)
    return world.job(job.id), world.manifest(job.id)


def names(entries: Sequence[ManifestEntry], *, code: str | None = None) -> list[str]:
    return [entry.source_uri.removeprefix(ROOT) for entry in entries if entry.code == code]


C00 = [
    "camera/front/chunk_0000.zip!/c00.front.bin",
    "camera/rear/chunk_0000.zip!/c00.rear.bin",
    "clips/c00.zip",
    "labels/chunk_0000.zip!/c00.labels.bin",
]


def test_clips_are_taken_wherever_they_lie_and_missing_ids_fail(chunked: World) -> None:
    job, entries = planned(chunked, by_ids("c11", "gone", "c00", "c11", "c12"))
    assert (job.source.kind, job.source.uri, job.source.count) == (SourceKind.CLIP_IDS, ROOT, 4)
    wanted = {key: [name for name in some if name[:3] in ("c00", "c11", "c12")] for key, some in CHUNKS.items()}
    members = [f"{key}!/{name}.bin" for key, some in wanted.items() for name in some]
    assert sorted(names(entries)) == sorted([*members, "clips/c00.zip", "clips/c11.mp4", "clips/x12/c12/a.png"])
    assert names(entries, code="NO_SUCH_CLIP") == ["gone"]
    assert [entry.ordinal for entry in entries] == list(range(len(entries)))
    assert chunked.storage.read == {f"av/{key}": 1 for key in CHUNKS}, "each directory by one request, in its round"
    opened = next(entry for entry in entries if entry.source_uri == ROOT + C00[0])
    assert opened.packed is not None
    assert opened.destination == f"{PROJECT}/-/{SOURCE_BUCKET}/av/{C00[0]}"


def test_a_zip_without_a_wanted_clip_costs_its_directory_and_no_other_request(chunked: World) -> None:
    job = chunked.submit(by_ids("c00", settings=ImportSettings(on_existing=OnExisting.OVERWRITE)))
    chunked.storage.stats.clear()
    chunked.storage.read.clear()
    chunked.plan(job.id)
    assert not chunked.storage.stats, "what the listing says is enough to read a directory"
    assert chunked.storage.read == {f"av/{key}": 1 for key in CHUNKS}


def test_the_import_fails_those_ids_alone_and_the_counts_agree(chunked: World) -> None:
    job = chunked.run(chunked.submit(by_ids("c00", "gone", "lost")).id)
    assert (job.status, job.counts.copied, job.counts.failed) == (JobStatus.COMPLETED_WITH_ERRORS, 4, 2)
    assert summing(job.counts)
    clips = clips_page(job, limit=10, cursor=None, status=ClipStatus.FAILED, ports=chunked.status_ports).items
    assert [(clip.source_uri, clip.clip_id, clip.code) for clip in clips] == [
        (ROOT + one, one, "NO_SUCH_CLIP") for one in ("gone", "lost")
    ]
    none = chunked.run(chunked.submit(by_ids("gone")).id)
    assert (none.status, none.code, none.counts.total) == (JobStatus.FAILED, "CLIPS_FAILED", 1)


def test_all_files_of_a_clip_are_found_by_its_id(chunked: World) -> None:
    def found(clip_id: str) -> list[str]:
        page = find_clips(PROJECT, Wanted(clip_id=clip_id), limit=10, cursor=None, ports=chunked.status_ports)
        assert {one.clip.clip_id for one in page.items} <= {clip_id}
        return sorted(one.clip.source_uri.removeprefix(ROOT) for one in page.items)

    inner = "clips/x12/c12/a.png"
    chunked.storage.fail_copy[f"av/{inner}"] = [AccessDenied("no", operation="copy", uri=ROOT + inner)]
    job = chunked.run(chunked.submit(by_ids("c00", "c12", "x12")).id)
    assert job.counts.failed == 1
    for _ in range(2):
        assert found("c00") == C00
        assert len(found("c12")) == 4
        assert inner in found("c12"), "the nearest folder's id"
        assert found("x12") == []
        chunked.storage.fail_copy.clear()
        job = chunked.run(chunked.retry(job.id).id) if job.counts.failed else job
    assert job.counts.failed == 0
    chunked.run(chunked.submit(by_ids("c00")).id)
    assert found("c00") == sorted(C00 * 2), "those that planning skipped, too"


def test_clips_are_built_of_their_files_if_the_import_says_so(chunked: World) -> None:
    _, entries = planned(chunked, by_ids("c00", settings=ImportSettings(members=Members.CLIPGT)))
    assert names(entries) == [one if one == "clips/c00.zip" else f"{one.partition('!/')[0]}!/c00.zip" for one in C00]
    assert [entry.packed.built for entry in entries if entry.packed] == [True] * 3


@pytest.mark.parametrize(
    ("filters", "taken", "opened"),
    [
        (Filters(include=("labels/*",)), [C00[3]], ["labels"]),
        (Filters(include=("camera/*/*.zip!/*.front.*",)), [C00[0]], ["camera/front", "camera/rear"]),
        (Filters(include=("*.rear.bin",)), [C00[1]], ["camera/front", "camera/rear", "labels"]),
        (Filters(exclude=("rear/", "labels/*.zip")), [C00[0], C00[2]], ["camera/front"]),
        (Filters(exclude=("*.zip",)), [], []),
        (Filters(include=("*.zip",), max_size=9), [], ["camera/front", "camera/rear", "labels"]),
        (Filters(modified_after="2100-01-01T00:00:00Z"), [], []),
    ],
)
def test_filters_see_zips_and_members_and_open_no_zip_in_vain(
    chunked: World, filters: Filters, taken: list[str], opened: list[str]
) -> None:
    _, entries = planned(chunked, by_ids("c00", filters=filters))
    assert names(entries) == taken
    assert names(entries, code="NO_SUCH_CLIP") == ([] if taken else ["c00"])
    assert {key.rpartition("/")[0].removeprefix("av/") for key in chunked.storage.read} == set(opened)


def test_what_is_wrong_with_a_zip_is_one_failure_and_makes_missing_ids_uncertain(chunked: World) -> None:
    chunked.storage.put_body(SOURCE_BUCKET, f"av/{REAR}/chunk_0000.zip", b"this is no zip")
    _, entries = planned(chunked, by_ids("c00", "gone"))
    assert names(entries) == [one for one in C00 if "rear" not in one]
    (unread,) = (entry for entry in entries if entry.code == "ZIP_UNREADABLE")
    assert (unread.source_uri, unread.destination) == (f"{ROOT}{REAR}/chunk_0000.zip", "")
    assert "may be in one that could not be read" in str(entries[-1].message)


def test_a_window_of_the_store_is_waited_for_and_no_found_id_is_lost(chunked: World) -> None:
    key = f"av/{REAR}/chunk_0001.zip"
    chunked.storage.fail_read[key] = [RateLimited("slow", operation="read", uri=key, retry_after=60)]
    _, entries = planned(chunked, by_ids("c00", "c11", "gone"))
    assert not chunked.storage.fail_read[key]
    assert names(entries, code="NO_SUCH_CLIP") == ["gone"]
    assert len(entries) == 4 + 4 + 1


def test_more_missing_ids_than_a_part_holds_are_reported_once(chunked: World) -> None:
    ids = [f"gone-{number}" for number in range(999)]
    _, entries = planned(chunked, by_ids("c00", *ids))
    assert (len(names(entries)), names(entries, code="NO_SUCH_CLIP")) == (4, ids)


def test_a_preview_answers_the_same(chunked: World) -> None:
    request = by_ids("c00", "gone")
    found = preview(request, project=PROJECT, ports=chunked.preview_ports)
    assert (found.complete, found.count, found.outcome.to_copy.count) == (True, 5, 4)
    assert [(one.source_uri, one.code) for one in found.outcome.problems] == [(f"{ROOT}gone", "NO_SUCH_CLIP")]
    cut = preview(request, project=PROJECT, ports=replace(chunked.preview_ports, seconds=-1))
    assert (cut.complete, cut.count) == (False, 0), "a listing that was cut says nothing about ids"


def test_an_object_that_reads_like_a_member_of_a_zip_is_taken_unless_the_zip_is_there(chunked: World) -> None:
    odd = f"{LABELS}/copied.zip!/c00.mp4"
    chunked.storage.put(SOURCE_BUCKET, f"av/{odd}")
    request = by_ids("c00", filters=Filters(include=("*.mp4",)))
    assert names(planned(chunked, request)[1]) == [odd]
    put_zip(chunked, f"{LABELS}/copied.zip", ["c00.mp4"])
    (member,) = planned(chunked, request)[1]
    assert member.packed is not None


def test_ids_of_members_of_one_zip(chunked: World) -> None:
    request = ImportRequest(root_path=f"{ROOT}{FRONT}/chunk_0000.zip!/", clip_ids=("c00", "c11"))
    _, entries = planned(chunked, request)
    assert [(entry.source_uri.partition("!/")[2], entry.code) for entry in entries] == [
        ("c00.front.bin", None),
        ("c11", "NO_SUCH_CLIP"),
    ]


# --- retries ---------------------------------------------------------------------------------------------------------


def retried(world: World, job: Job) -> list[tuple[str, ClipStatus, str | None]]:
    world.retry(job.id)
    again = world.run(job.id)
    assert summing(again.counts)
    clips = clips_page(again, limit=100, cursor=None, status=None, ports=world.status_ports).items
    return [(clip.source_uri.removeprefix(ROOT), clip.status, clip.code) for clip in clips]


def test_a_retry_looks_for_the_missing_ids_again(chunked: World) -> None:
    job = chunked.run(chunked.submit(by_ids("c00", "late", "twice", "gone")).id)
    put_zip(chunked, f"{LABELS}/chunk_0002.zip", ["late.bin", "twice.bin"])
    chunked.storage.put(SOURCE_BUCKET, "av/twice.mp4")
    late = f"{LABELS}/chunk_0002.zip!/late.bin"
    assert retried(chunked, job) == [
        *((one, ClipStatus.COPIED, None) for one in C00),
        (late, ClipStatus.COPIED, None),
        ("twice", ClipStatus.FAILED, "IMPORT_AGAIN"),
        ("gone", ClipStatus.FAILED, "NO_SUCH_CLIP"),
    ]
    assert f"{PROJECT}/-/{SOURCE_BUCKET}/av/{late}" in chunked.visible()
    chunked.storage.put(SOURCE_BUCKET, "av/gone.mp4")
    assert ("gone.mp4", ClipStatus.COPIED, None) in retried(chunked, chunked.job(job.id))


def test_the_search_of_a_retry_goes_on_where_a_round_ended(chunked: World) -> None:
    job = chunked.run(chunked.submit(by_ids("early", "late")).id)
    chunked.storage.put(SOURCE_BUCKET, "av/camera/a/early.mp4")
    put_zip(chunked, f"{LABELS}/chunk_0002.zip", ["late.bin"])
    key = f"av/{REAR}/chunk_0001.zip"
    chunked.storage.fail_read[key] = [RateLimited("slow", operation="read", uri=key, retry_after=60)]
    chunked.storage.read.clear()
    chunked.retry(job.id)
    chunked.plan(job.id, out_of_time=always)
    again = chunked.run(job.id)
    assert (again.status, again.counts.copied) == (JobStatus.COMPLETED, 2)
    assert chunked.storage.read[f"av/{FRONT}/chunk_0000.zip"] == 1


def test_a_retry_without_missing_ids_searches_nothing(chunked: World) -> None:
    key = "av/clips/c00.zip"
    chunked.storage.fail_copy[key] = [ObjectRejected("no", operation="copy", uri=key)]
    job = chunked.run(chunked.submit(by_ids("c00")).id)
    assert job.counts.failed == 1
    chunked.storage.read.clear()
    assert {status for _, status, _ in retried(chunked, job)} == {ClipStatus.COPIED}
    assert not chunked.storage.read


@pytest.mark.parametrize(("code", "searched"), [("NO_SUCH_CLIP", True), ("OBJECT_REJECTED", False)])
def test_a_retry_by_code_searches_missing_ids_if_it_asks_for_them(chunked: World, code: str, searched: bool) -> None:
    chunked.storage.fail_copy["av/clips/c00.zip"] = [ObjectRejected("no", operation="copy", uri="c00")]
    job = chunked.run(chunked.submit(by_ids("c00", "gone")).id)
    chunked.storage.read.clear()
    chunked.retry(job.id, codes=[code])
    chunked.clock.advance(INDEX_LAG_SECONDS)
    chunked.run(job.id)
    assert bool(chunked.storage.read) == searched


def test_a_retry_says_that_a_zip_can_be_read_by_now(chunked: World) -> None:
    bad = f"{REAR}/chunk_0000.zip"
    chunked.storage.put_body(SOURCE_BUCKET, f"av/{bad}", b"this is no zip")
    job = chunked.run(chunked.submit(by_ids("c00", "c01")).id)
    assert (bad, ClipStatus.FAILED, "ZIP_UNREADABLE") in retried(chunked, job)
    put_zip(chunked, bad, ["c00.rear.bin"])
    assert (bad, ClipStatus.FAILED, "IMPORT_AGAIN") in retried(chunked, chunked.job(job.id))


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (ImportRequest(clip_ids=("a",), exact_paths=(f"{ROOT}a",)), "clip_ids needs root_path"),
        (ImportRequest(clip_ids=("a",), manifest_uri=f"{ROOT}a"), "clip_ids needs root_path"),
        (ImportRequest(clip_ids=("a",), root_path=ROOT, manifest_uri=f"{ROOT}a"), "exactly one"),
        (by_ids(), "has 0 ids, 1 to 1,000"),
        (by_ids(*map(str, range(1_001))), "has 1,001 ids"),
        (by_ids("a", ""), r"clip_ids\[1\] has 0 characters"),
        (by_ids("a" * 129), "129 characters"),
        (by_ids("a.b"), "a dot or a slash"),
        (by_ids("a/b"), "a dot or a slash"),
        (by_ids("a\nb"), "control character"),
        (by_ids("\ud800"), "not valid Unicode"),
    ],
)
def test_a_malformed_request_is_refused(world: World, request_: ImportRequest, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        world.submit(request_)
    with pytest.raises(InvalidRequest, match=said):
        preview(request_, project=PROJECT, ports=world.preview_ports)
