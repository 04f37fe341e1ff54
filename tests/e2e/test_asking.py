"""More ways to ask: filters, manifests, dropped manifests, names of one's own, long lists."""

import csv
import gzip
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.support import all_clips, eventually, imported, landed, put_all, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


def lay_out(s3: "S3Client", stack: Stack, prefix: str, contents: Mapping[str, bytes]) -> str:
    put_all(s3, stack.source_bucket, ((prefix + name, body) for name, body in contents.items()))
    return f"s3://{stack.source_bucket}/{prefix}"


def names(clips: list[dict[str, Any]], status: str | None = None) -> list[str]:
    return sorted(clip["source_uri"].rpartition("/")[2] for clip in clips if status in (None, clip["status"]))


def put_manifest(s3: "S3Client", stack: Stack, name: str, body: Any, bucket: str | None = None) -> str:
    s3.put_object(Bucket=bucket or stack.source_bucket, Key=name, Body=body)
    return f"s3://{bucket or stack.source_bucket}/{name}"


def test_filters_choose_the_clips_of_a_prefix(api: "Api", stack: Stack, s3: "S3Client") -> None:
    contents = {"a.zip": b"1", "day/b.zip": b"22", "day/c.mp4": b"333", "night/d.zip": b"4444", "e.zip": b"55555"}
    root = lay_out(s3, stack, f"{unique('filters')}/", contents)
    filters = {"include": ["*.zip"], "exclude": ["/night/"], "min_size": 2, "modified_after": "2020-01-01T00:00:00Z"}
    job = imported(api, root_path=root, filters=filters)
    assert job["filters"]["include"] == ["*.zip"]
    assert (job["status"], job["counts"]["total"]) == ("COMPLETED", 2)
    assert names(all_clips(api, job["id"])) == ["b.zip", "e.zip"]
    nothing = imported(api, root_path=root, filters={"modified_before": "2020-01-01T00:00:00Z"})
    assert (nothing["status"], nothing["code"]) == ("COMPLETED", "NO_CLIPS")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"root_path": "s3://{bucket}/p/", "filters": {"include": ["!a"]}}, "INVALID_REQUEST"),
        ({"exact_paths": ["s3://{bucket}/a"], "filters": {"include": ["*"]}}, "INVALID_REQUEST"),
        ({"root_path": "s3://{bucket}/p/", "manifest_uri": "s3://{bucket}/m.csv"}, "INVALID_REQUEST"),
        ({"manifest_uri": "s3://{bucket}/missing.csv"}, "CANNOT_ACCESS"),
        ({"manifest_uri": "s3://private-bucket/m.csv"}, "CANNOT_ACCESS"),
        ({"exact_paths": ["s3://{bucket}/a"], "settings": {"destination": "../{name}"}}, "INVALID_REQUEST"),
    ],
)
def test_what_can_never_be_is_refused(api: "Api", stack: Stack, body: Any, code: str) -> None:
    text = json.dumps(body).replace("{bucket}", stack.source_bucket)
    status, answer = api("POST", "/v1/imports", text.encode())
    assert (status, answer["code"]) == (403 if code == "CANNOT_ACCESS" else 422, code), answer


@pytest.mark.parametrize("packed", [False, True])
def test_a_manifest_of_json_lines(api: "Api", stack: Stack, s3: "S3Client", packed: bool) -> None:
    prefix = f"{unique('jsonl')}/"
    root = lay_out(s3, stack, prefix, {"a.zip": b"a", "b.zip": b"bb", "c.zip": b"c"})
    lines = [
        {"uri": root + "a.zip"},
        {"bucket": stack.source_bucket, "key": prefix + "b.zip", "destination": f"{prefix}chosen.zip"},
        {"uri": root + "c.zip", "destination": f"{prefix}chosen.zip"},
        {"uri": root + "a.zip"},
        "no object",
        {"uri": root + "missing.zip"},
    ]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    name = f"{prefix}list.jsonl" + (".gz" if packed else "")
    job = imported(api, manifest_uri=put_manifest(s3, stack, name, gzip.compress(body) if packed else body))
    assert (job["source"]["kind"], job["status"]) == ("manifest", "COMPLETED_WITH_ERRORS")
    clips = all_clips(api, job["id"])
    assert [(clip["status"], clip["code"]) for clip in clips] == [
        ("COPIED", None),
        ("COPIED", None),
        ("FAILED", "DESTINATION_TAKEN"),
        ("SKIPPED", "DUPLICATE"),
        ("FAILED", "INVALID_LINE"),
        ("FAILED", "NOT_FOUND"),
    ]
    assert clips[1]["destination"] == f"s3://{stack.clips_bucket}/{stack.project}/-/{prefix}chosen.zip"
    assert landed(s3, clips[1]) == b"bb"
    assert "line 5" in clips[4]["message"]


