"""Start every provider once behind a gate; at the end of the run, print a table of the passed tests by provider."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.sources.stores import PROVIDERS, Store, Stores, start_stores

ROWS = "sources: provider, case"


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with ExitStack() as stack:
        yield start_stores(stack, tmp_path_factory.mktemp("stores"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", providers_of(metafunc.function), indirect=True)


def providers_of(test: Callable[..., object]) -> list[str]:
    """The providers for which the suite has this case."""
    return [name for name in PROVIDERS if name not in getattr(test, "exempt", {})]


@pytest.fixture
def store(stores: Stores, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    found = stores.by_name[request.param]

    async def sleep(seconds: float) -> None:
        found.slept.append(seconds)

    monkeypatch.setattr("service.aws.s3.http.requests.sleep", sleep)
    name = request.function.__name__.removeprefix("test_").replace("_", " ")
    request.node.user_properties.append((ROWS, (found.name, name)))
    yield found
    found.reset()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    marks = {"passed": "ok", "failed": "FAILED", "error": "ERROR", "skipped": "-"}
    cells: dict[tuple[str, str], str] = {}
    for outcome, mark in marks.items():
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == ROWS:
                    cells[tuple(value)] = mark
    if not cells:
        return
    providers = [name for name in PROVIDERS if any(name == provider for provider, _ in cells)]
    cases = list(dict.fromkeys(case for _, case in cells))
    width = max(map(len, cases))
    terminalreporter.section("sources: case, provider")
    terminalreporter.write_line(" ".join([" " * width, *(f"{name:>9}" for name in providers)]))
    for case in cases:
        row = (f"{cells.get((name, case), '-'):>9}" for name in providers)
        terminalreporter.write_line(" ".join([f"{case:<{width}}", *row]))
