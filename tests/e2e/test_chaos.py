"""Functions' processes are killed while imports and a watch run under moderate faults: nothing is lost or wrong.

The seed decides what is killed when, as far as timing allows; `CLIPFERRY_SEED` takes another.
"""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local import aws
from local.config import ROOT, StateDir
from local.down import bring_down
from local.up import StackOptions, bring_up, end_on_sigterm
from tests.e2e.disturbed import Disturbed, PatientUser, all_rules, key_of, patiently
from tests.e2e.faults import control, copies_paused, function_name, retry_soon
from tests.e2e.raised import described, handled_errors
from tests.e2e.support import TERMINAL, UNCHECKED, put_all, unique
from tests.paths import DATA

KILLS = {"plan": 2, "copy": 6, "extrapolate": 2, "finish": 2, "conclude": 2, "on_upload": 2, "sweep": 3, "watch": 3}
"""Most kills by function. The machine runs a crashed task twice again, so only batches of `copy` may be lost.

Not of `api` and `authorize`: without them the gateway itself answers 502 or 503."""
CRASHED = "Runtime.ExitError"
CLIP = min((DATA / "clipgt").glob("*.zip"))


@contextmanager
def _silently(_title: str) -> Iterator[None]:
    yield


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Disturbed]:
    """A stack of this file's own, with a proxy that has no rules yet."""
    state = StateDir(ROOT / ".local" / f"chaos{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    end_on_sigterm()
    try:
        stack = bring_up(state, _silently, StackOptions(rules=[], context=UNCHECKED))
        retry_soon(stack)
        yield Disturbed(stack, aws.s3(stack.aws_endpoint_url))
    finally:
        bring_down(state)


class Killer:
    """Kills processes of functions in the middle of a call, at random, until each function has had its number."""

    def __init__(self, at: Disturbed, seed: int) -> None:
        self._at, self._random = at, random.Random(seed)
        functions = at.functions().get_paginator("list_functions").paginate()
        found = [one for page in functions for one in page["Functions"]]
        self._names = {one["FunctionName"]: one["Handler"].split(".")[-2] for one in found}
        self.killed: Counter[str] = Counter()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _run(self, over: threading.Event) -> None:
        while not over.wait(self._random.uniform(0.2, 1.0)):
            listed = control(self._at.stack, "processes")["processes"]
            victims = [one for one in listed if one["busy"] and self._may_kill(self._names[one["function"]])]
            if victims:
                victim = self._random.choice(sorted(victims, key=lambda one: one["pid"]))
                os.kill(victim["pid"], signal.SIGKILL)
                self.killed[self._names[victim["function"]]] += 1

    def _may_kill(self, function: str) -> bool:
        return self.killed[function] < KILLS.get(function, 0)


@contextmanager
def busy(at: Disturbed, *handlers: str) -> Iterator[None]:
    """Call these functions again and again, not once a minute, so that a kill can hit them."""
    functions, over = at.functions(), threading.Event()

    def call(name: str) -> None:
        while not over.wait(0.5):
            with suppress(BotoCoreError, ClientError):  # it was killed
                functions.invoke(FunctionName=name, Payload=b"{}")

    names = [function_name(functions, f"lambdas.{handler}.handler") for handler in handlers]
    threads = [threading.Thread(target=call, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


class Begun:
    """Imports of each kind that run at once, and their sources."""

    def __init__(self, at: Disturbed, user: PatientUser) -> None:
        self.at, self.user = at, user
        self.sources: dict[str, bytes] = {}
        self.late: dict[str, bytes] = {}
        """Sources of the retried import that appear only before its retry."""
        prefix = self._root(self._lay_out("prefix", 240))
        views = list(self._lay_out("sets", 6))
        sets = [{"views": dict(zip(("front", "left", "right"), views[n : n + 3], strict=True))} for n in (0, 3)]
        early, self.late = self._lay_out("early", 10), self._lay_out("late", 10)
        for uri in self.late:
            at.s3.delete_object(Bucket=at.stack.source_bucket, Key=key_of(uri))
        cancelled = self._root(self._lay_out("cancel", 60))
        self.drop = [f"inbox/{at.stack.project}/{unique('drop')}/{n}.zip" for n in range(12)]
        put_all(at.s3, at.stack.drop_bucket, ((key, key.encode()) for key in self.drop))
        self.sources |= {f"s3://{at.stack.drop_bucket}/{key}": key.encode() for key in self.drop}
        self.retried = self._start(exact_paths=[*early, *self.late])
        self.extrapolated = self._start(
            exact_paths=self._lay_out_clips(24), settings={"stationary_extrapolation": True}
        )
        with copies_paused(at.functions()):  # it may not end before it is cancelled
            self.cancelled = self._start(root_path=cancelled)
            user.call("POST", f"/v1/imports/{self.cancelled}/cancel")
        self.watched = self._lay_out("watched", 30)
        watch = {"name": unique("watch"), "root_path": self._root(self.watched), "schedule": {"every": "1d"}}
        self.watch = user.call("POST", "/v1/watches", watch)
        self.others = [
            self._start(root_path=prefix),
            self._start(exact_paths=list(self._lay_out("list", 60))),
            self._start(sets=sets),
        ]

    def _lay_out(self, kind: str, count: int) -> dict[str, bytes]:
        laid = self.at.lay_out(kind, count)
        self.sources |= laid
        return laid

    def _lay_out_clips(self, count: int) -> list[str]:
        prefix, body = unique("tracks"), CLIP.read_bytes()
        keys = [f"{prefix}/{n:03d}.zip" for n in range(count)]
        put_all(self.at.s3, self.at.stack.source_bucket, ((key, body) for key in keys))
        uris = [f"s3://{self.at.stack.source_bucket}/{key}" for key in keys]
        self.sources |= dict.fromkeys(uris, body)
        return uris

    def _root(self, laid: dict[str, bytes]) -> str:
        return next(iter(laid)).rpartition("/")[0] + "/"

    def _start(self, **body: Any) -> str:
        return str(self.user.call("POST", "/v1/imports", body)["id"])

    def retry_once_ended(self) -> None:
        self.user.ended(self.retried)
        put_all(self.at.s3, self.at.stack.source_bucket, ((key_of(uri), body) for uri, body in self.late.items()))
        self.user.call("POST", f"/v1/imports/{self.retried}/retry")

    def run_watch_again(self) -> None:
        """Put more objects below the watched prefix, and run the watch once its first import has ended."""
        self.user.ended(self.watch["last_run"])
        root = key_of(self._root(self.watched))
        more = {f"{root}more-{n:03d}.mp4": f"more {n}".encode() for n in range(20)}
        put_all(self.at.s3, self.at.stack.source_bucket, more.items())
        self.sources |= {f"s3://{self.at.stack.source_bucket}/{key}": body for key, body in more.items()}
        self.user.call("POST", f"/v1/watches/{self.watch['id']}/run")

    def all_ended(self) -> list[dict[str, Any]]:
        """Return all imports of the project, once each has ended and all dropped files are in some of them."""

        def look() -> list[dict[str, Any]] | None:
            jobs = self.user.rows("/v1/imports", "imports")
            uploaded = sum(job["counts"]["total"] for job in jobs if job["trigger"] == "upload")
            ended = all(job["status"] in TERMINAL for job in jobs)
            return jobs if ended and uploaded >= len(self.drop) else None

        return [self.user.ended(job["id"]) for job in patiently(look, what="all imports to end")]


def test_killed_processes_lose_nothing(disturbed: Disturbed) -> None:
    seed = int(os.environ.get("CLIPFERRY_SEED", "1"))
    print(f"CLIPFERRY_SEED={seed}")
    # A delivery that a killed process took comes again after the function's timeout times six; here, soon.
    sqs = aws.session().client("sqs", endpoint_url=disturbed.stack.aws_endpoint_url, config=aws.CONFIG)
    sqs.set_queue_attributes(QueueUrl=disturbed.stack.upload_queue_url, Attributes={"VisibilityTimeout": "5"})
    user, killer = PatientUser(disturbed.stack), Killer(disturbed, seed)
    moderate = [{**rule, "probability": rule.get("probability", 1.0) / 4} for rule in all_rules()]
    with disturbed.faults(*moderate), killer.at_work(), busy(disturbed, "sweep", "watch"):
        begun = Begun(disturbed, user)
        begun.retry_once_ended()
        begun.run_watch_again()
        jobs = begun.all_ended()
    print(f"killed: {dict(killer.killed)}")
    for job in jobs:
        assert_accounted_for(disturbed, user, job, begun.sources)
    for job in jobs:
        if job["counts"]["failed"] or job["counts"]["cancelled"]:
            user.call("POST", f"/v1/imports/{job['id']}/retry")
    jobs = begun.all_ended()
    copied = [clip for job in jobs for clip in assert_accounted_for(disturbed, user, job, begun.sources)]
    # A cancel may come before anything is planned: then there is nothing to retry.
    unfinished = {job["id"]: job["counts"]["total"] for job in jobs if job["status"] != "COMPLETED"}
    assert unfinished in ({}, {begun.cancelled: 0})
    results = extrapolated(disturbed, user.clips(begun.extrapolated))
    assert objects(disturbed) == {clip["destination"] for clip in copied} | results
    assert user.refusals == []
    crashes = [call for call in control(disturbed.stack, "raised")["raised"] if call["errorType"] == CRASHED]
    assert crashes, "no kill hit a call"
    assert unexpected_failures(disturbed) == []


def assert_accounted_for(
    at: Disturbed, user: PatientUser, job: dict[str, Any], sources: dict[str, bytes]
) -> list[dict[str, Any]]:
    """Check that the import's rows are its counts and each copied clip has its source's bytes; return copied clips."""
    clips = user.clips(job["id"])
    copied = [clip for clip in clips if clip["status"] == "COPIED"]
    rows = Counter(clip["status"].lower() for clip in clips)
    size = sum(len(sources[clip["source_uri"]]) for clip in copied)
    expected = dict.fromkeys(job["counts"], 0) | rows | {"total": len(clips), "bytes": size}
    assert job["counts"] == expected, job
    assert len({clip["source_uri"] for clip in clips}) == len(clips)
    assert {clip["code"] for clip in clips if clip["status"] == "FAILED"} <= {"RETRIES_EXHAUSTED", "SET_INCOMPLETE"}
    for clip in copied:
        assert at.read(clip["destination"]) == sources[clip["source_uri"]], clip
    return copied


def extrapolated(at: Disturbed, clips: list[dict[str, Any]]) -> set[str]:
    """Return the URIs of the results of these clips, which are equal: each has one, and all are the same."""
    assert {clip["extrapolation"]["status"] for clip in clips} == {"DONE"}
    results = {f"s3://{at.stack.clips_bucket}/{clip['extrapolation']['key']}" for clip in clips}
    assert len(results) == len(clips)
    assert len({at.read(uri) for uri in results}) == 1
    return results


def objects(at: Disturbed) -> set[str]:
    bucket = at.stack.clips_bucket
    pages = at.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    assert not at.s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    return {f"s3://{bucket}/{one['Key']}" for page in pages for one in page.get("Contents", [])}


def unexpected_failures(at: Disturbed) -> list[str]:
    """Return the failed calls of functions that are neither kills nor errors that the state machine names."""
    expected = handled_errors(at.stack) | {CRASHED}
    return [described(call) for call in control(at.stack, "raised")["raised"] if call["errorType"] not in expected]
