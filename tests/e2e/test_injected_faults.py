"""Imports of each kind end right while AWS throttles, conflicts, stalls and loses answers; users get no 500."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from local import aws
from local.api import Api
from local.config import DEPLOY_CONTEXT, ROOT, StateDir
from local.down import bring_down
from local.up import StackOptions, bring_up, end_on_sigterm
from tests.e2e.disturbed import KINDS, Disturbed, Imports, PatientUser, all_rules, patiently, rules
from tests.e2e.faults import copies_limited, retry_soon
from tests.e2e.support import UNCHECKED, unique


@contextmanager
def _silently(_title: str) -> Iterator[None]:
    yield


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Disturbed]:
    """A stack of this file's own, with a proxy that has no rules yet."""
    state = StateDir(ROOT / ".local" / f"disturbed{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    end_on_sigterm()
    try:
        stack = bring_up(state, _silently, StackOptions(rules=[], context=UNCHECKED))
        retry_soon(stack)
        yield Disturbed(stack, aws.s3(stack.aws_endpoint_url))
    finally:
        bring_down(state)


def import_all(disturbed: Disturbed, kinds: tuple[str, ...] = KINDS) -> PatientUser:
    """Start an import of each kind, let them run at once, and see each end right. The user who did so."""
    user = PatientUser(disturbed.stack)
    imports = Imports(disturbed, user)
    started = [getattr(imports, kind)() for kind in kinds]
    for finish in started:
        finish()
    return user


def test_without_faults_all_imports_end_right(disturbed: Disturbed) -> None:
    assert import_all(disturbed).refusals == []
    assert not disturbed.fired()


SLOW_COPIES = {
    "service": "s3",
    "operation": "PutObject",
    "headers": {"x-amz-copy-source": "many-"},
    "latency": 20_000,
}
"""Copies of the large imports' sources."""
CALLS = 4
"""Two slots (`copy_slots` of the local stack), and two calls that ask for their turn."""
AT_ONCE = int(DEPLOY_CONTEXT["copy_concurrency"])

CASES = {"dynamodb", "s3", "states", "conflict", "lost", "cut", "latency"}
"""First words of the rules' names."""


@pytest.mark.parametrize("case", sorted(CASES))
def test_imports_end_right_under(disturbed: Disturbed, case: str) -> None:
    with disturbed.faults(*rules(case)):
        user = import_all(disturbed)
        fired = disturbed.fired()
    assert fired.keys() == {case}
    assert user.refusals == []


def test_imports_end_right_when_lambda_throttles(disturbed: Disturbed) -> None:
    with copies_limited(disturbed.functions(), 1):
        assert import_all(disturbed).refusals == []


def test_a_small_import_of_another_project_is_copied_while_large_ones_want_all_slots(disturbed: Disturbed) -> None:
    """Each copy of the large ones takes long: a batch of 50 takes 80 s. They want all calls of the copy function."""
    user = PatientUser(disturbed.stack)
    admin = Api(disturbed.stack.base_url, disturbed.stack.admin_key)
    key = admin.send("POST", "/v1/keys", body={"project": unique("rival"), "name": "test"}).json()["key"]
    rival = PatientUser(replace(disturbed.stack, api_key=key))
    many, few = [disturbed.lay_out("many", 120) for _ in range(2)], disturbed.lay_out("few", 10)
    with copies_limited(disturbed.functions(), CALLS), disturbed.faults(SLOW_COPIES):
        large = [user.call("POST", "/v1/imports", {"exact_paths": list(sources)})["id"] for sources in many]
        patiently(lambda: disturbed.fired().total() >= 2 * AT_ONCE, what="copies of two batches")
        patiently(lambda: all(counts(user, job)["total"] for job in large), what="both plans")
        small = rival.call("POST", "/v1/imports", {"exact_paths": list(few)})["id"]
        patiently(lambda: [one for one in rival.clips(small) if one["status"] == "COPIED"], what="a clip of the rival")
        assert [counts(user, job)["pending"] for job in large] == [120, 120], "no slot was free yet"
        for job in large:
            user.call("POST", f"/v1/imports/{job}/cancel")
    assert rival.ended(small)["status"] == "COMPLETED"
    disturbed.assert_landed(rival.clips(small), few)
    assert {user.ended(job)["status"] for job in large} == {"CANCELLED"}


def counts(user: PatientUser, job_id: str) -> dict[str, int]:
    found: dict[str, int] = user.call("GET", f"/v1/imports/{job_id}")["counts"]
    return found


def test_imports_end_right_under_all_faults_at_once(disturbed: Disturbed) -> None:
    with disturbed.faults(*all_rules()), copies_limited(disturbed.functions(), 1):
        user = import_all(disturbed)
        fired = disturbed.fired()
    assert fired.keys() == CASES
    assert user.refusals == []