def test_a_manifest_with_sizes_etags_and_filters(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('csv')}/"
    contents = {f"{n}.zip": bytes(n + 1) for n in range(5)} | {"x.mp4": b"x"}
    root = lay_out(s3, stack, prefix, contents)
    heads = {name: s3.head_object(Bucket=stack.source_bucket, Key=prefix + name) for name in contents}
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["uri", "size", "etag"])
    for name, head in heads.items():
        rows.writerow([root + name, head["ContentLength"], "stale" if name == "3.zip" else head["ETag"]])
    uri = put_manifest(s3, stack, f"{prefix}list.csv", text.getvalue().encode())
    job = imported(api, manifest_uri=uri, filters={"include": ["*.zip"], "min_size": 2})
    fates = {
        clip["source_uri"].rpartition("/")[2]: (clip["status"], clip["code"]) for clip in all_clips(api, job["id"])
    }
    copied = dict.fromkeys(("1.zip", "2.zip", "4.zip"), ("COPIED", None))
    assert fates == {**copied, "3.zip": ("FAILED", "SOURCE_CHANGED")}


def test_an_inventory(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('inventory')}/"
    lay_out(s3, stack, prefix, {"a b.zip": b"a", "c.zip": b"c"})
    rows = [f'"{stack.source_bucket}","{prefix}{key}","1"' for key in ("a+b.zip", "c.zip")]
    files = [f"{prefix}data/{n}.csv.gz" for n in range(2)]
    for name, row in zip(files, rows, strict=True):
        s3.put_object(Bucket=stack.source_bucket, Key=name, Body=gzip.compress(row.encode()))
    described = {
        "sourceBucket": stack.source_bucket,
        "destinationBucket": f"arn:aws:s3:::{stack.source_bucket}",
        "version": "2016-11-30",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": name, "size": 1, "MD5checksum": "x"} for name in files],
    }
    uri = put_manifest(s3, stack, f"{prefix}manifest.json", json.dumps(described).encode())
    job = imported(api, manifest_uri=uri)
    assert names(all_clips(api, job["id"]), "COPIED") == ["a b.zip", "c.zip"]
    headless = put_manifest(s3, stack, f"{prefix}headless.csv", "\n".join(rows).encode())
    again = imported(api, manifest_uri=headless)
    assert (again["counts"]["skipped"], again["counts"]["total"]) == (2, 2)


def test_what_is_no_manifest_is_refused_with_its_line(api: "Api", stack: Stack, s3: "S3Client") -> None:
    for name, body in [
        ("x.jsonl", b"<html>"),
        ("x.csv", b"<html>"),
        ("x.csv", b""),
        ("x.txt", b"uri"),
        ("x.csv.gz", b"u"),
    ]:
        uri = put_manifest(s3, stack, f"{unique('bad')}/{name}", body)
        status, answer = api.post("/v1/imports", {"manifest_uri": uri})
        assert (status, answer["code"]) == (422, "INVALID_MANIFEST"), answer


def test_a_dropped_manifest_is_imported_and_a_broken_one_says_so(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, f"{unique('dropped')}/", {"a.zip": b"a", "b.zip": b"b"})
    body = "\n".join(json.dumps({"uri": root + name}) for name in ("a.zip", "b.zip")).encode()
    for text, status, copied in [(body, "COMPLETED", 2), (b"<html>", "FAILED", 0)]:
        key = f"inbox/{stack.project}/{unique('set')}.manifest.jsonl"
        uri = put_manifest(s3, stack, key, text, bucket=stack.drop_bucket)

        def found(uri: str = uri) -> dict[str, Any] | None:
            jobs = api.get("/v1/imports", limit=20)[1]["imports"]
            return next((job for job in jobs if job["source"]["uri"] == uri), None)

        job = settled(api, eventually(found, what=f"a job for {uri}")["id"])
        assert (job["trigger"], job["status"], job["counts"]["copied"]) == ("upload", status, copied), job
        assert job["code"] == (None if copied else "INVALID_MANIFEST")


