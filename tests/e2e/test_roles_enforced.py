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
from tests.e2e.guarded import Action, Grant, Guarded
from tests.e2e.scenarios import REFUSED, SCENARIOS, client
from tests.e2e.support import DELETABLE, UNCHECKED, unique

REFUSAL_SECONDS = 180.0
HANDLERS = (
    *("api", "authorize", "conclude", "copy", "delete_sources", "extrapolate"),
    *("finish", "on_upload", "plan", "sweep", "watch"),
)


@contextmanager
def _silently(_title: str) -> Iterator[None]:
    yield


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """A stack of this file's own, which enforces roles."""
    state = StateDir(ROOT / ".local" / f"guarded{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    end_on_sigterm()
    try:
        context = UNCHECKED | DELETABLE | {"drop_imported_days": "1"}
        stack = bring_up(state, _silently, StackOptions(enforce_roles=True, context=context))
        retry_soon(stack)
        yield Guarded.of(stack)
    finally:
        bring_down(state)


USED: dict[Action, tuple[str, int]] = {}
"""The first scenario that used each action, and how often; filled by the tests below, in order."""
NEEDED: dict[Grant, str] = {}
"""The first scenario in which a call would have been refused without each grant."""
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
    new = {check: times - before.get(check, 0) for check, times in after.items() if times > before.get(check, 0)}
    refused = {(handler, action) for handler, action, allowed in new if not allowed} - REFUSED.get(name, set())
    assert {check: on for check, on in guarded.last_refused().items() if check in refused} == {}
    for (handler, action, allowed), times in new.items():
        if allowed:
            USED.setdefault((handler, action), (name, times))
    for grant in guarded.needed():
        NEEDED.setdefault(grant, name)
    RAN.add(name)


MISSING_KEYS = "It makes S3 answer 404 instead of 403 for a missing key; the emulator answers 404 in any case."
AFTER_A_CRASH = "It is needed only after a process ended between two calls of its work; `tests/unit/imports` tries it."
AT_ITS_LIMIT = "It is needed only for a retry whose planning broke down halfway, or copies that cannot be removed."
OUT_OF_TIME = "It is needed only where the time of a call runs out; `tests/unit/imports` tries it."
RARE = (AFTER_A_CRASH, AT_ITS_LIMIT, OUT_OF_TIME)
UNSHOWN: dict[Grant, str] = {
    **{
        (handler, "s3:ListBucket", place): MISSING_KEYS
        for handler, place in (
            *(
                ("conclude", "drop"),
                ("conclude", "state"),
                ("copy", "clips"),
                ("copy", "sources"),
                ("extrapolate", "clips"),
            ),
            *(("delete_sources", "clips"), ("delete_sources", "sources"), ("delete_sources", "state")),
            *(("finish", "clips"), ("finish", "state"), ("sweep", "clips")),
        )
    },
    ("conclude", "s3:GetObject", "drop/*"): (
        "DeleteObjects needs it where a condition names an ETag; the emulator asks for DeleteObject alone."
    ),
    ("copy", "s3:PutObjectTagging", "clips/*"): (
        "CopyObject and CreateMultipartUpload need it for tags; the emulator asks for PutObject."
    ),
    ("copy", "s3:ListBucketMultipartUploads", "clips"): AFTER_A_CRASH,
    **{(handler, "s3:ListBucketMultipartUploads", "clips"): AFTER_A_CRASH for handler in ("finish", "sweep")},
    ("sweep", "secretsmanager:DeleteSecret", "secret"): AFTER_A_CRASH,
    ("delete_sources", "s3:PutObject", "state/jobs/*"): OUT_OF_TIME,
    ("finish", "dynamodb:BatchWriteItem", "table"): AT_ITS_LIMIT,
    **{(handler, "dynamodb:ConditionCheckItem", "table"): AT_ITS_LIMIT for handler in ("finish", "sweep")},
}
"""Grants that no scenario uses, and why."""


@pytest.mark.usefixtures("all_ran")
def test_no_role_has_an_action_that_nothing_needs(guarded: Guarded) -> None:
    """The control of the scenarios: each grant was taken from some call that it allowed, which was refused then."""
    needless = sorted(guarded.granted - NEEDED.keys() - UNSHOWN.keys())
    assert not needless, "no scenario needs these grants:\n" + "\n".join(map(str, needless))


@pytest.mark.usefixtures("all_ran")
def test_what_cannot_be_shown_is_not_shown() -> None:
    """A busy machine may show what is needed only after a crash or for want of time."""
    assert sorted(grant for grant in UNSHOWN.keys() & NEEDED.keys() if UNSHOWN[grant] not in RARE) == []


ALL_ACTIONS = bool(os.environ.get("CLIPFERRY_ALL_GRANTS"))
"""Take every action away in turn (some ten minutes), not only one of each role."""


def to_take(handler: str) -> list[str]:
    """Return actions that scenarios use with this role: all, or the one that the cheapest scenario uses most often.

    An action that is used once, such as a condition of a race, may not be used in the next run.
    """
    order = list(SCENARIOS)
    mine = {action: used for (who, action), used in USED.items() if who == handler}
    listed = sorted(mine, key=lambda action: (order.index(mine[action][0]), -mine[action][1], action))
    return listed if ALL_ACTIONS else listed[:1]


@pytest.mark.usefixtures("all_ran")
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_role_with_one_action_less_is_refused_it(
    guarded: Guarded, handler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second control, of the first: without an action, a real run of a scenario that uses it is refused."""
    # A scenario that lost its grant in the middle may wait for what never comes.
    monkeypatch.setattr(disturbed, "PATIENCE_SECONDS", 5.0)
    taken = to_take(handler)
    assert taken
    assert [action for action in taken if not refused_without(guarded, handler, action)] == []


def refused_without(guarded: Guarded, handler: str, action: str) -> bool:
    """Whether the emulator refuses the action while the first scenario that uses it runs without it."""
    fresh = reconfigured(client(guarded, "lambda"), f"lambdas.{handler}.handler", CLIPFERRY_TESTS=unique("fresh"))
    before, over = guarded.refused(handler, action), threading.Event()

    def run() -> None:
        while not over.is_set():  # on a busy machine it may give up before it comes to the action
            with suppress(Exception):  # How it ends does not matter here: the grant may be back before that.
                SCENARIOS[USED[handler, action][0]](guarded)

    running = threading.Thread(target=run)
    # A process keeps keys and secrets that it has read: only a new one asks for them again.
    with guarded.without(handler, action), fresh:
        running.start()
        refused = guarded.wait_for_refusal(handler, action, before, REFUSAL_SECONDS)
        over.set()
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
