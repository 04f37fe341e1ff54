"""Uploads by the NomadicML routes: accepted even if single objects are bad, rejected if the body is bad."""

from typing import Any

import pytest

from service.domain.jobs import Door, JobStatus, SourceKind
from service.domain.projects import FolderScope
from service.domain.requests import ContentValidation, ImportSettings
from tests.builders import always, an_integration
from tests.paths import DATA
from tests.unit.lambdas.nomadic.conftest import Sdk, landed, put_videos

UPLOADS = ("/api/s3/upload", "/api/gcs/upload", "/api/hf-buckets/upload")


def rows(sdk: Sdk, job_id: str) -> list[tuple[str, str, str | None]]:
    return [(row["import_source_uri"], row["status"], row["code"]) for row in sdk.videos(job_id)["videos"]]


def test_objects_are_copied_under_their_given_uris_and_audited_as_nomadicml(sdk: Sdk) -> None:
    keys = ("a/one.mp4", "a/b%20c.MP4", "ünï.mp4")
    put_videos(sdk.world, *keys)
    job_id = sdk.imported(*keys)
    assert rows(sdk, job_id) == [(f"s3://source/{key}", "UPLOADED", None) for key in keys]
    assert all(landed(sdk.world, key) for key in keys)
    job = sdk.world.job(job_id)
    assert (job.door, job.key_id, job.source.kind) == (Door.NOMADICML, "key_1", SourceKind.LIST)
    (entry,) = sdk.world.jobs.audit
    assert (entry.by.door, entry.by.request_id) == (Door.NOMADICML, "request-1")


def test_what_is_wrong_with_an_object_is_its_row(sdk: Sdk) -> None:
    put_videos(sdk.world, "good.mp4", "clip.zip", "star*.mp4")
    long = f"{'x' * 1_100}.mp4"
    bad = ["missing.mp4", "clip.zip", "clips/*.mp4", long]
    job_id = sdk.imported("good.mp4", "star*.mp4", *bad)
    assert rows(sdk, job_id) == [
        ("s3://source/good.mp4", "UPLOADED", None),
        ("s3://source/star*.mp4", "UPLOADED", None),
        ("s3://source/missing.mp4", "UPLOADING_FAILED", "NOT_FOUND"),
        ("s3://source/clip.zip", "UPLOADING_FAILED", "UNSUPPORTED_EXTENSION"),
        ("s3://source/clips/*.mp4", "UPLOADING_FAILED", "NOT_FOUND"),
        (f"s3://source/{long}", "UPLOADING_FAILED", "INVALID_URI"),
    ]
    told = {row["import_source_uri"]: row["message"] for row in sdk.videos(job_id)["videos"]}
    assert "wildcards are not supported" in told["s3://source/clips/*.mp4"]
    assert "wildcards" not in told["s3://source/missing.mp4"]
    assert sdk.world.job(job_id).status is JobStatus.COMPLETED_WITH_ERRORS


def test_a_video_that_fails_its_check_is_a_failed_upload_with_its_reason(sdk: Sdk) -> None:
    sdk.world.defaults = ImportSettings(content_validation=ContentValidation.STRUCTURE)
    sdk.world.storage.put_body("source", "good.mp4", (DATA / "video/set01/front.mp4").read_bytes())
    sdk.world.storage.put_body("source", "page.mp4", b"<html>")
    job_id = sdk.imported("good.mp4", "page.mp4")
    assert rows(sdk, job_id) == [
        ("s3://source/good.mp4", "UPLOADED", None),
        ("s3://source/page.mp4", "UPLOADING_FAILED", "NOT_AN_MP4"),
    ]
    assert sdk.videos(job_id)["videos"][1]["message"]
    assert sdk.get(f"/api/import-jobs/{job_id}")["status"] == "partial"


@pytest.mark.parametrize("bucket", ["somebody-elses", "No_Bucket", "x"])
def test_a_bucket_without_access_is_failed_rows(sdk: Sdk, bucket: str) -> None:
    job_id = sdk.imported("a.mp4", "b.mp4", bucket=bucket)
    found = rows(sdk, job_id)
    assert [(uri, status) for uri, status, _ in found] == [
        (f"s3://{bucket}/{name}.mp4", "UPLOADING_FAILED") for name in "ab"
    ]
    assert sdk.get(f"/api/import-jobs/{job_id}")["status"] == "failed"


