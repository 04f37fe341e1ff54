"""Imports from other providers' stores, opened by saved integrations, landing in the clips bucket."""

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from local.config import ROOT
from local.stack import Stack
from service.domain.destinations import destination_key, store_segment
from service.formats.archive import DEFLATED, STORED
from tests.e2e.faults import Pause, reconfigured
from tests.e2e.stores import save
from tests.e2e.support import all_clips, eventually, imported, landed, put_all, settled, start, unique
from tests.servers.gate import Answer, Slow
from tests.sources.stores import DATASET, SAVED, Store
from tests.unit.formats.making import Raw, write_zip

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


MIB = 1024**2
LARGE = os.urandom(10 * MIB + 345)
"""Three parts of the local stack's streamed copies."""
SAMPLE_ID = "0f247895-e3e5-537e-924b-b3976d321702"
SAMPLE = (ROOT / f"samples/clipgt/{SAMPLE_ID}.zip").read_bytes()
FILM = (ROOT / "tests/data/video/fragmented.mp4").read_bytes()
CHUNK_FILES = {"mp4": FILM, "timestamps.parquet": LARGE[: 5 * MIB + 1]}
"""Files of a clip in a chunk zip, by kind. The second one is copied in two parts."""
VERIFIED = {"s3": "etag", "gcs": "checksum", "hf": "unverifiable", "hf-public": "unverifiable"}
"""How a one-request copy is verified, by provider (decision 30)."""
WITH_CREDENTIALS = ("s3", "gcs", "hf")
CALL_SECONDS = 12
"""Less than the margin that ends a round: each call of a copy function sends one part."""


@pytest.fixture
def project(own: Stack) -> str:
    return own.project


@pytest.fixture
def stores(provider_stores: Mapping[str, Store]) -> Iterator[Mapping[str, Store]]:
    """By name, all whose objects can be overwritten."""
    yield {name: provider_stores[name] for name in SAVED}
    for one in provider_stores.values():
        one.reset()


@pytest.fixture
def dataset(provider_stores: Mapping[str, Store]) -> Iterator[Store]:
    yield provider_stores[DATASET]
    provider_stores[DATASET].reset()


@pytest.fixture(params=SAVED)
def store(stores: Mapping[str, Store], request: pytest.FixtureRequest) -> Store:
    return stores[request.param]


def put(store: Store, contents: Mapping[str, bytes]) -> tuple[dict[str, str], str]:
    """The objects' URIs, each below a prefix of its own."""
    prefix = unique("clips")
    for name, data in contents.items():
        store.put(f"{prefix}/{name}", data)
    return {name: str(store.at(f"{prefix}/{name}")) for name in contents}, str(store.at(f"{prefix}/"))


def fates(clips: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(clip["status"], clip["code"]) for clip in clips]


def previewed(api: "Api", **request: object) -> dict[str, Any]:
    found: dict[str, Any]
    status, found = api.post("/v1/previews", request)
    assert status == 200, found
    return found


def uploads_left(s3: "S3Client", stack: Stack) -> list[Any]:
    return s3.list_multipart_uploads(Bucket=stack.clips_bucket).get("Uploads", [])


