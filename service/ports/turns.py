"""Port of the turns that share slots."""

from collections.abc import Sequence
from typing import Protocol

from service.domain.turns import Turn


class TurnStore(Protocol):
    """The turns of one kind of slots. An expired turn may be returned for some days more."""

    def all(self) -> Sequence[Turn]:
        """Return all turns as they are now; no write that ended before is missed."""
        ...

    def put(self, turn: Turn) -> None:
        """Write the turn, over an earlier one of its id."""
        ...

    def remove(self, turn_id: str) -> None: ...