def test_a_repeated_key_has_the_fate_of_the_first(sdk: Sdk) -> None:
    put_videos(sdk.world, "good.mp4")
    job_id = sdk.imported("good.mp4", "missing.mp4", "good.mp4", "missing.mp4")
    statuses = [status for _, status, _ in rows(sdk, job_id)]
    assert statuses == ["UPLOADED", "UPLOADING_FAILED", "UPLOADED", "UPLOADING_FAILED"]
    assert sdk.videos(job_id)["total"] == 4


def test_a_retry_keeps_rejecting_other_extensions(sdk: Sdk) -> None:
    put_videos(sdk.world, "clip.zip")
    job_id = sdk.imported("clip.zip", "late.mp4")
    put_videos(sdk.world, "late.mp4")
    assert sdk("POST", f"/api/import-jobs/{job_id}/retry", {"video_ids": None})[0] == 200
    sdk.world.run(job_id)
    assert [(status, code) for _, status, code in rows(sdk, job_id)] == [
        ("UPLOADING_FAILED", "UNSUPPORTED_EXTENSION"),
        ("UPLOADED", None),
    ]


def test_the_same_idempotency_key_gives_the_same_job(sdk: Sdk) -> None:
    body = {"keys": ["a.mp4"], "bucket": "source"}
    assert sdk.upload(body, key="k") == sdk.upload(body, key="k") != sdk.upload(body, key="other")
    status, detail = sdk.refusal("POST", "/api/s3/upload", body | {"keys": ["b"]}, headers={"Idempotency-Key": "k"})
    assert status == 409
    assert "another request" in detail


def test_thousands_of_keys_come_in_one_request(sdk: Sdk) -> None:
    keys = [f"p/{number:05d}.mp4" for number in range(5_000)]
    job_id = sdk.upload_keys(*keys)
    assert sdk.get(f"/api/import-jobs/{job_id}")["total"] == 5_000


def test_the_error_of_a_too_large_body_says_what_to_do(sdk: Sdk) -> None:
    status, detail = sdk.refusal("POST", "/api/s3/upload", {"keys": ["x" * sdk.max_body_bytes], "bucket": "source"})
    assert status == 413
    assert "several requests" in detail


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"keys": [], "files": [], "bucket": "b-1"},
        {"keys": ["a.mp4"], "files": ["a.mp4"]},
        {"keys": "a.mp4", "files": "a.mp4", "bucket": "b-1"},
        {"keys": [""], "files": [""], "bucket": "b-1"},
        {"keys": [1], "files": [None], "bucket": "b-1"},
        {"keys": ["\ud800.mp4"], "files": ["\ud800.mp4"], "bucket": "b-1"},
        {"keys": ["a.mp4"], "files": ["a.mp4"], "sets": [{"views": {"front": "s3://b/f.mp4"}}], "bucket": "b-1"},
        {"sets": [], "bucket": "b-1"},
        {"sets": [{"views": {"front": "f.mp4"}}], "bucket": "b-1"},
        "{",
        "[]",
        None,
    ],
)
def test_malformed_bodies_are_refused(sdk: Sdk, path: str, body: object) -> None:
    if path == "/api/s3/upload" and isinstance(body, dict) and body.get("bucket") is None and body:
        assert sdk.refusal("POST", path, body) == (422, "bucket is missing")
    status, _ = sdk.refusal("POST", path, body)
    assert status in (400, 422)
    assert sdk.world.jobs.rows == {}


def test_unknown_fields_and_nulls_are_taken(sdk: Sdk) -> None:
    new = {"integration_id": None, "sets": None, "scope": None, "priority": {"new": 1}, "collection": None}
    assert sdk.upload_keys("a.mp4", **new)


@pytest.mark.parametrize(
    ("path", "body", "uri", "provider"),
    [
        ("/api/gcs/upload", {"files": ["d/a.mp4"], "bucket": "fleet"}, "gs://fleet/d/a.mp4", "gcs"),
        ("/api/gcs/upload", {"files": ["d/a.mp4"], "integration_id": f"in_{1:024x}"}, "gs://fleet/d/a.mp4", "gcs"),
        (
            "/api/hf-buckets/upload",
            {"files": ["d/a.mp4"], "bucket": "maker/clips"},
            "hf://buckets/maker/clips/d/a.mp4",
            "hf_bucket",
        ),
    ],
)
def test_other_providers_objects_are_named_their_way(
    sdk: Sdk, path: str, body: dict[str, Any], uri: str, provider: str
) -> None:
    saved = an_integration(f"in_{1:024x}", type="gcs", bucket="fleet")
    sdk.world.integrations.rows["demo", saved.id] = saved
    job_id = sdk.upload(body, path)
    (stored,) = [value for key, value in sdk.world.state.files.items() if job_id in key]
    assert stored.decode() == f'"{uri}"\n'
    job = sdk.get(f"/api/import-jobs/{job_id}")
    assert (job["source"], job["bucket"]) == (provider, uri.split("//")[1].removeprefix("buckets/")[:-8])


