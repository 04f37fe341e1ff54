"""Stationary extrapolation on the deployed stack: a file beside each ClipGT clip of imports that ask for it."""

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from clipferry import Clipferry, flow_executions
from local.stack import Stack
from tests.e2e.support import all_clips, imported, landed, put_all, settled, unique
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


CLIP = min((DATA / "clipgt").glob("*.zip"))
ASKED = {"stationary_extrapolation": True}
SUFFIX = ".stationary.parquet"


def layer_of(body: bytes, name: str) -> tuple[Any, str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (member,) = (one for one in archive.namelist() if one.endswith(f".{name}.parquet"))
        return pq.read_table(io.BytesIO(archive.read(member))), member


def seen_briefly(body: bytes, track: str) -> bytes:
    """The clip with the middle rows of one track only."""
    layer, member = layer_of(body, "obstacle")
    mine = [row for row, one in enumerate(layer["obstacle"].to_pylist()) if one["trackline_id"] == track]
    dropped = {*mine[:50], *mine[80:]}
    cut, out = io.BytesIO(), io.BytesIO()
    pq.write_table(layer.take([row for row in range(layer.num_rows) if row not in dropped]), cut)
    with zipfile.ZipFile(io.BytesIO(body)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            made.writestr(name, cut.getvalue() if name == member else given.read(name))
    return out.getvalue()


def times_of(table: Any, track: str) -> list[int]:
    rows = zip(table["key"].to_pylist(), table["obstacle"].to_pylist(), strict=True)
    return [key["timestamp_micros"] for key, obstacle in rows if obstacle["trackline_id"] == track]


@pytest.fixture
def prefix(stack: Stack, s3: "S3Client") -> str:
    """A clip with a parked car that is seen for 3 s, a broken one, and a film."""
    at = f"{unique('still')}/"
    bodies = {
        "brief.zip": seen_briefly(CLIP.read_bytes(), "parked"),
        "broken.zip": (DATA / "clipgt_bad/notparquet.zip").read_bytes(),
        "film.mp4": (DATA / "video/set01/front.mp4").read_bytes(),
    }
    put_all(s3, stack.source_bucket, ((at + name, body) for name, body in bodies.items()))
    return at


def result_of(stack: Stack, s3: "S3Client", clip: dict[str, Any]) -> Any:
    return s3.get_object(Bucket=stack.clips_bucket, Key=clip["extrapolation"]["key"])


def test_the_parked_car_is_there_all_the_time_and_the_clip_stays_as_it_is(
    api: "Api", stack: Stack, s3: "S3Client", prefix: str
) -> None:
    job = imported(api, root_path=f"s3://{stack.source_bucket}/{prefix}", settings=ASKED)
    assert (job["status"], job["counts"]["copied"], job["counts"]["failed"]) == ("COMPLETED", 3, 0)
    assert job["settings"]["stationary_extrapolation"] is True
    brief, broken, film = all_clips(api, job["id"])
    assert brief["extrapolation"] == {
        "status": "DONE",
        "key": brief["destination"].removeprefix(f"s3://{stack.clips_bucket}/") + SUFFIX,
        "tracks": 2,
        "stationary": 1,
        "rows": 402,
        "added": 171,
        "code": None,
        "message": None,
    }
    assert (broken["extrapolation"]["status"], broken["extrapolation"]["code"]) == ("FAILED", "LAYER_UNUSABLE")
    assert "egomotion_estimate" in broken["extrapolation"]["message"]
    assert film["extrapolation"] is None

    given = landed(s3, brief)
    assert given == s3.get_object(Bucket=stack.source_bucket, Key=f"{prefix}brief.zip")["Body"].read()
    before, _ = layer_of(given, "obstacle")
    whole, _ = layer_of(CLIP.read_bytes(), "obstacle")
    after = pq.read_table(io.BytesIO(result_of(stack, s3, brief)["Body"].read()))
    assert after.schema.equals(before.schema, check_metadata=True)
    assert times_of(before, "parked") != times_of(whole, "parked") == times_of(after, "parked")
    assert times_of(after, "lead") == times_of(before, "lead")

    (found,) = api.get("/v1/clips", original_clipgt_url=brief["source_uri"])[1]["clips"]
    assert found["extrapolation"] == brief["extrapolation"]


def test_an_import_that_does_not_ask_for_it_makes_none_and_the_next_one_makes_up_for_it(
    api: "Api", stack: Stack, s3: "S3Client", prefix: str
) -> None:
    root = f"s3://{stack.source_bucket}/{prefix}"
    plain = imported(api, root_path=root)
    assert {clip["extrapolation"] for clip in all_clips(api, plain["id"])} == {None}
    there = s3.list_objects_v2(Bucket=stack.clips_bucket, Prefix=f"{stack.project}/-/{stack.source_bucket}/{prefix}")
    assert there["KeyCount"] == 3

    again = imported(api, root_path=root, settings=ASKED)
    assert (again["counts"]["skipped"], again["counts"]["copied"]) == (3, 0)
    made = all_clips(api, again["id"])[0]
    assert (made["status"], made["extrapolation"]["status"]) == ("SKIPPED", "DONE")
    written = result_of(stack, s3, made)["LastModified"]

    third = imported(api, root_path=root, settings=ASKED)
    kept = all_clips(api, third["id"])[0]
    assert kept["extrapolation"] == made["extrapolation"]
    assert result_of(stack, s3, kept)["LastModified"] == written, "it is taken as it is"


def test_saved_settings_ask_for_it_too_and_a_caller_s_own_object_in_the_way_stays(
    api: "Api", stack: Stack, s3: "S3Client", prefix: str
) -> None:
    key = f"{stack.project}/-/{stack.source_bucket}/{prefix}brief.zip{SUFFIX}"
    s3.put_object(Bucket=stack.clips_bucket, Key=key, Body=b"mine")
    status, saved = api.post("/v1/execution-settings", {"name": unique("still"), "settings": ASKED})
    assert status == 201, saved
    job = imported(
        api, exact_paths=[f"s3://{stack.source_bucket}/{prefix}brief.zip"], execution_settings_id=saved["id"]
    )
    (clip,) = all_clips(api, job["id"])
    assert (clip["status"], clip["extrapolation"]["code"]) == ("COPIED", "RESULT_KEY_TAKEN")
    assert s3.get_object(Bucket=stack.clips_bucket, Key=key)["Body"].read() == b"mine"


def test_a_foretify_script_asks_for_it_whatever_its_saved_settings_say(
    api: "Api", stack: Stack, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, saved = api.post("/v1/execution-settings", {"name": unique("still"), "settings": {"keep_tags": False}})
    assert status == 201, saved
    with Clipferry(stack.base_url, stack.api_key) as client:
        monkeypatch.setattr(flow_executions, "_client", client)
        execution = flow_executions.launch_batch_import_clipgt_from_cloud_storage(
            project_id=stack.project,
            root_path=f"s3://{stack.source_bucket}/{prefix}",
            stationary_extrapolation=True,
            environment_settings_id=saved["id"],
        )
        settled(api, execution["id"])
        found = client.imports.clips(execution["id"])
        assert [clip.extrapolation and clip.extrapolation["status"] for clip in found] == ["DONE", "FAILED", None]
    assert execution["environment_settings"]["stationary_extrapolation"] is True
    assert execution["environment_settings"]["keep_tags"] is False
