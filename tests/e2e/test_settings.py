"""Settings of an import: what is skipped, looked into, kept; and what says that a copy is its source."""

from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.support import all_clips, imported, put_all, unique
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


def files(*folders: str) -> dict[str, bytes]:
    return {
        path.relative_to(DATA).as_posix(): path.read_bytes()
        for folder in folders
        for path in sorted((DATA / folder).rglob("*"))
        if path.is_file()
    }


def lay_out(s3: "S3Client", stack: Stack, prefix: str, contents: dict[str, bytes]) -> str:
    put_all(s3, stack.source_bucket, ((prefix + name, body) for name, body in contents.items()))
    return f"s3://{stack.source_bucket}/{prefix}"


def test_a_second_import_of_a_prefix_copies_nothing_and_says_so(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, f"{unique('twice')}/", {f"{n}.zip": bytes([n]) for n in range(20)})
    assert imported(api, root_path=root)["counts"]["copied"] == 20
    again = imported(api, root_path=root)
    assert (again["status"], again["counts"]["copied"], again["counts"]["skipped"]) == ("COMPLETED", 0, 20)
    assert {(clip["status"], clip["code"]) for clip in all_clips(api, again["id"])} == {("SKIPPED", "UNCHANGED")}


def test_of_a_changed_prefix_only_what_changed_is_copied_again(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('changed')}/"
    root = lay_out(s3, stack, prefix, {"a.zip": b"a", "b.zip": b"b", "d.zip": b"d"})
    imported(api, root_path=root)
    lay_out(s3, stack, prefix, {"b.zip": b"another", "c.zip": b"new"})
    again = imported(api, root_path=root)
    fates = {clip["source_uri"].rpartition("/")[2]: clip["status"] for clip in all_clips(api, again["id"])}
    assert fates == {"a.zip": "SKIPPED", "b.zip": "COPIED", "c.zip": "COPIED", "d.zip": "SKIPPED"}


def test_a_list_skips_what_is_there_too(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, f"{unique('list')}/", {"a.zip": b"a", "b.zip": b"b"})
    imported(api, exact_paths=[root + "a.zip"])
    again = imported(api, exact_paths=[root + "a.zip", root + "b.zip"])
    assert [clip["status"] for clip in all_clips(api, again["id"])] == ["SKIPPED", "COPIED"]


@pytest.mark.parametrize(("on_existing", "fate"), [("overwrite", ("COPIED", None)), ("fail", ("FAILED", "EXISTS"))])
def test_what_lies_there_already_can_be_overwritten_or_refused(
    api: "Api", stack: Stack, s3: "S3Client", on_existing: str, fate: tuple[str, str | None]
) -> None:
    root = lay_out(s3, stack, f"{unique('existing')}/", {"a.zip": b"a"})
    imported(api, root_path=root)
    again = imported(api, root_path=root, settings={"on_existing": on_existing})
    assert again["settings"]["on_existing"] == on_existing
    assert [(clip["status"], clip["code"]) for clip in all_clips(api, again["id"])] == [fate]


@pytest.mark.parametrize("depth", ["structure", "deep"])
def test_broken_clips_are_never_copied_and_say_what_is_broken(
    api: "Api", stack: Stack, s3: "S3Client", depth: str
) -> None:
    good, bad = files("clipgt", "clipgt_ok_variants", "video"), files("clipgt_bad", "video_bad")
    prefix = f"{unique(depth)}/"
    root = lay_out(s3, stack, prefix, good | bad)
    job = imported(api, root_path=root, settings={"content_validation": depth})
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (len(good), len(bad))
    for clip in all_clips(api, job["id"]):
        name = clip["source_uri"].removeprefix(root)
        key = clip["destination"].removeprefix(f"s3://{stack.clips_bucket}/")
        landed = s3.list_objects_v2(Bucket=stack.clips_bucket, Prefix=key).get("KeyCount", 0)
        if name in good:
            assert (clip["status"], landed) == ("COPIED", 1), clip
            assert clip["facts"]["format"] == ("mp4" if name.endswith(".mp4") else "clipgt")
        else:
            assert (clip["status"], landed) == ("FAILED", 0), clip
            assert clip["code"].isupper()
            assert len(clip["message"]) > 10


def test_facts_of_a_clip_are_on_its_record(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, f"{unique('facts')}/", files("clipgt", "video/set01"))
    job = imported(api, root_path=root, settings={"content_validation": "structure"})
    for clip in all_clips(api, job["id"]):
        facts = clip["facts"]
        if facts["format"] == "clipgt":
            assert facts["clip_id"] in clip["source_uri"]
            assert {"calibration_estimate", "egomotion_estimate"} <= set(facts["layers"])
        else:
            assert facts["duration_s"] > 0
            assert facts["width"] > 0
            assert facts["codec"]


def test_a_copy_says_how_it_was_verified(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, f"{unique('verified')}/", {"a.zip": b"a"})
    [clip] = all_clips(api, imported(api, root_path=root)["id"])
    assert clip["verified"] == "etag"


def test_metadata_is_left_out_where_that_is_asked_for(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('meta')}.mp4"
    s3.put_object(Bucket=stack.source_bucket, Key=key, Body=b"x", Metadata={"rig": "r1"})
    uri = f"s3://{stack.source_bucket}/{key}"
    [clip] = all_clips(api, imported(api, exact_paths=[uri], settings={"keep_metadata": False})["id"])
    head = s3.head_object(Bucket=stack.clips_bucket, Key=clip["destination"].split("/", 3)[3])
    assert head["Metadata"] == {}


@pytest.mark.parametrize(
    "settings",
    [{"on_existing": "maybe"}, {"content_validation": True}, {"storage_class": "GLACIER"}, {"unknown": 1}, "skip"],
)
def test_bad_settings_are_refused(api: "Api", stack: Stack, settings: dict[str, Any]) -> None:
    body = {"exact_paths": [f"s3://{stack.source_bucket}/x.zip"], "settings": settings}
    status, answer = api.post("/v1/imports", body)
    assert (status, answer["code"]) == (422, "INVALID_REQUEST"), answer
