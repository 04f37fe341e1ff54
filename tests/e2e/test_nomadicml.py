"""The NomadicML SDKs, as their users install them, against the deployed stack."""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local.config import ROOT
from local.stack import Stack
from service.sources.s3 import client_config
from tests.e2e.faults import Pause, Reconfigure
from tests.e2e.sdks import CLASSES, SdkError, driven, environment_of, python_of
from tests.e2e.support import PATIENCE_SECONDS, eventually, put_all, unique
from tests.paths import DATA
from tests.servers.fake_gcs import fake_gcs
from tests.servers.google import google_accounts
from tests.servers.hub import hub
from tests.servers.seaweed import ADMIN, READER, seaweed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


FILM = (DATA / "video/set01/front.mp4").read_bytes()
ROLES = ("front", "left", "right")
TERMINAL = {"UPLOADED", "UPLOADING_FAILED"}


@pytest.fixture(scope="module", params=sorted(CLASSES))
def team(request: pytest.FixtureRequest, api: "Api", admin: "Api") -> tuple[str, "Api"]:
    """(SDK's name, the API with a key of a project of its own)."""
    _, made = admin.post("/v1/keys", {"project": unique("team"), "name": "the fleet's"})
    return request.param, api.with_key(made["key"])


@pytest.fixture(scope="module")
def raw(team: tuple[str, "Api"]) -> "Api":
    return team[1]


@pytest.fixture(scope="module")
def sdk(team: tuple[str, "Api"]) -> Iterator[Any]:
    name, raw = team
    with driven(name, f"{raw.base_url}/", raw.key) as sdk:
        yield sdk


@pytest.fixture
def films(stack: Stack, s3: "S3Client") -> Callable[..., list[str]]:
    """URIs of new films in the source bucket, all with content of their own."""

    def make(*names: str) -> list[str]:
        prefix = f"{unique('films')}/"
        put_all(s3, stack.source_bucket, ((f"{prefix}{name}", FILM + name.encode()) for name in names))
        return [f"s3://{stack.source_bucket}/{prefix}{name}" for name in names]

    return make


@pytest.fixture
def body_of(stack: Stack, s3: "S3Client", sdk: Any) -> Callable[..., bytes | None]:
    """The bytes that landed of a URI, or None."""
    project = sdk("verify_auth")["org_id"]

    def look(uri: str, folder: str = "-") -> Any:
        key = f"{project}/{folder}/{uri.removeprefix('s3://')}"
        try:
            return s3.get_object(Bucket=stack.clips_bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None

    return look


def rows_of(sdk: Any, job_id: str, **query: object) -> tuple[list[dict[str, Any]], int]:
    rows, cursor = [], None
    while True:
        page = sdk("get_import_job_videos", job_id, cursor=cursor, **query)
        rows += page["videos"]
        assert page["video_count"] == len(page["videos"])
        if not page["has_more"]:
            return rows, page["total"]
        assert page["next_cursor"] == page["videos"][-1]["video_id"]
        cursor = page["next_cursor"]


def ended(sdk: Any, answer: dict[str, Any], **query: object) -> list[dict[str, Any]]:
    """Return (URI, status) of each row once all requested clips have a result."""
    job_id = answer["import_job_id"]
    assert answer == {"import_job_id": job_id, "status": "importing"}

    def look() -> Any:
        rows, total = rows_of(sdk, job_id, **query)
        done = len({row["video_id"] for row in rows}) >= total and {row["status"] for row in rows} <= TERMINAL
        return rows if done else None

    found: list[dict[str, Any]] = eventually(look, what=f"the videos of {job_id}")
    return found


def fates(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["import_source_uri"], row["status"]) for row in rows]


def refused(sdk: Any, *args: object, **kwargs: object) -> tuple[str, int | None]:
    with pytest.raises(SdkError) as refusal:
        sdk(*args, **kwargs)
    return refusal.value.kind, refusal.value.status


def test_the_key_is_verified_and_another_is_not(sdk: Any, raw: "Api") -> None:
    assert {"valid", "user_id", "uid", "email", "org_id"} <= set(sdk("verify_auth"))
    for key in ("nonsense", raw.key + "x"):
        with driven(sdk.name, raw.base_url, key) as stranger:
            assert refused(stranger, "verify_auth")[0] == "AuthenticationError"
            assert refused(stranger, "my_videos")[0] == "AuthenticationError"


