"""Jobs and their videos: pages whose cost does not depend on where they lie, sets as their fronts, deletion."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from service.domain.clips import Clip, ClipStatus
from service.domain.errors import SourceUnavailable
from service.domain.ids import clip_id
from service.domain.projects import Action, FolderScope
from service.imports.completion.finish import finish
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.queries.status import clips_between
from tests.builders import CLIPS_BUCKET, a_set, an_upload, import_sets
from tests.unit.lambdas.nomadic.conftest import Sdk, landed, put_videos

ROLES = ("front", "left", "right")


def pages(sdk: Sdk, job_id: str, limit: int) -> list[dict[str, Any]]:
    """All pages by cursor."""
    found = [sdk.videos(job_id, limit=str(limit))]
    while found[-1]["has_more"]:
        assert found[-1]["next_cursor"] == found[-1]["videos"][-1]["video_id"]
        found.append(sdk.videos(job_id, limit=str(limit), cursor=found[-1]["next_cursor"]))
    assert found[-1]["next_cursor"] is None
    for page in found:
        assert page["video_count"] == len(page["videos"])
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [row["video_id"] for page in found for row in page["videos"]]


def cost(sdk: Sdk, look: Callable[[], object]) -> Counter[str]:
    """Port calls."""
    before = Counter(sdk.world.faults.calls)
    look()
    return Counter(sdk.world.faults.calls) - before


def upload_sets(sdk: Sdk, *sets: dict[str, str], **changes: object) -> str:
    body = {"sets": [{"views": {role: f"s3://source/{key}" for role, key in views.items()}} for views in sets]}
    return sdk.upload(body | {"bucket": "source"} | changes)


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_tells_its_end_in_four_words(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    running = sdk.upload_keys("a.mp4", "b.mp4")
    job = sdk.get(f"/api/import-jobs/{running}")
    assert (job["status"], job["terminal"], job["poll_after_seconds"], job["total"]) == ("importing", False, 5, 2)
    assert (job["job_id"], job["source"], job["bucket"], job["prefix"]) == (running, "s3", "source", None)
    assert job["completed_at"] is None
    cancelled = sdk.upload_keys("a.mp4", "c.mp4")
    sdk.world.jobs.request_cancel(cancelled, sdk.world.clock())
    ends = {running: "partial", sdk.upload_keys("a.mp4"): "completed", sdk.upload_keys("b.mp4"): "failed"}
    for job_id, status in (ends | {cancelled: "cancelled"}).items():
        sdk.world.run(job_id)
        job = sdk.get(f"/api/import-jobs/{job_id}")
        assert (job["status"], job["terminal"], job["poll_after_seconds"]) == (status, True, None)
        assert job["completed_at"]
    assert sdk.refusal("GET", "/api/import-jobs/ij_nope")[0] == 404
    assert sdk.refusal("GET", f"/api/import-jobs/{running}", project="other")[0] == 404
    assert sdk.refusal("GET", f"/api/import-jobs/{running}/videos", project="other")[0] == 404


def test_a_job_started_through_v1_can_be_read(sdk: Sdk) -> None:
    keys = sdk.world.put_sources(2)
    job = sdk.world.run(sdk.world.submit_prefix().id)
    shown = sdk.get(f"/api/import-jobs/{job.id}")
    assert (shown["source"], shown["bucket"], shown["prefix"], shown["total"]) == ("s3", "source", "p/", len(keys))
    listed = sdk.world.run(sdk.world.submit_list(keys).id)
    assert sdk.get(f"/api/import-jobs/{listed.id}")["bucket"] is None


def test_chosen_failed_videos_are_run_again(sdk: Sdk) -> None:
    job_id = sdk.imported("a.mp4", "b.mp4")
    put_videos(sdk.world, "a.mp4", "b.mp4")
    status, job = sdk("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": [f"{job_id}-1"]})
    assert (status, job["terminal"], job["status"]) == (200, False, "importing")
    assert sdk.refusal("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": None})[0] == 409
    sdk.world.run(job_id)
    assert [row["status"] for row in sdk.videos(job_id)["videos"]] == ["UPLOADING_FAILED", "UPLOADED"]
    assert sdk.refusal("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": ["nope"]})[0] == 422
    assert [entry.action for entry in sdk.world.jobs.audit].count(Action.IMPORT_RETRY) == 3


# --- pages -----------------------------------------------------------------------------------------------------------


def test_pages_are_whole_from_the_end_of_planning_on(sdk: Sdk) -> None:
    keys = [f"{number}.mp4" for number in range(7)]
    put_videos(sdk.world, *keys[:-1])
    job_id = sdk.upload_keys(*keys)
    page = sdk.videos(job_id)
    assert (page["videos"], page["total"], page["has_more"], page["limit"]) == ([], 7, False, 500)
    sdk.world.plan(job_id)
    planned = pages(sdk, job_id, 3)
    assert ids(planned) == [clip_id(job_id, ordinal) for ordinal in range(7)]
    assert {row["status"] for page in planned for row in page["videos"]} == {"PROCESSING"}
    for batch in sdk.world.batches(job_id):
        sdk.world.copy(batch)
    finish(job_id, error=None, ports=sdk.world.finish_ports)
    last = pages(sdk, job_id, 3)
    assert [len(page["videos"]) for page in last] == [3, 3, 1]
    assert last[1]["cursor"] == f"{job_id}-2"
    assert [row["status"] for page in last for row in page["videos"]] == ["UPLOADED"] * 6 + ["UPLOADING_FAILED"]
    assert set(last[0]["videos"][0]) == {"video_id", "status", "import_source_uri", "code", "message"}


def test_an_offset_is_another_way_to_page(sdk: Sdk) -> None:
    job_id = sdk.imported(*(f"{number}.mp4" for number in range(5)))
    page = sdk.videos(job_id, offset="3", limit="1")
    assert ids([page]) == [f"{job_id}-3"]
    assert (page["has_more"], page["next_cursor"]) == (True, f"{job_id}-3")
    assert sdk.videos(job_id, offset="5")["videos"] == []
    assert sdk.videos(job_id, offset="99999999")["has_more"] is False


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "{job}-0", "offset": "0"},
        {"cursor": "other-0"},
        {"cursor": "x"},
        {"offset": "-1"},
        {"limit": "0"},
        {"limit": "x"},
    ],
)
def test_pages_that_cannot_be_meant_are_refused(sdk: Sdk, query: dict[str, str]) -> None:
    job_id = sdk.imported("a.mp4")
    asked = {name: value.replace("{job}", job_id) for name, value in query.items()}
    assert sdk.refusal("GET", f"/api/import-jobs/{job_id}/videos", query=asked)[0] in (400, 422)


def test_a_limit_beyond_the_greatest_is_the_greatest(sdk: Sdk) -> None:
    job_id = sdk.imported("a.mp4")
    assert sdk.videos(job_id, limit="100000")["limit"] == 1_000


@pytest.mark.no_cover
def test_every_page_of_a_hundred_thousand_videos_costs_what_the_first_does(sdk: Sdk) -> None:
    keys = [f"{number:06d}.mp4" for number in range(100_000)]
    job_id = sdk.upload_keys(*keys)
    sdk.world.plan(job_id)
    first = cost(sdk, partial(sdk.videos, job_id, limit="500"))
    assert first == {"jobs.get": 1, "state.get": 1, "clips.get": 1}
    for last in (499, 49_999, 99_499):
        assert cost(sdk, partial(sdk.videos, job_id, limit="500", cursor=f"{job_id}-{last}")) == first
        assert cost(sdk, partial(sdk.videos, job_id, limit="500", offset=str(last + 1))) == first
    page = sdk.videos(job_id, limit="500", cursor=f"{job_id}-99499")
    assert (page["video_count"], page["has_more"]) == (500, False)


@pytest.mark.no_cover
def test_every_page_of_many_sets_costs_what_the_first_does(sdk: Sdk) -> None:
    roles = ("front", "rear", "left", "right", "top", "bottom", "vehicle_view")
    count = 3_000
    sets = [a_set(*(f"{number:05d}-{role}.mp4" for role in roles), roles=roles) for number in range(count)]
    job = sdk.world.submit(import_sets(*sets))
    sdk.world.plan(job.id)
    first = cost(sdk, partial(sdk.videos, job.id, limit="100"))
    assert first["state.get"] <= 2
    for position in (100, 1_500, 2_900):
        cursor = clip_id(job.id, (position - 1) * len(roles))
        spent = cost(sdk, partial(sdk.videos, job.id, limit="100", cursor=cursor))
        assert spent["state.get"] <= 3  # a page of 700 views lies in two parts, and a set may run over a part's end
        assert {name: n for name, n in spent.items() if name != "state.get"} == {
            name: n for name, n in first.items() if name != "state.get"
        }
    page = sdk.videos(job.id, limit="100", cursor=clip_id(job.id, 2_899 * len(roles)))
    assert (page["video_count"], page["has_more"], page["total"]) == (100, False, count)


# --- sets ------------------------------------------------------------------------------------------------------------


def test_a_page_of_sets_has_their_fronts(sdk: Sdk) -> None:
    put_videos(sdk.world, *(f"{number}/{role}.mp4" for number in range(5) for role in ROLES))
    sets = [{role: f"{number}/{role}.mp4" for role in reversed(ROLES)} for number in range(5)]
    job_id = upload_sets(sdk, *sets[:4], sets[4] | {"left": "4/missing.mp4"}, sets[0])
    assert sdk.get(f"/api/import-jobs/{job_id}")["total"] == 6
    sdk.world.run(job_id)
    found = pages(sdk, job_id, 4)
    assert [page["total"] for page in found] == [6, 6]
    assert ids(found) == [clip_id(job_id, 3 * number) for number in range(6)]
    rows = [row for page in found for row in page["videos"]]
    assert [row["import_source_uri"] for row in rows] == [f"s3://source/{n}/front.mp4" for n in (0, 1, 2, 3, 4, 0)]
    assert [row["status"] for row in rows] == ["UPLOADED"] * 4 + ["UPLOADING_FAILED", "UPLOADED"]
    good, bad = rows[0], rows[4]
    assert good["set_video_id"] == good["video_id"]
    assert good["views"]["front"] == {"video_id": good["video_id"], "status": "UPLOADED"}
    assert {role: one["status"] for role, one in good["views"].items()} == dict.fromkeys(ROLES, "UPLOADED")
    assert len({one["video_id"] for one in good["views"].values()}) == 3
    assert good["failed_views"] == []
    assert bad["failed_views"] == ["left"]
    assert {one["status"] for one in bad["views"].values()} == {"UPLOADING_FAILED"}
    assert sdk.refusal("GET", f"/api/import-jobs/{job_id}/videos", query={"offset": "0"})[0] == 422


def test_sets_are_pending_as_a_whole_until_they_are_copied(sdk: Sdk) -> None:
    put_videos(sdk.world, "f.mp4", "l.mp4")
    job_id = upload_sets(sdk, {"front": "f.mp4", "left": "l.mp4"})
    sdk.world.plan(job_id)
    (row,) = sdk.videos(job_id)["videos"]
    assert {row["status"], *(one["status"] for one in row["views"].values())} == {"PROCESSING"}


def test_a_view_of_a_wrong_kind_fails_its_set_and_a_set_without_front_is_refused(sdk: Sdk) -> None:
    put_videos(sdk.world, "f.mp4", "l.zip")
    job_id = upload_sets(sdk, {"front": "f.mp4", "left": "l.zip"})
    sdk.world.run(job_id)
    (row,) = sdk.videos(job_id)["videos"]
    assert (row["status"], row["failed_views"]) == ("UPLOADING_FAILED", ["left"])
    assert not landed(sdk.world, "f.mp4")
    for views in ({"left": "s3://source/l.mp4"}, {"front": "s3://source/f.mp4", "roof": "s3://source/r.mp4"}):
        assert sdk.refusal("POST", "/api/s3/upload", {"sets": [{"views": views}], "bucket": "source"})[0] == 422


# --- single videos ---------------------------------------------------------------------------------------------------


def test_the_newest_videos_come_first_and_by_folder(sdk: Sdk) -> None:
    put_videos(sdk.world, *(f"{number}.mp4" for number in range(6)), "x.zip")
    folder, org = sdk.folder("Rig"), sdk.folder("Rig", "org")
    old = sdk.imported("0.mp4", "1.mp4")
    in_folder = sdk.imported("2.mp4", "missing.mp4", folder_id=folder["id"])
    in_org = sdk.imported("3.mp4", folder_id=org["id"])
    by_v1 = sdk.world.run(sdk.world.submit_list(["4.mp4", "x.zip"], folder="Rig").id).id
    new = sdk.upload_keys("5.mp4")
    sdk.world.plan(new)
    listed = sdk.get("/api/my-videos", firebase_collection_name="videos", folder_collection="videoFolders")["videos"]
    jobs = [new, by_v1, in_org, in_folder, in_folder, old, old]
    assert [video["import_job_id"] for video in listed] == jobs
    assert [video["status"] for video in listed] == [
        *("processing", "uploaded", "uploaded", "uploaded", "uploading_failed", "uploaded", "uploaded"),
    ]
    assert {"video_id", "video_name", "filename", "duration_s", "folder_id", "folder_name", "created_at", "org_id"} <= (
        set(listed[0])
    )
    named = {
        scope: [video["video_name"] for video in sdk.get("/api/my-videos", folder="Rig", **scope_query)["videos"]]
        for scope, scope_query in (("", {}), ("user", {"scope": "user"}), ("org", {"scope": "org"}))
    }
    assert named == {
        "": ["4.mp4", "3.mp4", "2.mp4", "missing.mp4"],
        "user": ["4.mp4", "2.mp4", "missing.mp4"],
        "org": ["3.mp4"],
    }
    (one,) = sdk.get("/api/my-videos", folder="Rig", scope="org")["videos"]
    assert (one["folder_id"], one["folder_name"]) == (org["id"], "Rig")
    assert sdk.get("/api/my-videos", folder="nope")["videos"] == []
    counts = {scope: sdk.get("/api/folders/get", name="Rig", scope=scope)["video_count"] for scope in FolderScope}
    assert counts == {"user": 3, "org": 1}  # by /v1 x.zip counts, too: it landed there


def test_a_list_of_videos_is_bounded(sdk: Sdk) -> None:
    sdk.world.plan(sdk.upload_keys(*(f"{number}.mp4" for number in range(2_500))))
    spent = cost(sdk, lambda: sdk.get("/api/my-videos"))
    assert len(sdk.get("/api/my-videos")["videos"]) == 1_000
    assert spent["state.get"] == 1


def test_videos_that_came_one_by_one_are_all_listed(sdk: Sdk) -> None:
    jobs = [sdk.imported(f"{number}.mp4") for number in range(40)]
    assert [video["import_job_id"] for video in sdk.get("/api/my-videos")["videos"]] == jobs[::-1]


@pytest.mark.no_cover
def test_a_list_of_videos_does_not_look_at_every_clip_for_them(sdk: Sdk) -> None:
    job = sdk.world.submit_list([f"{number:06d}.zip" for number in range(50_000)])
    sdk.world.plan(job.id)
    spent = cost(sdk, lambda: sdk.get("/api/my-videos"))
    assert sdk.get("/api/my-videos")["videos"] == []
    assert spent["state.get"] == 20


def test_a_videos_status_is_where_the_sdk_looks_for_it(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    job_id = sdk.upload_keys("a.mp4", "b.mp4")
    assert sdk.refusal("GET", f"/api/video/{job_id}-0/status")[0] == 404
    sdk.world.plan(job_id)
    wanted = {0: ("PROCESSING", 0), 1: ("PROCESSING", 0)}
    for _ in range(2):
        for ordinal, (status, uploaded) in wanted.items():
            found = sdk.get(f"/api/video/{job_id}-{ordinal}/status", firebase_collection_name="videos")
            metadata = found["metadata"]
            assert (metadata["visual_analysis"]["status"]["status"], metadata["chunks_uploaded"]) == (status, uploaded)
            assert metadata["chunks_total"] == 1
        for batch in sdk.world.batches(job_id):
            sdk.world.copy(batch)
        wanted = {0: ("UPLOADED", 1), 1: ("UPLOADING_FAILED", 0)}
    for stranger in (f"{job_id}-2", f"{job_id}-00", f"{job_id}-x", "nope", job_id):
        assert sdk.refusal("GET", f"/api/video/{stranger}/status")[0] == 404
    assert sdk.refusal("GET", f"/api/video/{job_id}-0/status", project="other")[0] == 404


def test_a_deleted_video_is_gone_with_its_object_and_the_counts_stay(sdk: Sdk) -> None:
    put_videos(sdk.world, *(f"{number}.mp4" for number in range(4)))
    folder = sdk.folder("Rig")
    job_id = sdk.imported("0.mp4", "1.mp4", "2.mp4", "3.mp4", "missing.mp4", folder_id=folder["id"])
    before = sdk.world.job(job_id).counts
    for ordinal in (0, 1, 4):
        video_id = f"{job_id}-{ordinal}"
        assert sdk("DELETE", f"/api/video/{video_id}") == (200, {"status": "deleted", "video_id": video_id})
        assert sdk("DELETE", f"/api/video/{video_id}")[0] == 200, "asked again, because the answer got lost"
        assert sdk.refusal("GET", f"/api/video/{video_id}/status")[0] == 404
    assert [landed(sdk.world, f"{number}.mp4", "Rig") for number in range(4)] == [False, False, True, True]
    assert ids(pages(sdk, job_id, 1)) == [f"{job_id}-2", f"{job_id}-3"]
    assert sdk.videos(job_id)["total"] == 2
    assert [video["video_name"] for video in sdk.get("/api/my-videos")["videos"]] == ["2.mp4", "3.mp4"]
    assert sdk.get("/api/folders/get", name="Rig", scope="user")["video_count"] == 2
    assert sdk.world.job(job_id).counts == before
    deletions = [entry for entry in sdk.world.jobs.audit if entry.action == "clip.delete"]
    assert [entry.subject for entry in deletions] == [f"{job_id}-{ordinal}" for ordinal in (0, 1, 4)]


def test_a_deleted_failure_is_not_run_again(sdk: Sdk) -> None:
    job_id = sdk.imported("a.mp4", "b.mp4")
    sdk("DELETE", f"/api/video/{job_id}-0")
    put_videos(sdk.world, "a.mp4", "b.mp4")
    assert sdk.refusal("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": [f"{job_id}-0"]})[0] == 409
    sdk("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": None})
    sdk.world.clock.advance(60)
    sdk.world.run(job_id)
    assert (landed(sdk.world, "a.mp4"), landed(sdk.world, "b.mp4")) == (False, True)
    assert [row["status"] for row in sdk.videos(job_id)["videos"]] == ["UPLOADED"]


def test_a_video_on_its_way_is_not_deleted(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    job_id = sdk.upload_keys("a.mp4")
    sdk.world.plan(job_id)
    assert sdk.refusal("DELETE", f"/api/video/{job_id}-0")[0] == 409
    assert not [entry for entry in sdk.world.clips.rows[job_id].values() if entry.deleted_at]


def test_a_bucket_that_does_not_answer_is_to_be_asked_again(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    job_id = sdk.imported("a.mp4")
    busy = SourceUnavailable("SlowDown", operation="remove", uri="s3://clips/a.mp4")
    sdk.world.faults.plan("storage.remove_up_to", [busy])
    assert sdk.refusal("DELETE", f"/api/video/{job_id}-0")[0] == 503
    assert sdk.headers["Retry-After"] == ["5"]
    assert sdk.world.clips.rows[job_id][0].deleted_at is None
    assert sdk("DELETE", f"/api/video/{job_id}-0")[0] == 200


def test_a_failed_video_is_not_deleted_while_its_import_is_retried(sdk: Sdk) -> None:
    job_id = sdk.imported("a.mp4", "b.mp4")
    sdk("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": [f"{job_id}-0"]})
    assert sdk.refusal("DELETE", f"/api/video/{job_id}-0")[0] == 409
    sdk.world.run(job_id)
    assert sdk("DELETE", f"/api/video/{job_id}-0")[0] == 200


def test_a_retry_that_begins_during_a_deletion_keeps_the_video(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = sdk.imported("a.mp4")
    remove = sdk.world.clips.remove

    def late(*args: Any, **kwargs: Any) -> bool:
        sdk.world.retry(job_id)
        return remove(*args, **kwargs)

    monkeypatch.setattr(sdk.world.clips, "remove", late)
    assert sdk.refusal("DELETE", f"/api/video/{job_id}-0")[0] == 409
    put_videos(sdk.world, "a.mp4")
    sdk.world.clock.advance(60)
    sdk.world.run(job_id)
    assert (landed(sdk.world, "a.mp4"), sdk.world.clips.rows[job_id][0].deleted_at) == (True, None)


def test_a_page_of_deleted_videos_is_passed_over(sdk: Sdk) -> None:
    put_videos(sdk.world, *(f"{number}.mp4" for number in range(6)))
    job_id = sdk.imported(*(f"{number}.mp4" for number in range(6)))
    for ordinal in (2, 3, 5):
        sdk("DELETE", f"/api/video/{job_id}-{ordinal}")
    found = pages(sdk, job_id, 2)
    assert ids(found) == [f"{job_id}-{ordinal}" for ordinal in (0, 1, 4)]
    shown = sdk.world.status_ports
    assert [clip.deleted_at is None for clip in clips_between(sdk.world.job(job_id), 0, 6, shown)] == [
        *(True, True, False, False, True, False),
    ]


def test_a_later_object_in_its_place_stays(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    old = sdk.imported("a.mp4")
    put_videos(sdk.world, "a.mp4")
    new = sdk.imported("a.mp4")
    sdk("DELETE", f"/api/video/{old}-0")
    assert landed(sdk.world, "a.mp4")
    sdk("DELETE", f"/api/video/{new}-0")
    assert not landed(sdk.world, "a.mp4")


def clips_of(sdk: Sdk, job_id: str) -> list[Clip]:
    job = sdk.world.job(job_id)
    return clips_between(job, 0, job.counts.total, sdk.world.status_ports)


def test_an_object_that_was_there_before_is_the_videos_too(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    sdk.imported("a.mp4")
    again = sdk.imported("a.mp4")
    assert [clip.status for clip in clips_of(sdk, again)] == [ClipStatus.SKIPPED]
    sdk("DELETE", f"/api/video/{again}-0")
    assert not landed(sdk.world, "a.mp4")


def test_an_object_of_the_same_size_that_came_later_stays(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    sdk.imported("a.mp4")
    skipped = sdk.imported("a.mp4")
    put_videos(sdk.world, "a.mp4")
    sdk.imported("a.mp4")
    assert sdk("DELETE", f"/api/video/{skipped}-0")[0] == 200
    assert landed(sdk.world, "a.mp4")


def test_deleting_a_repeated_video_keeps_the_one_that_it_repeats(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    job_id = sdk.imported("a.mp4", "a.mp4")
    assert clips_of(sdk, job_id)[1].code == "DUPLICATE"
    assert sdk("DELETE", f"/api/video/{job_id}-1")[0] == 200
    assert landed(sdk.world, "a.mp4")


@pytest.mark.parametrize("etag", ["two", "one"], ids=["other bytes", "the same bytes"])
def test_deleting_a_superseded_video_keeps_the_upload_that_took_its_place(sdk: Sdk, etag: str) -> None:
    old = an_upload("inbox/demo/a.mp4", sequencer="01", etag="one", size=10)
    new = an_upload("inbox/demo/a.mp4", sequencer="02", etag=etag, size=10)
    accept_uploads([old, new], sdk.world.upload_ports)
    (job_id,) = sdk.world.jobs.rows
    sdk.world.storage.put("drop", "inbox/demo/a.mp4", 10, version=new.version)
    sdk.world.run(job_id)
    superseded = next(clip for clip in clips_of(sdk, job_id) if clip.code == "SUPERSEDED")
    kept = replace(sdk.world.storage.put("clips", superseded.destination.removeprefix("s3://clips/"), 10), etag=etag)
    sdk.world.storage.buckets["clips"][kept.key] = kept
    sdk.world.storage.marks[kept.key][-1] = (kept, None)
    assert sdk("DELETE", f"/api/video/{superseded.id}")[0] == 200
    assert sdk.world.storage.buckets["clips"].get(kept.key) == kept


def test_a_set_is_deleted_as_a_whole(sdk: Sdk) -> None:
    keys = [f"{number}/{role}.mp4" for number in range(2) for role in ROLES]
    put_videos(sdk.world, *keys)
    job_id = upload_sets(sdk, *({role: f"{number}/{role}.mp4" for role in ROLES} for number in range(2)))
    sdk.world.run(job_id)
    assert sdk("DELETE", f"/api/video/{job_id}-4")[0] == 200
    assert [landed(sdk.world, key) for key in keys] == [True] * 3 + [False] * 3
    assert ids([sdk.videos(job_id)]) == [f"{job_id}-0"]
    assert sdk.videos(job_id)["total"] == 1
    assert sdk.refusal("GET", f"/api/video/{job_id}-3/status")[0] == 404


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_deletion_that_crashes_is_ended_by_the_next(sdk: Sdk, take_effect: bool) -> None:
    world = sdk.world
    put_videos(world, "a.mp4")
    job_id = sdk.imported("a.mp4")
    calls = 1
    while True:
        world.faults.crash_in(calls, take_effect=take_effect)
        status, _ = sdk("DELETE", f"/api/video/{job_id}-0")
        crashed = world.faults.revive()
        if not crashed:
            break
        assert status == 500
        calls += 1
    assert calls > 4
    assert status in (200, 404)
    assert not world.storage.buckets[CLIPS_BUCKET]
    assert (world.job(job_id).removed, world.job(job_id).removed_landed) == (1, 1)
