"""Imports of each kind run with nothing but the functions' own roles, and no role may do what it does not need."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from local import aws
from local.config import ROOT, StateDir
from local.down import bring_down
from local.up import StackOptions, bring_up, end_on_sigterm
from tests.e2e.disturbed import Imports, patiently
from tests.e2e.faults import function_name, retry_soon
from tests.e2e.guarded import Grant, Guarded
from tests.e2e.support import UNCHECKED, put_all, receiver, unique

CLIP = min((Path(__file__).resolve().parent.parent / "data" / "clipgt").glob("*.zip"))
REFUSAL_SECONDS = 60.0


@contextmanager
def _silently(_title: str) -> Iterator[None]:
    yield


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """A stack of this file's own, which enforces roles."""
    state = StateDir(ROOT / ".local" / f"guarded{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    end_on_sigterm()
    try:
        stack = bring_up(state, _silently, StackOptions(enforce_roles=True, context=UNCHECKED))
        retry_soon(stack)
        yield Guarded.of(stack)
    finally:
        bring_down(state)


def sweep(guarded: Guarded) -> None:
    functions = aws.session().client("lambda", endpoint_url=guarded.stack.aws_endpoint_url, config=aws.CONFIG)
    answer = functions.invoke(FunctionName=function_name(functions, "lambdas.sweep.handler"), Payload=b"{}")
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body


def a_list(imports: Imports, **request: Any) -> dict[str, Any]:
    """A list of two clips, one of which does not exist; the ended import."""
    sources = imports.at.lay_out("ends", 1)
    uris = [*sources, f"s3://{imports.at.stack.source_bucket}/{unique('not-there')}.zip"]
    made = imports.user.call("POST", "/v1/imports", {"exact_paths": uris, **request})
    return imports.user.ended(made["id"])


def ends(guarded: Guarded) -> None:
    """A report to download, a webhook, the import's deletion and what the sweep removes of it."""
    imports = guarded.imports()
    call = imports.user.call
    with receiver() as (url, got):
        job = a_list(imports, settings={"notify": {"webhook_url": url}})
        report = patiently(lambda: report_of(imports, job["id"]), what="the report")
        assert report["url"]
        patiently(lambda: got, what="the webhook")
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (1, 1)
    call("DELETE", f"/v1/imports/{job['id']}")
    sweep(guarded)


def report_of(imports: Imports, job_id: str) -> dict[str, Any] | None:
    """The answer with the report's URL, once there is one."""
    with suppress(AssertionError):  # 409: it is being written
        return imports.user.call("GET", f"/v1/imports/{job_id}/report", format="csv")
    return None


def reading(guarded: Guarded) -> None:
    call = guarded.imports().user.call
    call("GET", "/v1/imports")
    call("POST", "/v1/previews", {"root_path": f"s3://{guarded.stack.source_bucket}/samples/"})


def extrapolation(guarded: Guarded) -> None:
    imports = guarded.imports()
    key = f"{unique('still')}/clip.zip"
    put_all(imports.at.s3, guarded.stack.source_bucket, [(key, CLIP.read_bytes())])
    body = {
        "exact_paths": [f"s3://{guarded.stack.source_bucket}/{key}"],
        "settings": {"stationary_extrapolation": True},
    }
    job = imports.user.call("POST", "/v1/imports", body)
    assert imports.user.ended(job["id"])["status"] == "COMPLETED"
    [clip] = imports.user.clips(job["id"])
    assert clip["extrapolation"]["key"], clip


def integration(guarded: Guarded) -> None:
    """Saved keys of a store that speaks S3 (the emulator's own), tested, imported by, deleted and swept."""
    imports = guarded.imports()
    call = imports.user.call
    bucket = unique("store")
    imports.at.s3.create_bucket(Bucket=bucket)
    put_all(imports.at.s3, bucket, [("a/clip.zip", b"clip")])
    keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint_url": guarded.stack.aws_endpoint_url}
    made = call("POST", "/v1/integrations", {"name": "own", "type": "s3", "bucket": bucket, **keys})
    call("POST", f"/v1/integrations/{made['id']}/test")
    job = call("POST", "/v1/imports", {"root_path": f"s3://{bucket}/a/", "integration_id": made["id"]})
    ended = imports.user.ended(job["id"])
    assert (ended["status"], ended["counts"]["copied"]) == ("COMPLETED", 1), ended
    call("DELETE", f"/v1/integrations/{made['id']}")
    sweep(guarded)


def kind(name: str) -> Callable[[Guarded], None]:
    def run(guarded: Guarded) -> None:
        imports = guarded.imports()
        getattr(imports, name)()()
        assert imports.user.refusals == []

    return run


SCENARIOS: dict[str, Callable[[Guarded], None]] = {
    "reading": reading,
    "sweep": sweep,
    "list": lambda guarded: assert_partly_copied(a_list(guarded.imports())),
    **{name: kind(name) for name in ("prefix", "manifest", "validated", "sets", "drop", "cancel", "retry")},
    "ends": ends,
    "integration": integration,
    "extrapolation": extrapolation,
}
"""Cheapest first: a grant is shown by the first of them that uses it."""


def assert_partly_copied(job: dict[str, Any]) -> None:
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (1, 1), job


USED: dict[Grant, str] = {}
"""The first scenario that used each grant; filled by the tests below, in order."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_runs_with_the_functions_own_roles(guarded: Guarded, name: str) -> None:
    before = guarded.checks()
    SCENARIOS[name](guarded)
    after = guarded.checks()
    new = {check for check, times in after.items() if times > before.get(check, 0)}
    refused = {(handler, action) for handler, action, allowed in new if not allowed}
    assert {check: on for check, on in guarded.last_refused().items() if check in refused} == {}
    for handler, action, _ in new:
        USED.setdefault((handler, action), name)


def test_no_role_has_an_action_that_nothing_needs(guarded: Guarded) -> None:
    needless = sorted(guarded.granted - USED.keys())
    print(*needless, sep="\n")
    assert needless == []
