"""The bar that `wait(progress=True)` shows."""

import sys
import types
from typing import Any

import pytest
import rich

from clipferry import ApiError
from tests.unit.client.service import FakeService, counts, job, refusal


class FakeTqdm:
    """Records what tqdm would draw."""

    made: list["FakeTqdm"]

    def __init__(self, **options: Any) -> None:
        self.options, self.drawn, self.closed = options, list[tuple[str, int, int]](), False
        self.total, self.n, self.description = 0, 0, ""
        self.made.append(self)

    def set_description(self, text: str) -> None:
        self.description = text

    def refresh(self) -> None:
        self.drawn.append((self.description, self.n, self.total))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[FakeTqdm]:
    module: Any = types.ModuleType("tqdm.auto")
    module.tqdm, FakeTqdm.made = FakeTqdm, []
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    return FakeTqdm.made


STATES = [
    job("PLANNING", counts=counts()),
    job("COPYING", counts=counts(copied=1, pending=3)),
    job(counts=counts(copied=4)),
]


def test_tqdm_draws_each_state_where_it_is_installed(bars: list[FakeTqdm]) -> None:
    FakeService(*STATES).client().imports.wait("ij_1", progress=True)
    (bar,) = bars
    assert bar.drawn == [("PLANNING", 0, 0), ("COPYING", 1, 4), ("COMPLETED", 4, 4)]
    assert bar.closed


def test_the_bar_is_closed_after_an_error(bars: list[FakeTqdm]) -> None:
    with pytest.raises(ApiError):
        FakeService(STATES[0], refusal(401, "UNAUTHORIZED")).client().imports.wait("ij_1", progress=True)
    assert bars[0].closed


def test_rich_draws_it_elsewhere(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    FakeService(*STATES).client().imports.wait("ij_1", progress=True)
    assert "COMPLETED" in capsys.readouterr().out


def test_a_notebook_without_other_packages_redraws_one_output(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, str]] = []

    class Output:
        def update(self, shown: Any) -> None:
            drawn.append((repr(shown), shown._repr_html_()))

    def display(_shown: object, *, display_id: bool) -> Output:
        assert display_id
        return Output()

    module: Any = types.ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(rich, "get_console", lambda: types.SimpleNamespace(is_jupyter=True))
    FakeService(*STATES).client().imports.wait("ij_1", progress=True)
    assert drawn == [
        ("PLANNING", "<progress></progress> PLANNING"),
        ("COPYING 1/4", '<progress value="1" max="4"></progress> COPYING 1/4'),
        ("COMPLETED 4/4", '<progress value="4" max="4"></progress> COMPLETED 4/4'),
    ]
