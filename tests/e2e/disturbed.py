"""A stack whose functions reach AWS through a fault-injecting proxy, and imports of each kind on it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from local import aws, faults
from local.api import Answer, Api
from local.config import ROOT
from local.stack import Stack
from tests.e2e.faults import copies_paused
from tests.e2e.support import TERMINAL, assert_counts_sum, put_all, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATIENCE_SECONDS = 300.0
"""Seconds to wait for an import: faults make the service wait and retry."""
ASK_AGAIN = (429, 503)
FILM = (Path(__file__).resolve().parent.parent / "data" / "video" / "set01" / "front.mp4").read_bytes()


@cache
def all_rules() -> tuple[dict[str, Any], ...]:
    """Return the rules of `local/faults.yml`."""
    return tuple(faults.read_rules(ROOT / "local" / "faults.yml"))


def rules(first_word: str) -> list[dict[str, Any]]:
    """Return the rules whose name begins with this word."""
    return [rule for rule in all_rules() if rule["name"].startswith(first_word)]


@dataclass
class PatientUser:
    """A caller that waits and retries as answers ask it to. Records unexpected answers."""

    stack: Stack
    refusals: list[str] = field(default_factory=list)
    """Answers that callers should never get: 5xx, and 429 or 503 without `Retry-After`."""

    def call(self, method: str, path: str, body: object = None, **query: object) -> dict[str, Any]:
        api = Api(self.stack.base_url, self.stack.api_key)
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = api.send(method, path, body=body, query=query)
            if answer.status not in ASK_AGAIN or time.monotonic() > until:
                break
            time.sleep(self._told_to_wait(method, path, answer))
        if answer.status >= 500:
            self.refusals.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
            time.sleep(1)
            return self.call(method, path, body, **query) if time.monotonic() < until else {}
        content: dict[str, Any] = answer.json() if answer.body else {}
        assert answer.status < 400, (method, path, answer.status, content)
        return content

    def _told_to_wait(self, method: str, path: str, answer: Answer) -> float:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if "retry-after" not in headers:
            self.refusals.append(f"{method} {path}: {answer.status} without Retry-After")
        return min(float(headers.get("retry-after", 1)), 5.0)

    def rows(self, path: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, object] = {}
        while True:
            page = self.call("GET", path, limit=1_000, **cursor)
            found += page[name]
            if not page["has_more"]:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def clips(self, job_id: str) -> list[dict[str, Any]]:
        return self.rows(f"/v1/imports/{job_id}/clips", "clips")

    def ended(self, job_id: str) -> dict[str, Any]:
        """Wait until the import completes and return it. Its counts must add up each time it is read."""

        def look() -> dict[str, Any] | None:
            job = self.call("GET", f"/v1/imports/{job_id}")
            assert_counts_sum(job)
            return job if job["status"] in TERMINAL else None

        ended: dict[str, Any] = patiently(look, what=f"import {job_id} to end")
        return ended


Found = TypeVar("Found")


def patiently(look: Callable[[], Found | None], *, what: str) -> Found:
    """Return the first truthy value of `look()`; fail after `PATIENCE_SECONDS`."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")