def test_a_list_lands_in_its_folder_and_what_cannot_is_a_failed_row(
    sdk: Any, stack: Stack, films: Callable[..., list[str]], body_of: Callable[..., bytes | None]
) -> None:
    uris = films("one.mp4", "two words.MP4", "drei%20ü.mp4")
    missing = uris[0].replace("one", "missing")
    pattern = uris[0].replace("one", "*")
    rows = ended(sdk, sdk("upload", [*uris, missing, pattern], folder="Rig A"), limit=2)
    assert fates(rows) == [
        *((uri, "UPLOADED") for uri in uris),
        (missing, "UPLOADING_FAILED"),
        (pattern, "UPLOADING_FAILED"),
    ]
    for uri in uris:
        assert body_of(uri, "Rig A") == FILM + uri.rpartition("/")[2].encode()
    job_id = rows[0]["video_id"].rpartition("-")[0]
    job = sdk("get_import_job", job_id)
    assert (job["job_id"], job["source"], job["bucket"], job["total"]) == (job_id, "s3", stack.source_bucket, 5)
    folder = sdk("get_folder", "Rig A")
    assert (job["folder_id"], job["folder_name"]) == (folder["id"], "Rig A")
    eventually(lambda: sdk("get_folder", "Rig A")["video_count"] == 3, what="the count")
    names = [video["video_name"] for video in sdk("my_videos", folder="Rig A", scope="user")]
    assert names == [uri.rpartition("/")[2] for uri in (*uris, missing, pattern)]
    assert sdk("my_videos", folder="Rig A", scope="org") == []
    offset = sdk("get_import_job_videos", job_id, limit=2, offset=3)
    assert fates(offset["videos"]) == fates(rows[3:])
    assert sdk("get_import_job_uploaded_video_ids", job_id)["video_count"] == 5
    assert refused(sdk, "get_import_job_videos", job_id, cursor=rows[0]["video_id"], offset=1)[0] == "APIError"


def test_one_object_and_a_bucket_without_access(
    sdk: Any, stack: Stack, films: Callable[..., list[str]], body_of: Callable[..., bytes | None]
) -> None:
    (uri,) = films("single.mp4")
    assert fates(ended(sdk, sdk("upload", uri))) == [(uri, "UPLOADED")]
    assert body_of(uri) is not None
    forbidden = f"s3://{stack.forbidden_bucket}/a.mp4"
    assert fates(ended(sdk, sdk("upload", forbidden))) == [(forbidden, "UPLOADING_FAILED")]


def test_a_wrong_extension_that_no_sdk_lets_through_is_a_failed_row(
    sdk: Any, raw: "Api", stack: Stack, films: Callable[..., list[str]], body_of: Callable[..., bytes | None]
) -> None:
    good, bad = films("good.mp4", "bad.zip")
    keys = [uri.removeprefix(f"s3://{stack.source_bucket}/") for uri in (good, bad)]
    body = {"keys": keys, "bucket": stack.source_bucket, "folder_id": None, "collection": "videos", "scope": "user"}
    status, answer = raw.post("/api/s3/upload", body)
    assert status == 200
    assert fates(ended(sdk, answer)) == [(good, "UPLOADED"), (bad, "UPLOADING_FAILED")]
    assert body_of(bad) is None


def test_sets_land_whole_and_are_shown_as_their_fronts(
    sdk: Any, films: Callable[..., list[str]], body_of: Callable[..., bytes | None]
) -> None:
    front, left, right, second = films("front.mp4", "left.mp4", "right.mp4", "second.mp4")
    missing = left.replace("left", "missing")
    sets = [{"left": left, "front": front, "right": right}, {"front": second, "rear": missing}]
    rows = ended(sdk, sdk("upload", sets), limit=1)
    assert fates(rows) == [(front, "UPLOADED"), (second, "UPLOADING_FAILED")]
    assert set(rows[0]["views"]) == {"front", "left", "right"}
    assert {view["status"] for view in rows[0]["views"].values()} == {"UPLOADED"}
    assert (rows[0]["set_video_id"], rows[0]["failed_views"]) == (rows[0]["video_id"], [])
    assert rows[1]["failed_views"] == ["rear"]
    assert [body_of(uri) is not None for uri in (front, left, right, second)] == [True, True, True, False]
    job_id = rows[0]["video_id"].rpartition("-")[0]
    assert sdk("get_import_job", job_id)["total"] == 2
    assert refused(sdk, "get_import_job_videos", job_id, offset=0) == ("APIError", 422)
    (row,) = ended(sdk, sdk("upload", {"front": front, "left": left}))
    assert row["status"] == "UPLOADED"