def test_a_prefix_is_previewed_imported_and_skipped_the_next_time(
    team: "Api", project: str, stack: Stack, s3: "S3Client", store: Store
) -> None:
    contents = {"a.zip": b"a clip", "empty.zip": b"", "large.zip": LARGE, store.odd_key: b"oddly named"}
    uris, root = put(store, contents | {"notes.txt": b"no clip", "old-b.zip": b"no clip either"})
    made = save(team, store)
    request = {"root_path": root, "filters": {"include": ["*.zip"], "exclude": ["old-*"]}}
    found = previewed(team, **request)
    job = imported(team, **request)
    assert (job["status"], job["counts"]["copied"], job["integration_id"]) == ("COMPLETED", 4, None), job
    clips = {clip["source_uri"]: clip for clip in all_clips(team, job["id"])}
    assert list(clips) == [uris[name] for name in sorted(contents)]
    said = [(clip["source_uri"], clip["destination"], clip["action"]) for clip in found["sample"]]
    assert said == [(uri, clip["destination"], "copy") for uri, clip in clips.items()]
    assert found["bytes"] == job["counts"]["bytes"] == sum(map(len, contents.values()))
    segment = store_segment(made.get("endpoint_url"))
    for name, data in contents.items():
        clip = clips[uris[name]]
        at = store.at(clip["source_uri"].removeprefix(str(store.at(""))))
        key = destination_key(project, None, at, store=segment)
        assert clip["destination"] == f"s3://{stack.clips_bucket}/{key}"
        assert landed(s3, clip) == data
        assert (clip["size"], clip["verified"]) == (len(data), VERIFIED[store.name]), name
    assert clips[uris["large.zip"]]["etag"].endswith("-3"), "three parts"
    if made:
        assert team.get(f"/v1/integrations/{made['id']}")[1]["last_used"] >= job["created_at"]
    store.put(uris["a.zip"].removeprefix(str(store.at(""))), b"another clip")
    assert previewed(team, **request)["outcome"]["to_copy"] == {"count": 1, "bytes": 12}
    again = imported(team, **request)
    assert (again["counts"]["copied"], again["counts"]["skipped"]) == (1, 3), all_clips(team, again["id"])
    assert not uploads_left(s3, stack)