def failures_of(api: "Api", job: dict[str, Any]) -> str:
    """The manifest of the import's failures, once its report is there."""

    def look() -> Any:
        status, answer = api.get(f"/v1/imports/{job['id']}/report", format="failures")
        return answer["uri"] if status == 200 else None

    found: str = eventually(look, what="the report")
    return found


def test_the_failures_of_an_import_are_imported_as_they_are(
    api: "Api", admin: "Api", stack: Stack, s3: "S3Client"
) -> None:
    prefix = f"{unique('failures')}/"
    root = lay_out(s3, stack, prefix, {"a.zip": b"a"})
    first = imported(api, exact_paths=[root + name for name in ("a.zip", "late.zip")])
    assert (first["status"], first["counts"]["failed"]) == ("COMPLETED_WITH_ERRORS", 1)
    failures = failures_of(api, first)
    put_all(s3, stack.source_bucket, [(f"{prefix}late.zip", b"late")])
    again = imported(api, manifest_uri=failures)
    assert (again["status"], again["source"]["uri"], again["counts"]["total"]) == ("COMPLETED", failures, 1)
    assert landed(s3, all_clips(api, again["id"])[0]) == b"late"
    _, key = admin.post("/v1/keys", {"project": unique("other"), "name": "n"})
    for caller, uri in [(api.with_key(key["key"]), failures), (api, failures.replace("failures.jsonl", "clips.jsonl"))]:
        for path in ("/v1/imports", "/v1/previews"):
            status, answer = caller.post(path, {"manifest_uri": uri})
            assert (status, answer["code"]) == (403, "CANNOT_ACCESS"), answer


def test_clips_can_be_named_by_a_template(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, f"{unique('named')}/", {"x/a.zip": b"a", "y/a.zip": b"A", "y/b.zip": b"b"})
    top = unique("flat")
    job = imported(api, root_path=root, settings={"destination": f"{top}/{{stem}}-clip{{extension}}"})
    fates = [(clip["status"], clip["code"]) for clip in all_clips(api, job["id"])]
    assert fates == [("COPIED", None), ("FAILED", "DESTINATION_TAKEN"), ("COPIED", None)]
    assert all_clips(api, job["id"])[2]["destination"].endswith(f"/{stack.project}/-/{top}/b-clip.zip")
    again = imported(api, root_path=root + "y/b", settings={"destination": f"{top}/{{stem}}-clip{{extension}}"})
    assert again["counts"]["skipped"] == 1


def test_ten_thousand_uris_in_one_request(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('long')}/"
    lay_out(s3, stack, prefix, {f"{n:05d}.zip": b"x" for n in range(0, 10_000, 1_000)})
    job = start(api, exact_paths=[f"s3://{stack.source_bucket}/{prefix}{n:05d}.zip" for n in range(10_000)])

    def planned() -> dict[str, Any] | None:
        seen = api.get(f"/v1/imports/{job['id']}")[1]
        return seen if seen["counts"]["total"] else None

    assert eventually(planned, what="planning to end")["counts"]["total"] == 10_000
    assert len(all_clips(api, job["id"], status="FAILED", limit=1_000)) > 0 or settled(api, job["id"])
    done = settled(api, job["id"])
    assert (done["counts"]["copied"], done["counts"]["failed"]) == (10, 9_990)


def test_a_body_that_is_too_large_points_to_manifests(api: "Api", stack: Stack) -> None:
    status, answer = api.post("/v1/imports", {"exact_paths": [f"s3://{stack.source_bucket}/" + "x" * 500] * 11_000})
    assert (status, answer["code"]) == (413, "BODY_TOO_LARGE")
    assert "manifest_uri" in answer["detail"]
