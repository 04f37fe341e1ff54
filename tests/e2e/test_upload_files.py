"""Local files through the API into an import: interrupted, resumed, byte for byte."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.support import PATIENCE_SECONDS, eventually, landed, unique
from tests.e2e.terminal import COMMAND, CommandLine

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024**2
PARTS = 12


def test_an_upload_that_is_killed_goes_on_and_its_clips_land(stack: Stack, s3: "S3Client", tmp_path: Path) -> None:
    shell, name = CommandLine(stack, tmp_path), unique("files")
    folder = tmp_path / name
    bodies = {"small.zip": b"small", "sub/ünï cödé.zip": b"", "large.mp4": os.urandom((PARTS - 1) * 5 * MIB + 7)}
    for path, body in bodies.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    arguments = ["upload", str(folder), "--part-size", "5MiB", "--jobs", "2"]
    cache: dict[str, Any] = {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def parts_there() -> int:
        found = s3.list_multipart_uploads(Bucket=stack.drop_bucket).get("Uploads", [])
        mine = [one for one in found if name in one["Key"]]
        of = [s3.list_parts(Bucket=stack.drop_bucket, Key=one["Key"], UploadId=one["UploadId"]) for one in mine]
        return sum(len(one.get("Parts", [])) for one in of)

    with subprocess.Popen([*COMMAND, *arguments], env=shell.environment(**cache), cwd=tmp_path) as broken:
        until = time.monotonic() + PATIENCE_SECONDS
        while not (begun := parts_there()):
            assert broken.poll() is None, "it must not be done before it is killed"
            assert time.monotonic() < until
        broken.send_signal(signal.SIGKILL)
    assert 0 < (begun := parts_there()) < PARTS, begun

    ran = shell(*arguments, "--watch", "--json", "--debug", **cache)
    assert ran.returncode in (0, 4), ran.stderr  # an empty clip may be refused
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    uris = {path: f"s3://{stack.drop_bucket}/inbox/{stack.project}/{name}/{path}" for path in bodies}
    assert {line["uri"] for line in lines if "uri" in line} == set(uris.values())
    assert "X-Amz-Signature" not in ran.stderr + ran.stdout
    puts = [line for line in ran.stderr.splitlines() if line.startswith("debug: PUT") and "large.mp4" in line]
    assert len(puts) <= PARTS - begun, "parts that are there are not sent again"
    ended = [line for line in lines if "counts" in line]
    assert ended, ran.stdout
    clips = {clip["source_uri"]: clip for job in {line["id"] for line in ended} for clip in shell.json("clips", job)}
    for path, body in bodies.items():
        clip = clips[uris[path]]
        assert (clip["status"], clip["size"]) == ("COPIED", len(body)), clip
        assert landed(s3, clip) == body
    assert eventually(lambda: not parts_there(), what="no parts to be left")
    assert not list((tmp_path / "cache").rglob("*.jsonl")), "nothing is remembered of uploads that are done"