def test_a_video_is_looked_at_and_deleted(
    sdk: Any, films: Callable[..., list[str]], body_of: Callable[..., bytes | None]
) -> None:
    kept, gone = films("kept.mp4", "gone.mp4")
    rows = ended(sdk, sdk("upload", [kept, gone], folder="Bin"))
    video_id = rows[1]["video_id"]
    metadata = sdk("video.get_video_status", video_id)["metadata"]
    assert metadata["visual_analysis"]["status"]["status"] == "UPLOADED"
    assert (metadata["chunks_total"], metadata["chunks_uploaded"]) == (1, 1)
    assert body_of(gone, "Bin") is not None
    assert sdk("delete_video", video_id) == {"status": "deleted", "video_id": video_id}
    assert (body_of(kept, "Bin") is None, body_of(gone, "Bin")) == (False, None)
    assert refused(sdk, "video.get_video_status", video_id) == ("APIError", 404)
    assert sdk("delete_video", video_id) == {"status": "deleted", "video_id": video_id}, "as after a lost answer"
    assert [video["video_name"] for video in sdk("my_videos", folder="Bin")] == ["kept.mp4"]
    left, total = rows_of(sdk, video_id.rpartition("-")[0])
    assert (fates(left), total) == ([(kept, "UPLOADED")], 1)


def test_what_failed_is_run_again(
    sdk: Any, raw: "Api", stack: Stack, s3: "S3Client", films: Callable[..., list[str]]
) -> None:
    (there,) = films("there.mp4")
    missing = there.replace("there", "missing")
    job_id = ended(sdk, sdk("upload", [there, missing]))[0]["video_id"].rpartition("-")[0]
    eventually(lambda: raw.get(f"/api/import-jobs/{job_id}")[1]["terminal"], what="the end")
    assert raw.get(f"/api/import-jobs/{job_id}")[1]["status"] == "partial"
    s3.put_object(Bucket=stack.source_bucket, Key=missing.removeprefix(f"s3://{stack.source_bucket}/"), Body=FILM)
    if sdk.name == "nomadic":
        assert sdk("retry_import_job", job_id, video_ids=[f"{job_id}-1"], idempotency_key="again")["job_id"] == job_id
        assert sdk("retry_import_job", job_id, video_ids=[f"{job_id}-1"], idempotency_key="again")["job_id"] == job_id
        assert sdk("wait_for_import_job", job_id, timeout=PATIENCE_SECONDS, poll_interval=1)["status"] == "completed"
    else:
        assert raw.post(f"/api/import-jobs/{job_id}/retry", {"video_ids": None})[0] == 200
        eventually(lambda: raw.get(f"/api/import-jobs/{job_id}")[1]["terminal"], what="the end")
    assert fates(rows_of(sdk, job_id)[0]) == [(there, "UPLOADED"), (missing, "UPLOADED")]


def test_folders_of_two_scopes_are_two(sdk: Any) -> None:
    name = unique("rig")
    made = sdk("create_folder", name, description="the old rig")
    assert set(made) >= {"id", "name", "org_id", "scope", "description", "created_at", "created_by", "video_count"}
    assert refused(sdk, "create_folder", name) == ("APIError", 409)
    assert sdk("create_or_get_folder", name) == made == sdk("get_folder", name)
    assert refused(sdk, "get_folder", name, scope="org") == ("APIError", 404)
    assert sdk("create_or_get_folder", name, scope="org")["id"] != made["id"]


