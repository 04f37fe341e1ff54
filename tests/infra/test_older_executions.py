"""Executions that began before a deployment go on with the new functions.

They keep their own definition, and the files and answers that older functions wrote. `golden/executions` has what each
version of the definition sends and reads; a file there never changes. A new shape gets a new file beside the old ones.
"""

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.imports.lifecycle.turns import BatchTurn, NoTurn
from service.imports.manifest.format import decode_batches, decode_entries, encode_batch, encode_entry
from service.imports.planning.context import PlanCursor, Planned
from tests.infra.handlers import call, replace_use_case

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")

VERSIONS = sorted((Path(__file__).parent / "golden" / "executions").glob("*.json"))


@pytest.fixture(params=VERSIONS, ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(request.param.read_text())
    return written


class Calls:
    """In the place of a use case: keeps what it is called with, and answers as the real one does."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.given: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.given, self.named = given, named
        return self.answer


@pytest.fixture
def use_cases(monkeypatch: pytest.MonkeyPatch) -> dict[str, Calls]:
    calls = {
        "plan": Calls(Planned(cursor=PlanCursor(round_number=1))),
        "copy": Calls(None),
        "extrapolate": Calls(SimpleNamespace(done=1, failed=0, left=0, wait=None)),
        "finish": Calls(SimpleNamespace(status="COMPLETED", at="2026-11-29T12:00:00+00:00", now=False)),
        "conclude": Calls(SimpleNamespace(done=True, wait_seconds=0, webhook=None, delete_sources=False)),
    }
    for name, use_case in calls.items():
        replace_use_case(name, use_case, monkeypatch)
    return calls


def called(function: str, event: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """Call today's function as the older definition does, and check that the answer has what that reads."""
    answer: dict[str, Any] = call(function, event)
    assert set(recorded["read"][function]) <= set(answer)
    return answer


def test_planning_goes_on_from_an_older_cursor(recorded: dict[str, Any], use_cases: dict[str, Calls]) -> None:
    called("plan", recorded["plan"]["first"], recorded)
    assert use_cases["plan"].given[1] == PlanCursor()
    later = recorded["plan"]["next"]
    answer = called("plan", later, recorded)
    _, cursor = use_cases["plan"].given
    assert {name: getattr(cursor, name) for name in later["cursor"]} == later["cursor"]
    assert use_cases["plan"].named["run"] == later["run"]
    assert set(answer["batches"]) >= {"bucket", "key", "count"}


def test_only_an_execution_that_can_wait_takes_turns(recorded: dict[str, Any], use_cases: dict[str, Calls]) -> None:
    """An older definition would call again at once, without end."""
    for function, answer in (("copy", "copied"), ("extrapolate", "extrapolated")):
        called(function, recorded[function], recorded)
        waits = answer in recorded[function]
        assert isinstance(use_cases[function].named["turn"], BatchTurn if waits else NoTurn)


def test_only_an_execution_that_can_wait_is_asked_to_wait_for_a_source(
    recorded: dict[str, Any], use_cases: dict[str, Calls]
) -> None:
    called("plan", recorded["plan"]["first"], recorded)
    assert use_cases["plan"].named["can_wait"] is ("can_wait" in recorded["plan"]["first"])


@pytest.mark.parametrize("function", ["copy", "extrapolate"])
def test_an_older_batch_is_copied(recorded: dict[str, Any], use_cases: dict[str, Calls], function: str) -> None:
    event = recorded[function]
    called(function, event, recorded)
    (batch,) = use_cases[function].given
    assert {name: asdict(batch)[name] for name in event["batch"]} == event["batch"]


def test_an_older_execution_ends_and_is_concluded(recorded: dict[str, Any], use_cases: dict[str, Calls]) -> None:
    called("finish", recorded["finish"], recorded)
    assert use_cases["finish"].named["error"] is None
    answer = called("finish", recorded["finish_after_error"], recorded)
    assert use_cases["finish"].named["error"] == recorded["finish_after_error"]["error"]["Error"]
    assert answer["ended_at"]
    called("conclude", recorded["conclude"], recorded)
    assert use_cases["conclude"].given[:2] == (recorded["conclude"]["job_id"], recorded["conclude"]["ended_at"])
    assert use_cases["conclude"].named["can_delete"] is ("can_delete" in recorded["conclude"])


def test_older_files_are_read(recorded: dict[str, Any]) -> None:
    batches = list(decode_batches("\n".join(recorded["batch_list"]).encode()))
    entries = decode_entries("\n".join(recorded["manifest"]).encode())
    for line, batch in zip(recorded["batch_list"], batches, strict=True):
        assert json.loads(line).items() <= json.loads(encode_batch(batch)).items()
    for line, entry in zip(recorded["manifest"], entries, strict=True):
        assert json.loads(line).items() <= json.loads(encode_entry(entry)).items()


def test_the_newest_version_is_what_the_definition_sends(recorded: dict[str, Any]) -> None:
    """If this fails, the definition has changed: record its shape in a new file, and keep the older ones."""
    if recorded != json.loads(VERSIONS[-1].read_text()):
        pytest.skip("an older version")
    definition = json.loads((Path(__file__).parent / "golden" / "state_machine.asl.json").read_text())
    states = definition["States"] | definition["States"]["CopyBatches"]["ItemProcessor"]["States"]
    sent = {
        "Plan": recorded["plan"]["first"],
        "Copy": recorded["copy"],
        "Extrapolate": recorded["extrapolate"],
        "Finish": recorded["finish"],
        "Finish after error": recorded["finish_after_error"],
        "Conclude": recorded["conclude"],
    }
    for state, event in sent.items():
        assert {name.removesuffix(".$") for name in states[state]["Parameters"]} == set(event)
