"""Local files through the API into an import: interrupted, resumed, byte for byte."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.support import eventually, landed, unique
from tests.e2e.terminal import CommandLine

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024**2
PARTS = 12
SENT = 3
HANGS = f"""
import threading
from clipferry.cli.main import run
from clipferry.resources.uploads import Uploads

put, sent, for_ever = Uploads.put, threading.Semaphore({SENT}), threading.Event()

def put_some(self, piece):
    sent.acquire(blocking=False) or for_ever.wait()
    return put(self, piece)

Uploads.put = put_some
run()
"""
"""The command line, which hangs once it has sent some parts."""


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

    hanging = [sys.executable, "-c", HANGS, *arguments]
    with subprocess.Popen(hanging, env=shell.environment(**cache), cwd=tmp_path) as broken:
        try:
            eventually(lambda: parts_there() == SENT, what="the first parts")
        finally:
            broken.send_signal(signal.SIGKILL)
    assert parts_there() == SENT

    ran = shell(*arguments, "--watch", "--json", "--debug", **cache)
    assert ran.returncode in (0, 4), ran.stderr  # an empty clip may be refused
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    uris = {path: f"s3://{stack.drop_bucket}/inbox/{stack.project}/{name}/{path}" for path in bodies}
    assert {line["uri"] for line in lines if "uri" in line} == set(uris.values())
    assert "X-Amz-Signature" not in ran.stderr + ran.stdout
    puts = [line for line in ran.stderr.splitlines() if line.startswith("debug: PUT") and "large.mp4" in line]
    assert len(puts) <= PARTS - SENT, "parts that are there are not sent again"
    ended = [line for line in lines if "counts" in line]
    assert ended, ran.stdout
    clips = {clip["source_uri"]: clip for job in {line["id"] for line in ended} for clip in shell.json("clips", job)}
    for path, body in bodies.items():
        clip = clips[uris[path]]
        assert (clip["status"], clip["size"]) == ("COPIED", len(body)), clip
        assert landed(s3, clip) == body
    assert eventually(lambda: not parts_there(), what="no parts to be left")
    assert not list((tmp_path / "cache").rglob("*.jsonl")), "nothing is remembered of uploads that are done"
