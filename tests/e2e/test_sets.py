"""Multi-view sets on the deployed stack: whole in the clips bucket, or not at all."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.faults import Pause
from tests.e2e.support import all_clips, eventually, imported, landed, put_all, settled, start, unique
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


ROLES = ("front", "left", "right")


@pytest.fixture
def scene(stack: Stack, s3: "S3Client") -> Callable[..., dict[str, str]]:
    """Makes a set of `front`, `left` and `right` films; a body replaces a view's film, None leaves it out."""

    def make(**instead: bytes | None) -> dict[str, str]:
        prefix = f"{unique('set')}/"
        bodies = {role: (DATA / f"video/set01/{role}.mp4").read_bytes() for role in ROLES} | instead
        put_all(s3, stack.source_bucket, ((f"{prefix}{role}.mp4", body) for role, body in bodies.items() if body))
        return {role: f"s3://{stack.source_bucket}/{prefix}{role}.mp4" for role in ROLES}

    return make


@pytest.fixture
def visible(stack: Stack, s3: "S3Client") -> Callable[[dict[str, str]], int]:
    """How many of a set's views lie in the clips bucket."""

    def look(views: dict[str, str]) -> int:
        key = views["front"].removeprefix(f"s3://{stack.source_bucket}/").rpartition("/")[0]
        prefix = f"{stack.project}/-/{stack.source_bucket}/{key}/"
        return s3.list_objects_v2(Bucket=stack.clips_bucket, Prefix=prefix)["KeyCount"]

    return look


def fates(clips: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(clip["view"], clip["status"], clip["code"]) for clip in clips]


def test_a_set_lands_whole_and_its_clips_tell_their_view_and_set(
    api: "Api", s3: "S3Client", scene: Callable[..., dict[str, str]], visible: Callable[[dict[str, str]], int]
) -> None:
    views = scene()
    given = {"left": views["left"], "front": views["front"], "right": views["right"]}
    job = imported(
        api,
        sets=[{"views": given, "name": "drive-7"}],
        run_name_prefix="r-",
        settings={"content_validation": "structure"},
    )
    assert (job["status"], job["source"]["kind"], job["source"]["count"]) == ("COMPLETED", "sets", 1)
    assert (job["counts"]["total"], job["counts"]["copied"]) == (3, 3)
    clips = all_clips(api, job["id"])
    assert [clip["view"] for clip in clips] == ["front", "left", "right"]
    assert {clip["set"] for clip in clips} == {clips[0]["id"]}
    assert {clip["run_name"] for clip in clips} == {"r-drive-7"}
    assert all(clip["facts"]["codec"] for clip in clips)
    for clip in clips:
        assert landed(s3, clip) == (DATA / f"video/set01/{clip['view']}.mp4").read_bytes()
    assert visible(views) == 3
    again = imported(api, sets=[{"views": given}])
    assert (again["counts"]["skipped"], again["counts"]["copied"]) == (3, 0)


def test_a_set_with_a_missing_view_does_not_land_and_the_others_do(
    api: "Api", scene: Callable[..., dict[str, str]], visible: Callable[[dict[str, str]], int]
) -> None:
    good, bad = scene(), scene(left=None)
    job = imported(api, sets=[{"views": bad}, {"views": good}])
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    clips = all_clips(api, job["id"])
    assert fates(clips[:3]) == [
        ("front", "FAILED", "SET_INCOMPLETE"),
        ("left", "FAILED", "NOT_FOUND"),
        ("right", "FAILED", "SET_INCOMPLETE"),
    ]
    assert "view left has NOT_FOUND" in clips[0]["message"]
    assert (visible(bad), visible(good)) == (0, 3)
    failed = all_clips(api, job["id"], status="FAILED")
    assert fates(failed) == fates(clips[:3])
    assert {clip["set"] for clip in failed} == {clips[0]["id"]}


def test_a_set_with_a_broken_view_does_not_land(
    api: "Api", scene: Callable[..., dict[str, str]], visible: Callable[[dict[str, str]], int]
) -> None:
    bad = scene(right=(DATA / "video_bad/audio_only.mp4").read_bytes())
    job = imported(api, sets=[{"views": bad}], settings={"content_validation": "structure"})
    assert (job["status"], job["counts"]["failed"]) == ("FAILED", 3)
    codes = [clip["code"] for clip in all_clips(api, job["id"])]
    assert codes == ["SET_INCOMPLETE", "SET_INCOMPLETE", "MP4_NO_VIDEO"]
    assert visible(bad) == 0


