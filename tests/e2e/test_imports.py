"""Imports of prefixes and lists, from request to bytes in the clips bucket."""

from typing import TYPE_CHECKING

from local.stack import Stack
from tests.e2e.faults import Pause
from tests.e2e.support import all_clips, all_rows, eventually, imported, landed, put_all, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


ODD_KEYS = [
    "plain.zip",
    "with space.zip",
    "plus+plus.zip",
    "percent%20sign.zip",
    "question?mark#hash.zip",
    "ünïcödé/日本語/🚗.mp4",
    "a//double/slash.zip",
    "quote'\"and&amp;.zip",
    "tilde~$@!()*,;=.zip",
]


def test_a_prefix_of_real_clips_lands_whole(api: "Api", stack: Stack, s3: "S3Client") -> None:
    listed = s3.list_objects_v2(Bucket=stack.source_bucket, Prefix="samples/")["Contents"]
    root = f"s3://{stack.source_bucket}/samples/"
    job = imported(api, root_path=root, labels=["first"], run_name_prefix="run-", folder=unique("samples"))
    assert job["status"] == "COMPLETED"
    assert job["counts"]["copied"] == job["counts"]["total"] == len(listed)
    assert job["counts"]["bytes"] == sum(item["Size"] for item in listed)
    assert (job["trigger"], job["project"], job["labels"]) == ("api", stack.project, ["first"])
    assert job["completed_at"] >= job["created_at"]
    clips = all_clips(api, job["id"])
    assert [clip["source_uri"] for clip in clips] == [f"s3://{stack.source_bucket}/{item['Key']}" for item in listed]
    for clip, item in zip(clips, listed, strict=True):
        assert clip["status"] == "COPIED"
        assert clip["size"] == item["Size"]
        assert clip["run_name"].startswith("run-")
        assert landed(s3, clip) == s3.get_object(Bucket=stack.source_bucket, Key=item["Key"])["Body"].read()


def test_destinations_mirror_the_source_below_project_and_folder(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('mirror')}/clip.zip"
    s3.put_object(Bucket=stack.source_bucket, Key=key, Body=b"clip")
    uri = f"s3://{stack.source_bucket}/{key}"
    filed = all_clips(api, imported(api, exact_paths=[uri], folder="day 1/left")["id"])[0]
    unfiled = all_clips(api, imported(api, exact_paths=[uri])["id"])[0]
    again = all_clips(api, imported(api, exact_paths=[uri])["id"])[0]
    root = f"s3://{stack.clips_bucket}/{stack.project}"
    assert filed["destination"] == f"{root}/day 1%2Fleft/{stack.source_bucket}/{key}"
    assert unfiled["destination"] == again["destination"] == f"{root}/-/{stack.source_bucket}/{key}"
    assert landed(s3, filed) == landed(s3, unfiled) == b"clip"


def test_keys_with_odd_characters_land_by_list_and_by_prefix(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('odd')}/"
    bodies = {prefix + key: key.encode() for key in ODD_KEYS}
    put_all(s3, stack.source_bucket, bodies.items())
    uris = [f"s3://{stack.source_bucket}/{key}" for key in bodies]
    for request in ({"exact_paths": uris}, {"root_path": f"s3://{stack.source_bucket}/{prefix}"}):
        job = imported(api, folder=unique("odd"), **request)
        assert (job["status"], job["counts"]["copied"]) == ("COMPLETED", len(ODD_KEYS)), job
        clips = all_clips(api, job["id"])
        assert {clip["source_uri"] for clip in clips} == set(uris)
        for clip in clips:
            key = clip["source_uri"].removeprefix(f"s3://{stack.source_bucket}/")
            assert landed(s3, clip) == bodies[key]