def test_a_list_is_looked_into_and_what_is_wrong_fails_alone(team: "Api", s3: "S3Client", store: Store) -> None:
    uris, _ = put(store, {"good.zip": SAMPLE, "cut.zip": SAMPLE[: len(SAMPLE) // 2], "empty.zip": b""})
    made = save(team, store)
    elsewhere = str(store.at("clip", store.forbidden))
    paths = [*uris.values(), uris["good.zip"] + ".gone", elsewhere, "s3://nobodys-bucket/a.zip"]
    named = {"integration_id": made["id"]} if made else {}
    job = imported(team, exact_paths=paths, settings={"content_validation": "structure"}, **named)
    assert job["integration_id"] == made.get("id")
    good, cut, empty, gone, forbidden, nobodys = all_clips(team, job["id"])
    assert (good["status"], good["verified"]) == ("COPIED", VERIFIED[store.name]), good
    assert landed(s3, good) == SAMPLE
    assert good["facts"]["clip_id"] == "0f247895-e3e5-537e-924b-b3976d321702"
    assert fates([cut, empty, gone]) == [("FAILED", "ZIP_TRUNCATED"), ("FAILED", "EMPTY_FILE"), ("FAILED", "NOT_FOUND")]
    refused = "INTEGRATION_MISMATCH" if made else "CANNOT_ACCESS"
    assert fates([forbidden, nobodys]) == [("FAILED", refused)] * 2


def test_a_manifest_in_that_store_names_clips_there_and_elsewhere(
    team: "Api", stack: Stack, s3: "S3Client", store: Store
) -> None:
    uris, _ = put(store, {"a.zip": b"there", "b.zip": b"there too"})
    own = f"{unique('own')}.zip"
    put_all(s3, stack.source_bucket, [(own, b"here")])
    lines = [
        {"uri": uris["a.zip"], "size": 5, "destination": "renamed.zip"},
        {"uri": uris["b.zip"], "size": 1},
        {"uri": f"s3://{stack.source_bucket}/{own}"},
    ]
    key = f"{unique('manifests')}/list.jsonl"
    store.put(key, "".join(json.dumps(line) + "\n" for line in lines).encode())
    save(team, store)
    clips = all_clips(team, imported(team, manifest_uri=str(store.at(key)))["id"])
    assert fates(clips) == [("COPIED", None), ("FAILED", "SOURCE_CHANGED"), ("COPIED", None)]
    assert [landed(s3, clip) for clip in (clips[0], clips[2])] == [b"there", b"here"]
    assert clips[0]["destination"].endswith("/-/renamed.zip")


def test_views_of_one_set_lie_in_several_stores(
    team: "Api", stack: Stack, s3: "S3Client", stores: Mapping[str, Store]
) -> None:
    own = f"{unique('own')}.mp4"
    put_all(s3, stack.source_bucket, [(own, b"front")])
    views = {"front": f"s3://{stack.source_bucket}/{own}"}
    for role, name, data in (("left", "s3", b"left"), ("right", "gcs", LARGE), ("rear", "hf", b"rear")):
        save(team, stores[name])
        views[role] = put(stores[name], {"view.mp4": data})[0]["view.mp4"]
    clips = all_clips(team, imported(team, sets=[{"views": views}])["id"])
    assert {clip["view"]: clip["status"] for clip in clips} == dict.fromkeys(views, "COPIED")
    by_view = {clip["view"]: landed(s3, clip) for clip in clips}
    assert by_view == {"front": b"front", "left": b"left", "right": LARGE, "rear": b"rear"}
    missing = {**views, "rear": views["rear"] + ".gone"}
    clips = all_clips(team, imported(team, sets=[{"views": missing}], folder="again")["id"])
    assert {clip["view"]: clip["code"] for clip in clips} == {
        **dict.fromkeys(views, "SET_INCOMPLETE"),
        "rear": "NOT_FOUND",
    }
    folder = f"{clips[0]['destination'].removeprefix(f's3://{stack.clips_bucket}/').split('/')[0]}/again/"
    assert s3.list_objects_v2(Bucket=stack.clips_bucket, Prefix=folder)["KeyCount"] == 0


def test_what_changes_after_planning_fails_alone(
    team: "Api", s3: "S3Client", stores: Mapping[str, Store], paused_copies: Pause
) -> None:
    paths: list[str] = []
    for store in stores.values():
        save(team, store)
        uris, _ = put(store, {"kept.zip": b"as planned", "changed.zip": b"as planned", "large.zip": LARGE})
        paths += uris.values()
    with paused_copies():
        job = start(team, exact_paths=paths)
        eventually(lambda: team.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        for store, changed, large in zip(stores.values(), paths[1::3], paths[2::3], strict=True):
            store.put(changed.removeprefix(str(store.at(""))), b"otherwise!")
            store.put(large.removeprefix(str(store.at(""))), LARGE[::-1])
    job = settled(team, job["id"])
    clips = all_clips(team, job["id"])
    assert fates(clips) == [("COPIED", None), *[("FAILED", "SOURCE_CHANGED")] * 2] * len(stores)
    assert [landed(s3, clip) for clip in clips[::3]] == [b"as planned"] * len(stores)


def test_wrong_credentials_are_told_as_such(team: "Api", stores: Mapping[str, Store]) -> None:
    paths: list[str] = []
    roots: list[str] = []
    for name in WITH_CREDENTIALS:
        save(team, stores[name], "wrong")
        uris, root = put(stores[name], {"a.zip": b"x"})
        paths += uris.values()
        roots.append(root)
    job = imported(team, exact_paths=paths)
    assert job["status"] == "FAILED"
    assert fates(all_clips(team, job["id"])) == [("FAILED", "CREDENTIALS_REJECTED")] * 3
    for root in roots:
        for path in ("/v1/imports", "/v1/previews"):
            status, answer = team.post(path, {"root_path": root})
            assert (status, answer["code"]) == (403, "CANNOT_ACCESS")


def test_without_its_integration_an_import_fails_until_a_retry_finds_one(
    team: "Api", s3: "S3Client", stores: Mapping[str, Store], paused_copies: Pause
) -> None:
    store = stores["gcs"]
    uris, root = put(store, {"a.zip": b"a", "b.zip": b"b"})
    status, answer = team.post("/v1/imports", {"root_path": root})
    assert (status, answer["code"]) == (403, "CANNOT_ACCESS")
    assert "save one for the bucket (POST /v1/integrations, type gcs)" in answer["detail"]
    job = imported(team, exact_paths=list(uris.values()))
    assert fates(all_clips(team, job["id"])) == [("FAILED", "CANNOT_ACCESS")] * 2

    made = save(team, store)
    with paused_copies():
        assert team.post(f"/v1/imports/{job['id']}/retry", None)[0] == 202
        eventually(lambda: team.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        assert team("DELETE", f"/v1/integrations/{made['id']}")[0] == 204
    assert settled(team, job["id"])["status"] == "FAILED"
    assert fates(all_clips(team, job["id"])) == [("FAILED", "INTEGRATION_GONE")] * 2

    save(team, store)
    assert team.post(f"/v1/imports/{job['id']}/retry", None)[0] == 202
    ended = settled(team, job["id"])
    assert (ended["status"], ended["counts"]["copied"], len(ended["runs"])) == ("COMPLETED", 2, 2)
    assert [landed(s3, clip) for clip in all_clips(team, job["id"])] == [b"a", b"b"]


@pytest.mark.provokes("Sandbox.Timedout")
def test_a_call_that_is_ended_in_the_middle_loses_no_part(
    team: "Api", stack: Stack, s3: "S3Client", stores: Mapping[str, Store], functions: Any
) -> None:
    two_parts = LARGE[: 5 * MIB + 1]
    paths: list[str] = []
    for name, data in (("s3", two_parts), ("gcs", LARGE), ("hf", two_parts)):
        save(team, stores[name])
        paths += put(stores[name], {"large.zip": data})[0].values()
    google = stores["gcs"]
    second = f"bytes={5 * MIB}-{10 * MIB - 1}"
    google.bytes_gate.fail(
        Slow(0.5, 64 * 1024),  # some 40 s for the part
        matches=lambda request: google.is_bytes(request) and request.headers.get("Range") == second,
    )
    with reconfigured(functions, "lambdas.copy.handler", timeout=CALL_SECONDS):
        job = start(team, exact_paths=paths)
        assert settled(team, job["id"])["status"] == "COMPLETED"
    assert not google.bytes_gate.faults, "one call was ended while it read"
    clips = all_clips(team, job["id"])
    assert [landed(s3, clip) for clip in clips] == [two_parts, LARGE, two_parts]
    assert [clip["etag"].partition("-")[2] for clip in clips] == ["2", "3", "2"], "parts"
    assert [clip["verified"] for clip in clips] == ["unverifiable", "checksum", "unverifiable"]
    read = [request.headers["Range"] for request in google.bytes_gate.requests if google.is_bytes(request)]
    first, third = f"bytes=0-{5 * MIB - 1}", f"bytes={10 * MIB}-{len(LARGE) - 1}"
    assert sorted(read) == sorted([first, second, second, third]), "no part is read again that was sent"
    assert not uploads_left(s3, stack)


def test_a_dataset_is_imported_at_the_commit_that_planning_saw(
    team: "Api", s3: "S3Client", dataset: Store, paused_copies: Pause
) -> None:
    uris, root = put(dataset, {"a.zip": b"a clip", "large.zip": LARGE})
    save(team, dataset)
    with paused_copies():
        job = start(team, root_path=root)
        eventually(lambda: team.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        dataset.put(uris["a.zip"].removeprefix(str(dataset.at(""))), b"a newer clip")
    assert settled(team, job["id"])["status"] == "COMPLETED"
    clips = all_clips(team, job["id"])
    assert [landed(s3, clip) for clip in clips] == [b"a clip", LARGE], "the planned commit's"
    assert [clip["verified"] for clip in clips] == ["checksum"] * 2
    assert "/hf~datasets~maker~clips/" in clips[0]["destination"]
    newer = all_clips(team, imported(team, exact_paths=[uris["a.zip"]])["id"])
    assert [landed(s3, clip) for clip in newer] == [b"a newer clip"]


def test_members_of_chunk_zips_are_imported_by_clip(
    team: "Api", project: str, stack: Stack, s3: "S3Client", dataset: Store
) -> None:
    members = {f"{clip}.front.{kind}": data for kind, data in CHUNK_FILES.items() for clip in ("c1", "c2")}
    damaged = Raw(b"c3.front.mp4", FILM, method=STORED, crc=1)
    methods = {"mp4": STORED, "parquet": DEFLATED}
    raw = [Raw(name.encode(), data, method=methods[name.rpartition(".")[2]]) for name, data in members.items()]
    chunk = "camera/front/front.chunk_0000.zip"
    dataset.put(chunk, write_zip([damaged, *raw]))
    put_all(s3, stack.source_bucket, [(f"{project}/own.zip", write_zip(raw))])
    save(team, dataset)

    root = str(dataset.at(f"{chunk}!/"))
    request = {"root_path": root, "settings": {"content_validation": "structure"}, "filters": {"include": ["*.mp4"]}}
    assert previewed(team, **request)["outcome"]["to_copy"]["count"] == 3
    dataset.bytes_gate.requests.clear()
    clips = all_clips(team, imported(team, **request)["id"])
    assert [clip["source_uri"] for clip in clips] == [f"{root}c{number}.front.mp4" for number in (1, 2, 3)]
    assert fates(clips) == [("COPIED", None), ("COPIED", None), ("FAILED", "CHECKSUM_MISMATCH")]
    for clip in clips[:2]:
        assert (landed(s3, clip), clip["verified"], clip["content"]) == (FILM, "checksum", "valid")
        assert clip["destination"].endswith(
            f"/-/hf~datasets~maker~clips/{chunk}!/{clip['source_uri'].partition('!/')[2]}"
        )
    read = [request for request in dataset.bytes_gate.requests if dataset.is_bytes(request)]
    assert len(read) == 3, "the directory for the answer and for the plan, and all of the members by one range"

    own = f"s3://{stack.source_bucket}/{project}/own.zip!/"
    listed = [*(f"{root}{name}" for name in members), *(f"{own}{name}" for name in members), f"{own}c9.mp4"]
    job = imported(team, exact_paths=listed, folder="all")
    *copied, missing = all_clips(team, job["id"])
    assert (missing["status"], missing["code"]) == ("FAILED", "NO_SUCH_MEMBER")
    assert [landed(s3, clip) for clip in copied] == [*members.values()] * 2
    assert {clip["verified"] for clip in copied} == {"checksum"}
    again = imported(team, **request)
    assert again["counts"]["skipped"] == 2, "the zip is older than the copies"
    assert not uploads_left(s3, stack)


def test_clips_of_a_chunk_zip_land_as_clipgt_zips(team: "Api", s3: "S3Client", dataset: Store) -> None:
    with zipfile.ZipFile(io.BytesIO(SAMPLE)) as sample:
        files = {name: sample.read(name) for name in sample.namelist()}
    ids = [SAMPLE_ID, "1" + SAMPLE_ID[1:]]
    raw = [
        Raw(name.replace(SAMPLE_ID, one).encode(), data, method=DEFLATED) for name, data in files.items() for one in ids
    ]
    dataset.put("labels/labels.chunk_0000.zip", write_zip(raw))
    save(team, dataset)
    root = str(dataset.at("labels/labels.chunk_0000.zip!/"))
    settings = {"members": "clipgt", "content_validation": "deep"}
    clips = all_clips(team, imported(team, root_path=root, settings=settings)["id"])
    assert [clip["source_uri"] for clip in clips] == [f"{root}{one}.zip" for one in ids]
    for clip, one in zip(clips, ids, strict=True):
        assert (clip["status"], clip["verified"], clip["content"]) == ("COPIED", "checksum", "valid"), clip
        assert clip["facts"]["clip_id"] == one
        with zipfile.ZipFile(io.BytesIO(landed(s3, clip))) as archive:
            assert archive.namelist() == [name.replace(SAMPLE_ID, one) for name in files]
            assert [archive.read(name) for name in archive.namelist()] == list(files.values())
    by_id = imported(team, exact_paths=[f"{root}{ids[1]}.zip"], settings=settings, folder="by-id")
    assert landed(s3, all_clips(team, by_id["id"])[0]) == landed(s3, clips[1]), "the same bytes every time"


@pytest.mark.parametrize("where", ["hub", "s3"])
def test_clips_are_imported_by_their_ids_out_of_chunk_zips(
    team: "Api", stack: Stack, s3: "S3Client", dataset: Store, where: str
) -> None:
    folder = unique("av")
    root = str(dataset.at(f"{folder}/")) if where == "hub" else f"s3://{stack.source_bucket}/{folder}/"
    files = {
        f"{feature}/chunk_000{chunk}.zip": {
            f"c{chunk}{clip}.{kind}": f"{feature} of c{chunk}{clip}".encode() for clip in (0, 1)
        }
        for feature, kind in (("camera", "mp4"), ("labels", "parquet"))
        for chunk in (0, 1)
    }

    def put_object(key: str, data: bytes) -> None:
        if where == "hub":
            dataset.put(f"{folder}/{key}", data)
        else:
            put_all(s3, stack.source_bucket, [(f"{folder}/{key}", data)])

    for key, members in files.items():
        put_object(key, write_zip([Raw(name.encode(), data, method=STORED) for name, data in members.items()]))
    save(team, dataset)
    request = {"root_path": root, "clip_ids": ["c00", "c11", "gone", "c00"]}
    wanted = {
        f"{root}{key}!/{name}": data
        for key, members in files.items()
        for name, data in members.items()
        if name[:3] in ("c00", "c11")
    }
    dataset.bytes_gate.requests.clear()
    found = previewed(team, **request, filters={"include": ["labels/*"]})
    assert (found["outcome"]["to_copy"]["count"], found["outcome"]["to_fail"]["count"]) == (2, 1)
    if where == "hub":
        assert len(dataset.bytes_gate.requests) == 2, "the directories of the two zips that the filter allows"

    status, started = team.post("/v1/imports", request | {"validate": False})
    assert (status, started["source"]["kind"], started["source"]["count"]) == (202, "clip_ids", 3), started
    job = settled(team, started["id"])
    assert (job["status"], job["counts"]["copied"], job["counts"]["failed"]) == ("COMPLETED_WITH_ERRORS", 4, 1), job
    clips = all_clips(team, job["id"])
    assert {clip["source_uri"]: landed(s3, clip) for clip in clips[:-1]} == wanted
    assert (clips[-1]["source_uri"], clips[-1]["code"], clips[-1]["run_name"]) == (
        f"{root}gone",
        "NO_SUCH_CLIP",
        "gone",
    )

    built = imported(team, **request, settings={"members": "clipgt"}, folder="built")
    assert (built["counts"]["copied"], built["counts"]["failed"]) == (4, 1)
    for clip in all_clips(team, built["id"])[:-1]:
        chunk = clip["source_uri"].removeprefix(root).partition("!/")[0]
        with zipfile.ZipFile(io.BytesIO(landed(s3, clip))) as archive:
            assert {name: archive.read(name) for name in archive.namelist()}.items() <= files[chunk].items()

    put_object("late/gone.mp4", b"it came later")
    assert team.post(f"/v1/imports/{job['id']}/retry", None)[0] == 202
    again = settled(team, job["id"])
    assert (again["status"], again["counts"]["copied"]) == ("COMPLETED", 5)
    late = all_clips(team, job["id"])[-1]
    assert (late["source_uri"], landed(s3, late)) == (f"{root}late/gone.mp4", b"it came later")


def test_an_import_waits_for_the_hub_s_window_and_completes(team: "Api", s3: "S3Client", dataset: Store) -> None:
    uris, _ = put(dataset, {"a.zip": b"a clip", "b.zip": b"another"})
    save(team, dataset)
    window = Answer(429, {"RateLimit": '"api";r=0;t=21'})  # longer than a function waits
    dataset.front.fail(window, matches=lambda request: "/paths-info/" in request.path)
    job = imported(team, exact_paths=list(uris.values()))
    assert (job["status"], job["counts"]["copied"]) == ("COMPLETED", 2), all_clips(team, job["id"])
    assert not dataset.front.faults, "the Hub refused once"
    assert [landed(s3, clip) for clip in all_clips(team, job["id"])] == [b"a clip", b"another"]
