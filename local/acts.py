"""The demo's acts on a running stack. Each checks what it shows; `DemoError` if the service did otherwise."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from local import aws
from local.api import Api
from local.config import FORBIDDEN_KEY, SAMPLES, SAMPLES_PREFIX
from local.console import console, done, heading, say, step, waiting
from local.progress import COUNTED, CountsDisplay, outcome_table
from local.samples import sample_files
from local.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

VEHICLES = 60
"""The sample clips are laid out once for each of these, so that there is something to watch."""
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.25
TERMINAL = ("COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED")


class DemoError(Exception):
    """The service did something other than it should; the text says what."""


class Demo:
    """The demo's acts, on a running stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api = Api(stack.base_url, stack.api_key)
        self.s3: S3Client = aws.s3(stack.aws_endpoint_url)
        self.run = time.strftime("run-%Y%m%d-%H%M%S")
        """Part of every key, so that a demo on a stack that has seen one before has new clips to import."""

    def import_prefix(self) -> None:
        heading("Import a prefix")
        prefix = f"fleet/{self.run}/"
        with step(f"Lay out the {len(sample_files())} sample clips for {VEHICLES} vehicles"):
            expected = self._lay_out_fleet(prefix)
        root = f"s3://{self.stack.source_bucket}/{prefix}"
        say(f'POST /v1/imports {{"root_path": "{root}"}}')
        begun = time.monotonic()
        job = self._wait(self.api.call("POST", "/v1/imports", body={"root_path": root})["id"])
        seconds = time.monotonic() - begun
        self._expect(job, status="COMPLETED", total=expected, copied=expected)
        clips = list(self.api.pages(f"/v1/imports/{job['id']}/clips", "clips", {"limit": 200}))
        check(len(clips) == expected, f"the import lists {len(clips)} clips, not {expected}")
        self._verify_copies(clips)
        done(f"{expected} clips in {seconds:.1f} s; each is in the clips bucket with its source's size and ETag")

    def drop_clips(self) -> None:
        heading("Upload clips to the drop bucket, without a request")
        known = {job["id"] for job in self._recent_jobs()}
        files = sample_files()[-3:]
        for path in files:
            key = f"inbox/{self.stack.project}/{self.run}/{path.name}"
            say(f"upload {path.name} → s3://{self.stack.drop_bucket}/{key}")
            self.s3.upload_file(str(path), self.stack.drop_bucket, key)
        begun = time.monotonic()

        def another() -> dict[str, Any] | None:
            fresh = (job for job in self._recent_jobs() if job["id"] not in known and job["trigger"] == "upload")
            return next(fresh, None)

        # The service gathers uploads into one import; if some come too late for it, they make another.
        clips: list[dict[str, Any]] = []
        while len(clips) < len(files):
            with waiting("waiting for the import that this starts"):
                started = until(another, "an import started by the upload")
            say(f"an import started by itself (trigger: {started['trigger']})")
            known.add(started["id"])
            job = self._wait(started["id"])
            total = job["counts"]["total"]
            self._expect(job, status="COMPLETED", total=total, copied=total)
            clips += self.api.pages(f"/v1/imports/{job['id']}/clips", "clips")
        check(len(clips) == len(files), f"{len(files)} uploads became {len(clips)} clips")
        self._verify_copies(clips)
        done(f"{len(clips)} clips imported {time.monotonic() - begun:.1f} s after the last upload")

    def import_with_failures(self) -> None:
        heading("Import a list in which two clips cannot be read, and one is damaged")
        video = next(path for path in sample_files() if path.suffix == ".mp4")
        good = SAMPLES_PREFIX + video.relative_to(SAMPLES).as_posix()
        paths = [
            f"s3://{self.stack.source_bucket}/{good}",
            f"s3://{self.stack.source_bucket}/{SAMPLES_PREFIX}never-recorded.mp4",
            f"s3://{self.stack.forbidden_bucket}/{FORBIDDEN_KEY}",
            f"s3://{self.stack.source_bucket}/{self._cut_short(video)}",
        ]
        body = {"exact_paths": paths, "folder": self.run}
        say("POST /v1/imports with these four exact_paths:")
        for path in paths:
            say(f"  {path}")
        job = self._wait(self.api.call("POST", "/v1/imports", body=body)["id"])
        clips = list(self.api.pages(f"/v1/imports/{job['id']}/clips", "clips"))
        console.print(outcome_table(clips))
        self._expect(job, status="COMPLETED_WITH_ERRORS", total=4, copied=1, failed=3)
        check([clip["source_uri"] for clip in clips] == paths, "the clips are not listed in the order given")
        check([clip["status"] for clip in clips] == ["COPIED"] + ["FAILED"] * 3, "the wrong clips failed")
        check(all(clip["code"] and clip["message"] for clip in clips[1:]), "a failed clip has no code or no message")
        broken = clips[-1]
        check(broken["content"] == "invalid", f"the broken clip's content is {broken['content']}, not invalid")
        self._verify_copies(clips[:1])
        done("the good clip was imported; each of the others says why it was not")

    def _cut_short(self, video: Path) -> str:
        """Upload the first half of this video; its key."""
        body, key = video.read_bytes(), f"fleet/{self.run}-broken/half-of-{video.name}"
        self.s3.put_object(Bucket=self.stack.source_bucket, Key=key, Body=body[: len(body) // 2])
        return key

    def _lay_out_fleet(self, prefix: str) -> int:
        files = sample_files()

        def upload(vehicle: int, path: Path) -> None:
            key = f"{prefix}vehicle-{vehicle:02}/{path.relative_to(SAMPLES).as_posix()}"
            self.s3.put_object(Bucket=self.stack.source_bucket, Key=key, Body=path.read_bytes())

        with ThreadPoolExecutor(max_workers=8) as pool:
            uploads = [pool.submit(upload, vehicle, path) for vehicle in range(1, VEHICLES + 1) for path in files]
            for one in uploads:
                one.result()
        return len(uploads)

    def _recent_jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.api.call("GET", "/v1/imports", query={"limit": 50})["imports"]
        return jobs

    def _wait(self, job_id: str) -> dict[str, Any]:
        """Show the job's counts until it has ended; its final state."""
        with CountsDisplay(job_id) as display:

            def ended() -> dict[str, Any] | None:
                job = self.api.call("GET", f"/v1/imports/{job_id}")
                counts = job["counts"]
                check(sum(counts[name] for name in COUNTED) == counts["total"], f"the counts do not sum: {counts}")
                display.update(job["status"], counts)
                return job if job["status"] in TERMINAL else None

            return until(ended, f"import {job_id} to end")

    def _expect(self, job: dict[str, Any], *, status: str, **counts: int) -> None:
        said = f" ({job['code']}: {job['message']})" if job.get("code") else ""
        check(job["status"] == status, f"import {job['id']} is {job['status']}{said}, not {status}: {job['counts']}")
        wrong = {name: job["counts"][name] for name, value in counts.items() if job["counts"][name] != value}
        check(not wrong, f"import {job['id']} counts {wrong}, expected {counts}")

    def _verify_copies(self, clips: list[dict[str, Any]]) -> None:
        """Compare every clip's destination object with its source object, as S3 itself reports them."""

        def heads(uri: str) -> tuple[int, str]:
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            try:
                head = self.s3.head_object(Bucket=bucket, Key=key)
            except self.s3.exceptions.ClientError as error:
                raise DemoError(f"{uri}: {error}") from error
            return head["ContentLength"], head["ETag"]

        def verify(clip: dict[str, Any]) -> None:
            source, destination = clip["source_uri"], clip["destination"]
            check(clip["status"] == "COPIED", f"{source} is {clip['status']}: {clip.get('message')}")
            in_place = f"s3://{self.stack.clips_bucket}/"
            check(destination.startswith(in_place), f"{source} went to {destination}, outside {in_place}")
            check(heads(source) == heads(destination), f"{destination} is not the same as {source}")

        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(verify, clips))


def until(probe: Callable[[], T | None], awaited: str) -> T:
    """Poll `probe` until it gives something. Raises `DemoError` after `WAIT_SECONDS`."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = probe()
        if found:
            return found
        check(time.monotonic() < deadline, f"waited {WAIT_SECONDS:.0f} s for {awaited}")
        time.sleep(POLL_SECONDS)


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoError(otherwise)