def test_gcs_without_a_known_integration_is_an_error_upon_which_the_sdk_tries_the_next(sdk: Sdk) -> None:
    body = {"files": ["a.mp4"], "integration_id": f"in_{2:024x}"}
    assert sdk.refusal("POST", "/api/gcs/upload", body)[0] == 404
    s3 = an_integration(f"in_{2:024x}")
    sdk.world.integrations.rows["demo", s3.id] = s3
    assert sdk.refusal("POST", "/api/gcs/upload", body)[0] == 404


def test_an_upload_lands_in_its_folder(sdk: Sdk) -> None:
    put_videos(sdk.world, "a.mp4")
    folder = sdk.folder("Rig A")
    job_id = sdk.imported("a.mp4", folder_id=folder["id"])
    assert landed(sdk.world, "a.mp4", folder="Rig A")
    job = sdk.get(f"/api/import-jobs/{job_id}")
    assert (job["folder_id"], job["folder_name"]) == (folder["id"], "Rig A")
    assert sdk.refusal("POST", "/api/s3/upload", {"keys": ["a"], "bucket": "source", "folder_id": "fd_x"})[0] == 404
    foreign = {"keys": ["a"], "bucket": "source", "folder_id": folder["id"]}
    assert sdk.refusal("POST", "/api/s3/upload", foreign, project="other")[0] == 404


def test_directories_are_one_import_of_what_lies_below_them(sdk: Sdk) -> None:
    put_videos(sdk.world, "rec/a/1.mp4", "rec/a/x/2.bin", "rec/b[1]/3.mp4", "rec/bc/4.mp4", "rec/c/5.mp4")
    inputs = [{"source_uri": f"s3://source/rec/{name}/", "name": name, "folder_id": None} for name in ("a", "b[1]")]
    body = {"source_format": "fmt", "scope": "user", "inputs": inputs}
    status, answer = sdk("POST", "/api/import-jobs", body)
    assert status == 202
    job = sdk.world.run(answer["import_job_id"])
    assert job.labels == ("a", "b[1]")
    found = [uri for uri, _, _ in rows(sdk, job.id)]
    assert found == [f"s3://source/rec/{key}" for key in ("a/1.mp4", "a/x/2.bin", "b[1]/3.mp4")]
    shown = sdk.get(f"/api/import-jobs/{job.id}")
    assert (shown["bucket"], shown["prefix"], shown["total"], shown["status"]) == ("source", "rec/", 3, "completed")


@pytest.mark.parametrize("page_size", [1, 1_000])
def test_a_thousand_directories_are_listed_one_after_the_other_in_rounds_too(sdk: Sdk, page_size: int) -> None:
    sdk.world.storage.page_size = page_size
    put_videos(sdk.world, *(f"rec/{number}/{film}.mp4" for number in range(30) for film in "ab"))
    put_videos(sdk.world, "rec/31/no.mp4", "rec/4 and more/no.mp4", "rec/40/no.mp4", "aside/no.mp4")
    wanted = [*(f"s3://source/rec/{number}" for number in range(30)), "s3://source/rec/7/", "s3://source/rec/7/a.mp4"]
    wanted += [f"s3://source/rec/none/{number}" for number in range(1_000 - len(wanted))]
    inputs = [{"source_uri": uri, "name": uri[-10:]} for uri in reversed(wanted)]
    _, answer = sdk("POST", "/api/import-jobs", {"source_format": "fmt", "inputs": inputs})
    job_id = answer["import_job_id"]
    sdk.world.plan(job_id, out_of_time=always)
    keys = [entry.source_uri.removeprefix("s3://source/") for entry in sdk.world.manifest(job_id)]
    assert keys == sorted(f"rec/{number}/{film}.mp4" for number in range(30) for film in "ab")
    assert len(sdk.world.job(job_id).labels) == 50