def test_keys_up_to_the_longest_that_s3_allows_land(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('long')}/"
    keys = [prefix + "x" * (length - len(prefix)) for length in (900, 1000, 1023, 1024)]
    keys.append(prefix + "é" * ((1024 - len(prefix)) // 2))
    put_all(s3, stack.source_bucket, ((key, key[-10:].encode()) for key in keys))
    job = imported(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
    assert (job["status"], job["counts"]["copied"]) == ("COMPLETED", len(keys))
    clips = all_clips(api, job["id"])
    assert len({clip["destination"] for clip in clips}) == len(keys)
    for clip in clips:
        key = clip["destination"].removeprefix(f"s3://{stack.clips_bucket}/")
        assert len(key.encode()) <= 1024
        assert key.startswith(f"{stack.project}/")
        assert landed(s3, clip) == clip["source_uri"][-10:].encode()


def test_an_empty_object_lands_and_a_folder_marker_is_no_clip(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('empty')}/"
    put_all(s3, stack.source_bucket, [(prefix, b""), (prefix + "sub/", b""), (prefix + "empty.zip", b"")])
    job = imported(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
    clips = all_clips(api, job["id"])
    assert [(clip["status"], clip["size"]) for clip in clips] == [("COPIED", 0)]
    assert landed(s3, clips[0]) == b""


def test_metadata_and_content_type_travel_with_the_clip(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('meta')}.mp4"
    s3.put_object(Bucket=stack.source_bucket, Key=key, Body=b"x", ContentType="video/mp4", Metadata={"rig": "r1"})
    clip = all_clips(api, imported(api, exact_paths=[f"s3://{stack.source_bucket}/{key}"])["id"])[0]
    destination = clip["destination"].removeprefix(f"s3://{stack.clips_bucket}/")
    head = s3.head_object(Bucket=stack.clips_bucket, Key=destination)
    assert (head["ContentType"], head["Metadata"]) == ("video/mp4", {"rig": "r1"})


def test_each_copy_carries_the_id_of_its_clip(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('marked')}/clip.zip"
    s3.put_object(Bucket=stack.source_bucket, Key=key, Body=b"clip", Metadata={"camera": "front"})
    uri = f"s3://{stack.source_bucket}/{key}"
    for settings in ({}, {"keep_metadata": False}):
        job = imported(api, exact_paths=[uri], settings={"on_existing": "overwrite", **settings})
        (clip,) = all_clips(api, job["id"])
        bucket, _, at = clip["destination"].removeprefix("s3://").partition("/")
        head = s3.head_object(Bucket=bucket, Key=at)
        assert head["WebsiteRedirectLocation"].partition("?")[0] == f"/{clip['id']}"
        assert head["Metadata"] == ({} if settings else {"camera": "front"})


def test_a_list_says_for_each_clip_why_it_failed(api: "Api", stack: Stack) -> None:
    good = f"s3://{stack.source_bucket}/{sample_key(api, stack)}"
    missing = f"s3://{stack.source_bucket}/not/there.zip"
    forbidden = f"s3://{stack.forbidden_bucket}/secret/clip.zip"
    job = imported(api, exact_paths=[missing, good, forbidden], folder=unique("list"))
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (1, 2)
    clips = all_clips(api, job["id"])
    assert [clip["source_uri"] for clip in clips] == [missing, good, forbidden]
    assert [(clip["status"], clip["code"]) for clip in clips] == [
        ("FAILED", "NOT_FOUND"),
        ("COPIED", None),
        ("FAILED", "CANNOT_ACCESS"),
    ]
    assert stack.forbidden_bucket in clips[2]["message"]
    assert [clip["id"] for clip in all_clips(api, job["id"], status="FAILED")] == [clips[0]["id"], clips[2]["id"]]
    assert [clip["id"] for clip in all_clips(api, job["id"], status="COPIED")] == [clips[1]["id"]]


def test_a_job_of_which_nothing_landed_is_failed(api: "Api", stack: Stack) -> None:
    job = imported(api, exact_paths=[f"s3://{stack.source_bucket}/not/there.zip"])
    assert (job["status"], job["code"], job["counts"]["failed"]) == ("FAILED", "CLIPS_FAILED", 1)


def test_the_same_uri_twice_in_a_list_is_copied_once(api: "Api", stack: Stack) -> None:
    uri = f"s3://{stack.source_bucket}/{sample_key(api, stack)}"
    job = imported(api, exact_paths=[uri, uri, uri], folder=unique("repeated"))
    assert job["status"] == "COMPLETED"
    assert (job["counts"]["total"], job["counts"]["copied"], job["counts"]["skipped"]) == (3, 1, 2)
    clips = all_clips(api, job["id"])
    assert [(clip["status"], clip["code"]) for clip in clips[1:]] == [("SKIPPED", "DUPLICATE")] * 2


def test_an_empty_prefix_completes_and_says_so(api: "Api", stack: Stack) -> None:
    job = imported(api, root_path=f"s3://{stack.source_bucket}/{unique('nothing')}/")
    assert (job["status"], job["code"], job["counts"]["total"]) == ("COMPLETED", "NO_CLIPS", 0)
    assert all_clips(api, job["id"]) == []


def test_three_thousand_clips_in_one_job_land_without_a_failure(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('many')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n:05d}.zip", f"clip {n}".encode()) for n in range(3_200)))
    job = imported(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
    assert (job["status"], job["counts"]["copied"]) == ("COMPLETED", 3_200)
    clips = all_clips(api, job["id"], limit=1_000)
    assert len({clip["id"] for clip in clips}) == 3_200
    assert {clip["status"] for clip in clips} == {"COPIED"}
    assert all_clips(api, job["id"], limit=999) == clips
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=stack.clips_bucket, Prefix=f"{stack.project}/-/{stack.source_bucket}/{prefix}"
    )
    assert sum(page["KeyCount"] for page in pages) == 3_200


def test_five_thousand_uris_in_one_request_are_all_accounted_for(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('list')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.mp4", b"x") for n in range(0, 5_000, 10)))
    uris = [f"s3://{stack.source_bucket}/{prefix}{n}.mp4" for n in range(5_000)]
    job = imported(api, exact_paths=uris)
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert (job["counts"]["total"], job["counts"]["copied"], job["counts"]["failed"]) == (5_000, 500, 4_500)
    failed = all_clips(api, job["id"], status="FAILED", limit=700)
    assert [clip["source_uri"] for clip in failed] == [uri for n, uri in enumerate(uris) if n % 10]


def test_a_source_that_changes_after_planning_fails_its_clip(
    api: "Api", stack: Stack, s3: "S3Client", paused_copies: Pause
) -> None:
    prefix = f"{unique('changed')}/"
    put_all(s3, stack.source_bucket, [(prefix + "a.zip", b"as planned"), (prefix + "b.zip", b"as planned")])
    with paused_copies():
        job = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
        eventually(lambda: api.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        pending = all_clips(api, job["id"])
        assert [clip["status"] for clip in pending] == ["PENDING"] * 2, "clips can be read once they are planned"
        s3.put_object(Bucket=stack.source_bucket, Key=prefix + "b.zip", Body=b"another clip")
    ended = settled(api, job["id"])
    clips = all_clips(api, job["id"])
    assert ended["status"] == "COMPLETED_WITH_ERRORS"
    assert [(clip["status"], clip["code"]) for clip in clips] == [("COPIED", None), ("FAILED", "SOURCE_CHANGED")]


def test_imports_are_listed_newest_first_and_paged(api: "Api", stack: Stack) -> None:
    uri = f"s3://{stack.source_bucket}/not/there.zip"
    ids = [start(api, exact_paths=[uri])["id"] for _ in range(3)]
    listed = [job["id"] for job in all_rows(api, "/v1/imports", "imports", limit=2)]
    assert [job_id for job_id in listed if job_id in ids] == ids[::-1]
    assert len(listed) == len(set(listed))


def sample_key(api: "Api", stack: Stack) -> str:
    """Some object of the samples."""
    _, found = api.post("/v1/previews", {"root_path": f"s3://{stack.source_bucket}/samples/"})
    key: str = found["keys"][0]
    return key