@dataclass
class Disturbed:
    """A stack with a proxy. `s3` reaches the emulator directly."""

    stack: Stack
    s3: "S3Client"
    _words: list[str] = field(default_factory=list)

    @contextmanager
    def faults(self, *injected: Mapping[str, Any]) -> Iterator[None]:
        """Inject faults by these rules during the block."""
        self._set([dict(rule) for rule in injected])
        try:
            yield
        finally:
            self._set([])

    def _set(self, injected: list[dict[str, Any]]) -> None:
        assert self.stack.faults_url
        faults.set_rules(self.stack.faults_url, injected)
        self._words = [rule.get("name", "").partition(" ")[0] for rule in injected]

    def fired(self) -> Counter[str]:
        """Return how often this block's rules were applied so far, by the first words of their names."""
        assert self.stack.faults_url
        applied: Counter[str] = Counter()
        for word, times in zip(self._words, faults.counts(self.stack.faults_url), strict=True):
            applied[word] += times
        return +applied

    def functions(self) -> Any:
        """Return the Lambda client."""
        return aws.session().client("lambda", endpoint_url=self.stack.aws_endpoint_url, config=aws.CONFIG)

    def lay_out(self, kind: str, count: int, body: bytes | None = None) -> dict[str, bytes]:
        """Put new source objects; return URI → bytes. Without `body`, each has different bytes."""
        prefix = unique(kind)
        objects = {f"{prefix}/{n:03d}.mp4": body or f"{prefix} {n} ".encode() * (n + 1) for n in range(count)}
        put_all(self.s3, self.stack.source_bucket, objects.items())
        return {f"s3://{self.stack.source_bucket}/{key}": data for key, data in objects.items()}

    def read(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def assert_landed(self, clips: list[dict[str, Any]], sources: Mapping[str, bytes]) -> None:
        """Check that each source is exactly one copied clip with its bytes at the destination."""
        assert sorted(clip["source_uri"] for clip in clips) == sorted(sources)
        assert {(clip["status"], clip["code"]) for clip in clips} == {("COPIED", None)}
        for clip in clips:
            assert self.read(clip["destination"]) == sources[clip["source_uri"]], clip


Finished = Callable[[], None]
"""Waits for a started import and checks it."""


class Imports:
    """Imports of each kind. A method starts one and returns a function that waits for it and checks it."""

    def __init__(self, at: Disturbed, user: PatientUser) -> None:
        self.at, self.user = at, user

    def prefix(self) -> Finished:
        sources = self.at.lay_out("prefix", 60)
        root = next(iter(sources)).rpartition("/")[0] + "/"
        return self._complete({"root_path": root}, sources)

    def validated(self) -> Finished:
        sources = self.at.lay_out("valid", 6, FILM)
        return self._complete({"exact_paths": list(sources), "settings": {"content_validation": "structure"}}, sources)

    def manifest(self) -> Finished:
        sources = self.at.lay_out("manifest", 40)
        key = f"{unique('lists')}.jsonl"
        lines = "\n".join(json.dumps({"uri": uri}) for uri in sources).encode()
        self.at.s3.put_object(Bucket=self.at.stack.source_bucket, Key=key, Body=lines)
        return self._complete({"manifest_uri": f"s3://{self.at.stack.source_bucket}/{key}"}, sources)

    def sets(self) -> Finished:
        sources = self.at.lay_out("sets", 6)
        uris = list(sources)
        roles = ("front", "left", "right")
        views = [{"views": dict(zip(roles, uris[n : n + 3], strict=True))} for n in (0, 3)]
        return self._complete({"sets": views}, sources)

    def drop(self) -> Finished:
        """Drop clips, and a manifest of others."""
        name = unique("drop")
        keys = [f"inbox/{self.at.stack.project}/{name}/{n}.zip" for n in range(8)]
        put_all(self.at.s3, self.at.stack.drop_bucket, ((key, key.encode()) for key in keys))
        sources = {f"s3://{self.at.stack.drop_bucket}/{key}": key.encode() for key in keys}
        listed = self.at.lay_out("listed", 2)
        lines = "\n".join(json.dumps({"uri": uri}) for uri in listed).encode()
        manifest = f"inbox/{self.at.stack.project}/{name}.manifest.jsonl"
        self.at.s3.put_object(Bucket=self.at.stack.drop_bucket, Key=manifest, Body=lines)
        sources |= listed

        def finish() -> None:
            def look() -> list[dict[str, Any]] | None:
                jobs = [job for job in self.user.rows("/v1/imports", "imports") if job["trigger"] == "upload"]
                clips = [clip for job in jobs if job["status"] in TERMINAL for clip in self.user.clips(job["id"])]
                ours = [clip for clip in clips if clip["source_uri"] in sources]
                return ours if len(ours) >= len(sources) else None

            self.at.assert_landed(patiently(look, what="the imports of the dropped files"), sources)

        return finish

    def retry(self) -> Finished:
        """Import a list of which half appears only before its retry."""
        early, late = self.at.lay_out("early", 10), self.at.lay_out("late", 10)
        for uri in late:
            self._delete(uri)
        job = self._start({"exact_paths": [*early, *late]})

        def finish() -> None:
            first = self.user.ended(job)
            assert (first["counts"]["copied"], first["counts"]["failed"]) == (10, 10), first
            put_all(self.at.s3, self.at.stack.source_bucket, ((key_of(uri), data) for uri, data in late.items()))
            self.user.call("POST", f"/v1/imports/{job}/retry")
            again = patiently(lambda: self._in_run(job, 1), what="the retry")
            assert (again["status"], again["counts"]["copied"]) == ("COMPLETED", 20), again
            self.at.assert_landed(self.user.clips(job), early | late)

        return finish

    def cancel(self) -> Finished:
        """Cancel an import before it can copy anything."""
        sources = self.at.lay_out("cancel", 60)
        root = next(iter(sources)).rpartition("/")[0] + "/"
        with copies_paused(self.at.functions()):
            job = self._start({"root_path": root})
            self.user.call("POST", f"/v1/imports/{job}/cancel")

        def finish() -> None:
            ended = self.user.ended(job)
            assert (ended["status"], ended["counts"]["copied"]) == ("CANCELLED", 0), ended
            # Planning may have been cancelled too: then there are fewer clips, or none.
            clips = self.user.clips(job)
            assert ended["counts"]["cancelled"] == ended["counts"]["total"] == len(clips)
            assert {clip["status"] for clip in clips} <= {"CANCELLED"}
            assert {clip["source_uri"] for clip in clips} <= sources.keys()

        return finish

    def _start(self, request: dict[str, Any]) -> str:
        # With an idempotency key, a lost answer starts nothing twice.
        body = {**request, "idempotency_key": unique("once"), "folder": unique("disturbed")}
        return str(self.user.call("POST", "/v1/imports", body)["id"])

    def _complete(self, request: dict[str, Any], sources: Mapping[str, bytes]) -> Finished:
        job = self._start(request)

        def finish() -> None:
            ended = self.user.ended(job)
            clips = self.user.clips(job)
            failed = [(clip["code"], clip["message"]) for clip in clips if clip["status"] != "COPIED"]
            assert (ended["status"], ended["counts"]["copied"]) == ("COMPLETED", len(sources)), (ended, failed[:3])
            self.at.assert_landed(clips, sources)

        return finish

    def _in_run(self, job_id: str, run: int) -> dict[str, Any] | None:
        job = self.user.ended(job_id)
        return job if job["run"] == run else None

    def _delete(self, uri: str) -> None:
        self.at.s3.delete_object(Bucket=self.at.stack.source_bucket, Key=key_of(uri))


def key_of(uri: str) -> str:
    return uri.removeprefix("s3://").partition("/")[2]


KINDS = ("prefix", "validated", "manifest", "sets", "drop", "retry", "cancel")
