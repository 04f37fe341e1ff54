"""Turns in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.turns import Turn
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeTurns:
    faults: Faults = field(default_factory=Faults)
    rows: dict[str, Turn] = field(default_factory=dict)
    port = "turns"

    @port_call
    def all(self) -> Sequence[Turn]:
        return list(self.rows.values())

    @port_call
    def put(self, turn: Turn) -> None:
        self.rows[turn.id] = turn

    @port_call
    def remove(self, turn_id: str) -> None:
        self.rows.pop(turn_id, None)