def test_a_view_that_changes_after_the_plan_takes_its_set_back(
    api: "Api",
    stack: Stack,
    s3: "S3Client",
    scene: Callable[..., dict[str, str]],
    visible: Callable[[dict[str, str]], int],
    paused_copies: Pause,
) -> None:
    """The object that was at the destination before is current again, and no version of the failed set is left."""
    views = scene()
    [before] = all_clips(api, imported(api, exact_paths=[views["front"]])["id"])
    overwritten = views["front"].removeprefix(f"s3://{stack.source_bucket}/")
    s3.put_object(Bucket=stack.source_bucket, Key=overwritten, Body=b"a newer front")
    with paused_copies():
        job = start(api, sets=[{"views": views}])
        eventually(lambda: api.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        changed = views["right"].removeprefix(f"s3://{stack.source_bucket}/")
        s3.put_object(Bucket=stack.source_bucket, Key=changed, Body=b"another film")
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["failed"]) == ("FAILED", 3)
    assert [clip["code"] for clip in all_clips(api, job["id"])][2] == "SOURCE_CHANGED"
    assert visible(views) == 1
    assert landed(s3, before) == (DATA / "video/set01/front.mp4").read_bytes()
    prefix = before["destination"].split("/", 3)[3].rpartition("/")[0]
    versions = s3.list_object_versions(Bucket=stack.clips_bucket, Prefix=prefix)
    assert [version["Key"] for version in versions["Versions"]] == [before["destination"].split("/", 3)[3]]
    assert not versions.get("DeleteMarkers")


def test_cancelled_sets_leave_nothing(
    api: "Api", scene: Callable[..., dict[str, str]], visible: Callable[[dict[str, str]], int], paused_copies: Pause
) -> None:
    views = scene()
    with paused_copies():
        job = start(api, sets=[{"views": views}])
        eventually(lambda: api.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        assert api.post(f"/v1/imports/{job['id']}/cancel", None)[0] == 202
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["cancelled"]) == ("CANCELLED", 3)
    assert {clip["status"] for clip in all_clips(api, job["id"])} == {"CANCELLED"}
    assert visible(views) == 0


def test_many_sets_are_counted_and_paged_in_views(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('many')}/"
    names = [f"{prefix}{n:03d}-{v}.zip" for n in range(150) for v in range(7)]
    put_all(s3, stack.source_bucket, ((name, name.encode()) for name in names))
    uris = [f"s3://{stack.source_bucket}/{name}" for name in names]
    roles = ("front", "rear", "left", "right", "top", "overhead_1", "vehicle_view")
    sets = [{"views": dict(zip(roles, uris[first : first + 7], strict=True))} for first in range(0, len(uris), 7)]
    job = imported(api, sets=sets)
    assert (job["status"], job["source"]["count"], job["counts"]["copied"]) == ("COMPLETED", 150, 1_050)
    clips = all_clips(api, job["id"], limit=90)
    assert [clip["source_uri"] for clip in clips] == uris
    assert [clip["set"] for clip in clips] == [clips[n - n % 7]["id"] for n in range(1_050)]


@pytest.mark.parametrize(
    ("views", "place"),
    [
        ({"left": "s3://bkt/l"}, "sets[0].views: front is required"),
        ({"front": "s3://bkt/f", "roof": "s3://bkt/r"}, "sets[0].views: 'roof' is not a view"),
        ({"front": "s3://bkt/f", "left": "s3://bkt/f"}, "sets[0].views.left: the same URI as front"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused(api: "Api", views: dict[str, str], place: str) -> None:
    status, answer = api.post("/v1/imports", {"sets": [{"views": views}]})
    assert (status, answer["code"]) == (422, "INVALID_REQUEST")
    assert place in answer["detail"]


def test_a_retry_brings_the_whole_set_once_its_missing_view_is_there(
    api: "Api",
    stack: Stack,
    s3: "S3Client",
    scene: Callable[..., dict[str, str]],
    visible: Callable[[dict[str, str]], int],
) -> None:
    views = scene(left=None)
    job = imported(api, sets=[{"views": views}])
    assert (job["status"], job["counts"]["failed"], visible(views)) == ("FAILED", 3, 0)
    key = views["left"].removeprefix(f"s3://{stack.source_bucket}/")
    s3.put_object(Bucket=stack.source_bucket, Key=key, Body=(DATA / "video/set01/left.mp4").read_bytes())
    status, _ = api.post(f"/v1/imports/{job['id']}/retry", {"clip_ids": [f"{job['id']}-0"]})
    assert status == 202
    job = settled(api, job["id"])
    assert (job["status"], job["counts"]["copied"], job["run"], visible(views)) == ("COMPLETED", 3, 1, 3)
    assert fates(all_clips(api, job["id"])) == [(role, "COPIED", None) for role in ROLES]