def test_thousands_of_objects_are_asked_for_at_once(sdk: Any, raw: "Api", stack: Stack, paused_plans: Pause) -> None:
    prefix = unique("many")
    uris = [f"s3://{stack.source_bucket}/{prefix}/{number:05d}.mp4" for number in range(4_000)]
    with paused_plans():
        job_id = sdk("upload", uris)["import_job_id"]
        assert sdk("get_import_job", job_id)["total"] == 4_000
        assert raw.post(f"/v1/imports/{job_id}/cancel", None)[0] == 202


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store that speaks S3, with `clips/a/clip.mp4`."""
    with seaweed(tmp_path_factory.mktemp("store") / "seaweed") as url:
        admin = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id=ADMIN.access_key_id,
            aws_secret_access_key=ADMIN.secret_access_key,
            region_name="us-east-1",
            config=client_config(connections=4, path_style=True),
        )
        admin.create_bucket(Bucket="clips")
        admin.put_object(Bucket="clips", Key="a/clip.mp4", Body=FILM)
        yield url


def test_integrations_are_saved_listed_and_deleted(sdk: Any, raw: "Api", store: str) -> None:
    keys = {"accessKeyId": READER.access_key_id, "secretAccessKey": READER.secret_access_key}
    s3 = sdk("cloud_integrations.add", type="s3", name="store", bucket="clips", credentials=keys, endpoint_url=store)
    assert (s3["type"], s3["bucket"], s3["region"], s3["endpoint_url"]) == ("s3", "clips", "auto", store)
    assert (s3["is_owner"], s3["created_by_display_name"]) == (True, "the fleet's")
    hf = sdk("cloud_integrations.add_hf_bucket", name="hub", bucket="maker/clips", token="hf_planted")
    with google_accounts(allowed=set()) as google:
        gcs = sdk(
            "cloud_integrations.add", type="gcs", name="g", bucket="fleet", credentials=json.loads(google.account())
        )
    listed = sdk("cloud_integrations.list")
    assert [one["id"] for one in listed] == [s3["id"], hf["id"], gcs["id"]]
    assert sdk("cloud_integrations.list", type="gcs") == [gcs]
    for secret in (READER.secret_access_key, "hf_planted", "PRIVATE KEY"):
        assert secret not in str(listed)
    for one in listed:
        path = f"/api/cloud-integrations/{one['id']}"
        assert raw("DELETE", path) == (200, {"status": "deleted", "id": one["id"]})
        assert raw("DELETE", path)[0] == 404
    assert sdk("cloud_integrations.list") == []


def test_objects_of_another_store_come_by_its_saved_integration(sdk: Any, raw: "Api", store: str) -> None:
    keys = {"accessKeyId": READER.access_key_id, "secretAccessKey": READER.secret_access_key}
    saved = sdk("cloud_integrations.add", type="s3", name="store", bucket="clips", credentials=keys, endpoint_url=store)
    uri = "s3://clips/a/clip.mp4"
    assert fates(ended(sdk, sdk("upload", uri))) == [(uri, "UPLOADED")]
    assert fates(ended(sdk, sdk("upload", uri, integration_id=saved["id"], folder="By id"))) == [(uri, "UPLOADED")]
    other = "s3://elsewhere/a.mp4"
    assert fates(ended(sdk, sdk("upload", other, integration_id=saved["id"]))) == [(other, "UPLOADING_FAILED")]
    assert raw("DELETE", f"/api/cloud-integrations/{saved['id']}")[0] == 200


def test_objects_of_google_come_by_the_integration_that_the_sdk_finds(
    sdk: Any, raw: "Api", stack: Stack, s3: "S3Client", tmp_path: Path
) -> None:
    def landed() -> bytes | None:
        [clip] = raw.get(f"/v1/imports/{job['job_id']}/clips", limit=1)[1]["clips"]
        key = clip["destination"].removeprefix(f"s3://{stack.clips_bucket}/")
        found = s3.list_objects_v2(Bucket=stack.clips_bucket, Prefix=key).get("Contents")
        return s3.get_object(Bucket=stack.clips_bucket, Key=key)["Body"].read() if found else None

    with fake_gcs(tmp_path / "gcs") as url, google_accounts(allowed={"fleet"}) as google:

        def put(path: str, body: bytes, kind: str) -> None:
            request = urllib.request.Request(f"{url}{path}", data=body, headers={"Content-Type": kind})
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()

        put("/storage/v1/b", json.dumps({"name": "fleet"}).encode(), "application/json")
        put("/upload/storage/v1/b/fleet/o?uploadType=media&name=d/a.mp4", FILM, "video/mp4")
        request = {"name": "g", "type": "gcs", "bucket": "fleet", "endpoint_url": url}
        status, saved = raw.post("/v1/integrations", request | {"service_account": json.loads(google.account())})
        assert status == 201, saved
        uris = ["gs://fleet/d/a.mp4", "gs://fleet/d/missing.mp4"]
        rows = ended(sdk, sdk("upload", uris))
        assert fates(rows) == [(uris[0], "UPLOADED"), (uris[1], "UPLOADING_FAILED")]
        job = sdk("get_import_job", rows[0]["video_id"].rpartition("-")[0])
        assert (job["source"], job["bucket"]) == ("gcs", "fleet")
        assert landed() == FILM
        (row,) = ended(sdk, sdk("upload", {"front": uris[0]}))
        assert row["status"] == "UPLOADED"
        assert sdk("delete_video", rows[0]["video_id"])["status"] == "deleted"
        assert landed() is None
        assert raw("DELETE", f"/v1/integrations/{saved['id']}")[0] == 204
    assert refused(sdk, "upload", uris)[0] == "ValidationError"


def test_objects_of_hugging_face_come_by_their_bucket(sdk: Any, raw: "Api", with_environment: Reconfigure) -> None:
    """A public bucket needs no integration; a private one is opened by the integration saved for it."""
    with (
        hub("hf_planted") as state,
        with_environment("lambdas.plan.handler", "lambdas.copy.handler", HF_ENDPOINT=state.url),
    ):
        state.buckets |= {"maker/clips": {"d/a.mp4": FILM}, "maker/private": {"b.mp4": FILM}}
        state.public.add("maker/clips")
        public, private = "hf://buckets/maker/clips/d/a.mp4", "hf://buckets/maker/private/b.mp4"
        missing = "hf://buckets/maker/clips/d/missing.mp4"
        rows = ended(sdk, sdk("upload", [public, missing]))
        assert fates(rows) == [(public, "UPLOADED"), (missing, "UPLOADING_FAILED")]
        job = sdk("get_import_job", rows[0]["video_id"].rpartition("-")[0])
        assert (job["source"], job["bucket"], job["total"]) == ("hf_bucket", "maker/clips", 2)
        assert fates(ended(sdk, sdk("upload", private))) == [(private, "UPLOADING_FAILED")]
        saved = sdk("cloud_integrations.add_hf_bucket", name="h", bucket="maker/private", token="hf_planted")
        assert fates(ended(sdk, sdk("upload", private))) == [(private, "UPLOADED")]
        assert raw("DELETE", f"/api/cloud-integrations/{saved['id']}")[0] == 200


def test_directories_are_one_job(raw: "Api", films: Callable[..., list[str]], sdk: Any) -> None:
    inputs = [{"source_uri": uri.rpartition("/")[0], "name": "rec", "folder_id": None} for uri in films("a.mp4")]
    body = {"source_format": "fmt", "scope": "user", "inputs": inputs}
    status, answer = raw.post("/api/import-jobs", body)
    assert status == 202
    rows = ended(sdk, answer)
    assert [row["status"] for row in rows] == ["UPLOADED"]
    if sdk.name == "nomadic":
        answer = sdk("upload", "gs://fleet-of-nobody/rec/", source_format="fmt")
        ended_job = sdk("wait_for_import_job", answer["import_job_id"], timeout=PATIENCE_SECONDS, poll_interval=1)
        assert ended_job["status"] == "failed"


def test_what_there_is_not_is_said(sdk: Any, raw: "Api") -> None:
    assert refused(sdk, "get_import_job", "ij_000000000000000000000000") == ("APIError", 404)
    assert refused(sdk, "video.get_mcap_import_job", "mj_1") == ("APIError", 501)
    status, answer = raw("POST", "/api/s3/upload", b"{")
    assert (status, isinstance(answer["detail"], str)) == (422, True)


def test_without_a_key_every_call_is_a_401(raw: "Api") -> None:
    for method, path in (("POST", "/api/keys/verify"), ("GET", "/api/my-videos"), ("POST", "/api/s3/upload")):
        for key in ("", "nonsense"):
            status, answer = raw.with_key(key)(method, path, {} if method == "POST" else None)
            assert (status, isinstance(answer["detail"], str)) == (401, True)
    assert raw.with_key("")("GET", "/api/my-videos", headers={"Authorization": f"Bearer {raw.key}"})[0] == 200


def test_the_guides_examples_run_as_they_are(
    team: tuple[str, "Api"], films: Callable[..., list[str]], store: str
) -> None:
    name, raw = team
    front, left, second = films("front.mp4", "left.mp4", "second.mp4")
    missing = front.replace("front", "missing")
    environment = {
        "CLIPFERRY_URL": raw.base_url,
        "CLIPFERRY_KEY": raw.key,
        "FRONT": front,
        "LEFT": left,
        "SECOND": second,
        "MISSING": missing,
        "STORE_URL": store,
        "STORE_BUCKET": "clips",
        "STORE_OBJECT": "a/clip.mp4",
        "STORE_KEY_ID": READER.access_key_id,
        "STORE_SECRET": READER.secret_access_key,
        "HF_BUCKET": "maker/clips",
        "HF_TOKEN": "hf_token",
    }
    script = ROOT / "docs" / "examples" / "nomadicml_imports.py"
    done = subprocess.run(
        [python_of(name), str(script)],
        env=environment_of(environment),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = front.rpartition("/")[0]
    said = done.stdout.splitlines()
    for line in (
        f"  UPLOADED {front}",
        f"  UPLOADING_FAILED {missing}",
        f"  UPLOADING_FAILED {folder}/*.mp4",
        f"  UPLOADING_FAILED {second}",
        "1 False True",
        "2 2",
        "second.mp4 uploaded UPLOADED",
        "missing.mp4 uploading_failed UPLOADING_FAILED",
        "s3 clips auto True",
        "  UPLOADED s3://clips/a/clip.mp4",
        "hf_bucket True",
    ):
        assert line in said, done.stdout
