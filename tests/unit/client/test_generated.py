"""The sync client is generated from the async one, so both have the same calls."""

import inspect
from pathlib import Path

import pytest

from clipferry import AsyncImport, Import
from tests.client_generator import twins
from tests.unit.client.service import FakeService

TWINS = twins()


@pytest.mark.parametrize("path", TWINS, ids=lambda path: str(path.name))
def test_each_module_is_what_the_generator_writes(path: Path) -> None:
    assert path.read_text() == TWINS[path], "run `make client`"


def test_both_clients_have_the_same_calls_with_the_same_arguments() -> None:
    sync, other = FakeService().client(), FakeService().async_client()
    names = {name for name in vars(sync) if not name.startswith("_")}
    assert names == {name for name in vars(other) if not name.startswith("_")}
    pairs = [(getattr(sync, name), getattr(other, name)) for name in names] + [(Import, AsyncImport)]
    for one, twin in pairs:
        assert _calls(one) == _calls(twin)


def _calls(thing: object) -> dict[str, list[str]]:
    """Map each public call to its arguments."""
    found = inspect.getmembers(thing, callable)
    return {name: list(inspect.signature(call).parameters) for name, call in found if not name.startswith("_")}