def test_one_directory_is_its_prefix(sdk: Sdk) -> None:
    put_videos(sdk.world, "rec/a/1.mp4", "rec/ab/2.mp4")
    body = {"source_format": "fmt", "inputs": [{"source_uri": "s3://source/rec/a"}]}
    _, answer = sdk("POST", "/api/import-jobs", body)
    job = sdk.world.run(answer["import_job_id"])
    assert (job.source.uri, job.filters, job.counts.copied) == ("s3://source/rec/a/", None, 1)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ([{"source_uri": "s3://source/"}], "no directory"),
        ([{"source_uri": "s3://source/a"}, {"source_uri": "s3://other-one/a"}], "several buckets"),
        ([{"source_uri": "s3://source/a", "folder_id": "f"}, {"source_uri": "s3://source/b"}], "several folders"),
        ([{"source_uri": f"s3://source/{number}"} for number in range(1_001)], "at most 1000"),
        ([], "at least 1"),
    ],
)
def test_directories_that_one_import_cannot_hold_are_refused(sdk: Sdk, inputs: list[dict[str, str]], word: str) -> None:
    status, detail = sdk.refusal("POST", "/api/import-jobs", {"source_format": "fmt", "inputs": inputs})
    assert status == 422
    assert word in detail


@pytest.mark.parametrize("path", ["/api/mcap/cloud-ingest/s3", "/api/mcap/import-jobs/x", "/api/mcap/x"])
def test_mcap_is_not_supported_and_says_so(sdk: Sdk, path: str) -> None:
    for method in ("GET", "POST"):
        status, detail = sdk.refusal(method, path)
        assert status == 501
        assert "MCAP" in detail


def test_the_key_is_verified(sdk: Sdk) -> None:
    status, body = sdk("POST", "/api/keys/verify")
    assert status == 200
    assert body == {
        "valid": True,
        "user_id": "key_1",
        "uid": "key_1",
        "email": "key_1@demo.invalid",
        "org_id": "demo",
    }
    assert sdk.refusal("POST", "/api/keys/verify", project="")[0] == 403


def test_folders_are_made_once_in_each_scope(sdk: Sdk) -> None:
    user, again, org = sdk.folder("Rig"), sdk.folder("Rig"), sdk.folder("Rig", "org")
    assert user == again
    assert user["id"] != org["id"]
    assert set(user) == {
        *("id", "name", "org_id", "scope", "description", "created_at", "created_by", "video_count"),
    }
    assert (user["org_id"], user["scope"], user["created_by"], org["scope"]) == ("demo", "user", "key_1", "org")
    assert sdk.refusal("POST", "/api/folders", {"name": "Rig", "scope": "user"})[0] == 409
    status, made = sdk("POST", "/api/folders", {"name": "Other", "scope": "org", "description": "d"})
    assert (status, made["description"], made["scope"]) == (201, "d", FolderScope.ORG)
    assert sdk.get("/api/folders/get", name="Rig", scope="user") == user
    assert sdk.refusal("GET", "/api/folders/get", query={"name": "Other", "scope": "user"})[0] == 404
    assert sdk.refusal("GET", "/api/folders/get", query={"name": "Rig", "scope": "team"})[0] == 422
    assert sdk.refusal("GET", "/api/folders/get", query={"name": "Rig"}, project="other")[0] == 404
    assert [entry.action for entry in sdk.world.jobs.audit] == ["folder.create"] * 3


def test_a_folder_that_is_made_twice_by_one_request_is_no_conflict(sdk: Sdk) -> None:
    body = {"name": "Rig", "scope": "user"}
    first, again = (sdk("POST", "/api/folders", body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first == again
    assert first[0] == 201
    for headers in (None, {"Idempotency-Key": "other"}):
        assert sdk.refusal("POST", "/api/folders", body, headers=headers)[0] == 409
    changed = body | {"description": "d"}
    assert sdk.refusal("POST", "/api/folders", changed, headers={"Idempotency-Key": "k"})[0] == 409


def test_the_second_of_two_concurrent_requests_gets_the_folder(sdk: Sdk) -> None:
    first = sdk.folder("Rig")
    rows = sdk.world.folders.rows
    hidden = rows.pop(("demo", first["id"]))
    create = sdk.world.folders.create

    def race(folder: Any, *, entry: Any) -> bool:
        rows["demo", first["id"]] = hidden
        return create(folder, entry=entry)

    sdk.world.folders.create = race  # type: ignore[method-assign]
    assert sdk.folder("Rig") == first


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "\ud800"])
def test_names_that_no_folder_can_have_are_refused(sdk: Sdk, name: str) -> None:
    for path in ("/api/folders", "/api/folders/create-or-get"):
        assert sdk.refusal("POST", path, {"name": name, "scope": "user"})[0] == 422
