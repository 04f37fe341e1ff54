"""Imports of each kind run with nothing but the functions' own roles, and no role may do what it does not need."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from local.config import ROOT, StateDir
from local.down import bring_down
from local.up import StackOptions, bring_up, end_on_sigterm
from tests.e2e import disturbed
from tests.e2e.faults import reconfigured, retry_soon
from tests.e2e.guarded import Grant, Guarded
from tests.e2e.scenarios import REFUSED, SCENARIOS, client
from tests.e2e.support import UNCHECKED, unique

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


USED: dict[Grant, str] = {}
"""The first scenario that used each grant; filled by the tests below, in order."""
RAN: set[str] = set()


@pytest.fixture
def all_ran() -> None:
    """Skips a test that needs all scenarios to have run, where one was left out or failed."""
    if SCENARIOS.keys() != RAN:
        pytest.skip(f"these scenarios have not run: {', '.join(sorted(SCENARIOS.keys() - RAN))}")


@pytest.mark.parametrize("name", SCENARIOS)
def test_runs_with_the_functions_own_roles(guarded: Guarded, name: str) -> None:
    before = guarded.checks()
    SCENARIOS[name](guarded)
    after = guarded.checks()
    new = {check for check, times in after.items() if times > before.get(check, 0)}
    refused = {(handler, action) for handler, action, allowed in new if not allowed} - REFUSED.get(name, set())
    assert {check: on for check, on in guarded.last_refused().items() if check in refused} == {}
    for handler, action, allowed in new:
        if allowed:
            USED.setdefault((handler, action), name)
    RAN.add(name)


MISSING_KEYS = "It makes S3 answer 404 instead of 403 for a missing key; the emulator answers 404 in any case."
AFTER_A_CRASH = "It is needed only after a function's process ended between two calls of its work."
UNSHOWN: dict[Grant, str] = {
    **{
        (handler, "s3:ListBucket"): MISSING_KEYS
        for handler in ("conclude", "copy", "extrapolate", "finish", "on_upload")
    },
    (
        "copy",
        "s3:PutObjectTagging",
    ): "CopyObject and CreateMultipartUpload need it for tags; the emulator asks for PutObject.",
    ("copy", "s3:ListBucketMultipartUploads"): AFTER_A_CRASH,
    **{
        (handler, action): AFTER_A_CRASH
        for handler in ("finish", "sweep")
        for action in ("s3:ListBucketMultipartUploads", "s3:GetObjectVersion", "s3:DeleteObjectVersion")
    },
    ("finish", "s3:PutObject"): "Planning and conclusion write files; the end of an import writes rows only.",
    ("sweep", "s3:PutObject"): "As for `finish`, whose work the sweep does after a crash.",
    ("sweep", "secretsmanager:DeleteSecret"): AFTER_A_CRASH,
    ("finish", "dynamodb:BatchWriteItem"): "A lost set's rows get their message by it, after a crash.",
    **{
        (handler, "dynamodb:ConditionCheckItem"): "Retries whose planning broke down halfway are opened again by it."
        for handler in ("finish", "sweep")
    },
    ("on_upload", "dynamodb:UpdateItem"): "No call of the upload function updates a row.",
    ("on_upload", "s3:GetObject"): "The upload function writes lists of uploads, and reads none.",
}
"""Grants that no scenario uses, and why."""


@pytest.mark.usefixtures("all_ran")
def test_no_role_has_an_action_that_nothing_needs(guarded: Guarded) -> None:
    needless = sorted(guarded.granted - USED.keys() - UNSHOWN.keys())
    assert not needless, "no scenario uses these grants:\n" + "\n".join(map(str, needless))


@pytest.mark.usefixtures("all_ran")
def test_what_cannot_be_shown_is_not_shown() -> None:
    assert sorted(UNSHOWN.keys() & USED.keys()) == []


ALL_GRANTS = bool(os.environ.get("CLIPFERRY_ALL_GRANTS"))
"""Take every grant away in turn (some ten minutes), not only one of each role and service."""


def to_take(guarded: Guarded, handler: str) -> list[str]:
    """The actions that the control takes from a role: those that a scenario shows."""
    shown = sorted(action for who, action in guarded.granted & USED.keys() if who == handler)
    first_of_service = {action.partition(":")[0]: action for action in reversed(shown)}
    return shown if ALL_GRANTS else sorted(first_of_service.values())


@pytest.mark.usefixtures("all_ran")
@pytest.mark.parametrize(
    "handler",
    [
        *("api", "authorize", "conclude", "copy", "extrapolate", "finish", "on_upload", "plan", "watch"),
        pytest.param(
            "sweep",
            marks=pytest.mark.skipif(
                not ALL_GRANTS, reason="its scenario must catch an import between two calls: CLIPFERRY_ALL_GRANTS=1"
            ),
        ),
    ],
)
def test_a_role_with_one_action_less_is_refused_it(
    guarded: Guarded, handler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the scenarios show as used is not there when it is taken away."""
    # A scenario that lost its grant in the middle may wait for what never comes.
    monkeypatch.setattr(disturbed, "PATIENCE_SECONDS", 5.0)
    taken = to_take(guarded, handler)
    assert taken
    assert [action for action in taken if not refused_without(guarded, handler, action)] == []


def refused_without(guarded: Guarded, handler: str, action: str) -> bool:
    """Whether the emulator refuses the action while the first scenario that uses it runs without it."""
    fresh = reconfigured(client(guarded, "lambda"), f"lambdas.{handler}.handler", CLIPFERRY_TESTS=unique("fresh"))
    before = guarded.refused(handler, action)

    def run() -> None:
        with suppress(Exception):  # How it ends does not matter here: the grant may be back before that.
            SCENARIOS[USED[handler, action]](guarded)

    running = threading.Thread(target=run)
    # A process keeps keys and secrets that it has read: only a new one asks for them again.
    with guarded.without(handler, action), fresh:
        running.start()
        refused = guarded.wait_for_refusal(handler, action, before, REFUSAL_SECONDS)
    running.join()
    return refused


@pytest.mark.parametrize(
    ("handler", "action"), [("plan", "s3:PutObject"), ("copy", "s3:PutObject"), ("copy", "s3:GetObject")]
)
def test_without_it_an_import_fails(guarded: Guarded, handler: str, action: str) -> None:
    imports = guarded.imports()
    with guarded.without(handler, action):
        made = imports.user.call("POST", "/v1/imports", {"exact_paths": list(imports.at.lay_out("fails", 2))})
        ended = imports.user.ended(made["id"])
    assert (ended["status"], ended["counts"]["copied"]) == ("FAILED", 0), ended
