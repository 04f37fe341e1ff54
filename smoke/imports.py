"""Checks of imports: each kind of source, and what can be done with an import."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from clipferry import Clipferry, Conflict, Import
from clipferry.models.imports import Webhook
from smoke.checks import Skipped, check, denied, expect
from smoke.deployment import Deployment
from smoke.places import CLIPS, TOTAL, VIEWS, Places

WAIT_SECONDS = 900.0
LOG = "Read the import's `code` and `message` (see docs/reference/codes.md) and the log of the function copy."
API = "Read the log of the function api."
T = TypeVar("T")


@dataclass
class ImportChecks:
    """Run in order: later checks look at the imports of earlier ones. `client` has a key of the run's own project."""

    deployment: Deployment
    client: Clipferry
    places: Places
    done: dict[str, Import] = field(default_factory=dict)

    @check("import of a prefix, copy rate", LOG)
    def prefix(self) -> str:
        self.places.lay_out_fleet()
        begun = time.perf_counter()
        job = self.done["prefix"] = self._import(root_path=self.places.root, labels=[self.places.run])
        seconds = time.perf_counter() - begun
        expect(job.counts.copied == TOTAL, f"{job.counts.copied} of {TOTAL} clips were copied")
        return f"{TOTAL} clips in {seconds:.1f} s, {TOTAL / seconds:.0f} a second with the start"

    @check("copies equal their sources", "Report it: this must never be.")
    def equal(self) -> str:
        for clip in self._of("prefix").clips(limit=12):
            source, copy = self.places.head(clip.source_uri), self.places.head(clip.destination)
            expect(source == copy, f"{clip.destination} has {copy}, its source {source}")
        return "size and ETag of 12"

    @check("second import skips all", LOG)
    def again(self) -> str:
        self._of("prefix")
        counts = self._import(root_path=self.places.root).counts
        expect(counts.skipped == counts.total, counts)
        return f"{counts.skipped} skipped"

    @check("one idempotency key, one import", API)
    def idempotent(self) -> str:
        self._of("prefix")
        key, root = f"{self.places.run}-once", self.places.root
        ids = {self.client.imports.create(idempotency_key=key, root_path=root).id for _ in range(2)}
        expect(len(ids) == 1, f"two requests made {len(ids)} imports")
        return ids.pop()

    @check("import of a list, a clip missing", LOG)
    def list(self) -> str:
        there = self.places.put("list/a.zip", CLIPS[0])
        both = [there, there.replace("a.zip", "b.zip")]
        job = self.done["list"] = self._import("COMPLETED_WITH_ERRORS", exact_paths=both)
        codes = [clip.code for clip in job.clips(status="FAILED")]
        expect(codes == ["NOT_FOUND"], f"the missing clip's code is {codes}")
        return "one copied, one NOT_FOUND"

    @check("retry once the clip is there", LOG)
    def retry(self) -> str:
        job = self._of("list")
        self.places.put("list/b.zip", CLIPS[1])
        ended = self._ended(job.retry(), "COMPLETED")
        expect(ended.run == 1, f"it is attempt {ended.run}")
        return "COMPLETED in attempt 1"

    @check("import of a set", LOG)
    def set(self) -> str:
        views = {view: self.places.put(f"set/{view}.mp4", path) for view, path in VIEWS.items()}
        return f"{self._import(sets=[{'views': views}]).counts.copied} views"

    @check("import of a dropped clip", "Look at the metrics of the queue and the rule; read the log of on_upload.")
    def drop(self) -> str:
        self.places.drop_clip()
        begun = time.monotonic()
        self._ended(self._until(lambda: [job for job in self.client.imports.list() if job.trigger == "upload"])[0])
        return f"{time.monotonic() - begun:.0f} s after the upload"

    @check("import of a large object in parts", LOG)
    def large(self) -> str:
        uri, parts = self.places.put_large()
        begun = time.perf_counter()
        job = self._import(exact_paths=[uri], settings={"content_validation": "none"})
        (clip,) = job.clips()
        seconds = time.perf_counter() - begun
        return f"{self.places.large_bytes / 1024**2:,.0f} MiB, {parts} parts, {seconds:.0f} s, {clip.verified}"

    @check("cancel", "Read the execution's history in Step Functions.")
    def cancel(self) -> str:
        self._of("prefix")
        for _ in range(3):
            job = self.client.imports.create(root_path=self.places.root, settings={"on_existing": "overwrite"})
            try:
                return self._ended(job.cancel(), "CANCELLED").status
            except Conflict:
                continue
        raise AssertionError("three imports ended before they could be cancelled")

    @check("clips found by label", API)
    def find(self) -> str:
        self._of("prefix")
        found = len([*self.client.clips.find(label=self.places.run)])
        expect(found == TOTAL, f"{found} of {TOTAL} clips were found")
        return f"{found} clips"

    @check("link to the report", "Read the log of conclude; a 403 of the link comes from the state bucket's policy.")
    def report(self) -> str:
        job = self._of("prefix")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.csv"
            job.download_report(path, wait=120)
            lines = path.read_text().count("\n")
        expect(lines == TOTAL + 1, f"it has {lines} lines for {TOTAL} clips")
        return f"{lines} lines"

    @check("bucket outside source_buckets", "Deploy again: the roles reach more than source_buckets.")
    def foreign(self) -> str:
        uri = f"s3://{self.places.clips}/{self.places.run}/"
        return denied(lambda: self.client.imports.create(root_path=uri), "CANNOT_ACCESS")

    @check("webhook", "The import's `webhook.last_error` says how the receiver answered.")
    def webhook(self) -> str:
        if self.places.webhook_url is None:
            raise Skipped("name a receiver with --webhook-url")
        notify = {"notify": {"webhook_url": self.places.webhook_url}}
        job = self._import(exact_paths=[self.places.put("hook/a.zip", CLIPS[0])], settings=notify)
        return self._until(lambda: delivered(job.refresh().webhook))

    @check("source in another region", LOG)
    def other_region(self) -> str:
        return self._named(self.places.other_region_bucket, "--other-region-bucket")

    @check("source under a KMS key", "Add the key to source_kms_key_arns, and let its policy allow the role of copy.")
    def kms(self) -> str:
        return self._named(self.places.kms_bucket, "--kms-bucket")

    def _named(self, bucket: str | None, option: str) -> str:
        if bucket is None:
            raise Skipped(f"name a bucket of source_buckets with {option}")
        return f"{self._import(exact_paths=[self.places.put('named/a.zip', CLIPS[0], bucket)]).counts.copied} clip"

    def _import(self, status: str = "COMPLETED", **request: Any) -> Import:
        return self._ended(self.client.imports.create(**request), status)

    def _ended(self, job: Import, status: str = "COMPLETED") -> Import:
        ended = job.wait(timeout=WAIT_SECONDS)
        expect(ended.status == status, f"import {job.id} is {ended.status}: {ended.code} {ended.message}")
        return ended

    def _of(self, name: str) -> Import:
        if name not in self.done:
            raise Skipped(f"it needs the import of a {name}")
        return self.done[name]

    @staticmethod
    def _until(found: Callable[[], T | None]) -> T:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if value := found():
                return value
            time.sleep(1)
        raise AssertionError(f"it did not happen within {WAIT_SECONDS:.0f} s")


def delivered(hook: Webhook | None) -> str | None:
    """Return how the receiver answered; None while it has not. Fails once the service has given up."""
    if hook is None or hook.status == "PENDING":
        return None
    expect(hook.status == "DELIVERED", f"{hook.url}: {hook.last_error or hook.last_status_code}")
    return f"delivered, status {hook.last_status_code}"
