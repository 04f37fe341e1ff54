"""Test the promises of the store of turns."""

from dataclasses import replace

from service.domain.turns import Turn
from service.ports.turns import TurnStore
from tests.contracts.conftest import Stores

TURN = Turn(id="ij_1#0000#00000001", project="demo", job_id="ij_1", since=1.5, holds=False, expires_at=100.0)


def test_turns_are_written_replaced_and_removed(stores: Stores) -> None:
    turns: TurnStore = stores.turns
    assert list(turns.all()) == []
    turns.put(TURN)
    other = replace(TURN, id="ij_2#0000#00000000", project="rival", job_id="", holds=True)
    turns.put(other)
    assert sorted(turns.all(), key=lambda turn: turn.id) == [TURN, other]
    held = replace(TURN, holds=True, since=2.25, expires_at=200.0)
    turns.put(held)
    assert sorted(turns.all(), key=lambda turn: turn.id) == [held, other]
    turns.remove(TURN.id)
    turns.remove(TURN.id)
    assert list(turns.all()) == [other]
