"""The modules that a function imports before its first request. `benchmarks/start.py` measures the times."""

import importlib.util
import os
import subprocess
import sys

import pytest

from benchmarks.start import BUDGETS_MS, READY, started_ms
from tests.paths import ROOT

EDGE = {"pydantic", "lambdas.schemas", "lambdas.routes", "aws_lambda_powertools.event_handler"}
PROVIDERS = {"google", "google.auth", "google_crc32c", "service.sources.build", "service.sources.gcs"}
PARSERS = {"service.formats.check", "service.formats.clipgt", "service.formats.mp4"}
PLANNING = {"pathspec", "service.domain.filters", "service.imports.planning.sources", "service.imports.intake.submit"}
EVERYWHERE = {"boto3", "s3transfer", "cryptography", "moto", *PROVIDERS}
"""In no function's path."""

LEFT_OUT = {
    "api": {"pyarrow", "lambdas.reference", "aws_lambda_powertools.event_handler.openapi.models"} | PARSERS,
    "authorize": {"asyncio", "pyarrow", "service.aws.s3.storage", "service.imports", *EDGE, *PARSERS} | PLANNING,
    "conclude": {"pyarrow", "service.aws.s3.storage", *EDGE, *PARSERS, *PLANNING},
    "copy": {"pyarrow", "service.imports.access.reach", *EDGE, *PARSERS, *PLANNING},
    "delete_sources": {"pyarrow", *EDGE, *PARSERS, *PLANNING},
    "extrapolate": {"service.formats.mp4", *EDGE, *PLANNING},
    "finish": {"pyarrow", *EDGE, *PARSERS, *PLANNING},
    "on_upload": {"pyarrow", "service.aws.s3.storage", *EDGE, *PARSERS, *PLANNING},
    "plan": {"pyarrow", "service.imports.intake.submit", *EDGE, *PARSERS},
    "sweep": {"pyarrow", *EDGE, *PARSERS, *PLANNING},
    "watch": {"pyarrow", "service.imports.planning.sources", "service.imports.copying", *EDGE, *PARSERS},
}


def imported_by(name: str) -> set[str]:
    script = f"import sys, lambdas.{name}; print(*sys.modules)"
    env = os.environ | {"AWS_DEFAULT_REGION": "eu-west-1"}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return set(ran.stdout.split())


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_function_imports_only_what_it_runs_on(name: str) -> None:
    imported = imported_by(name)
    assert f"lambdas.wiring.{name}" in imported
    assert imported & (LEFT_OUT[name] | EVERYWHERE) == set()


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_function_imports_no_other_functions_wiring(name: str) -> None:
    others = {f"lambdas.wiring.{other}" for other in LEFT_OUT} - {f"lambdas.wiring.{name}"}
    # Sweeping ends jobs as finishing does.
    assert imported_by(name) & others == ({"lambdas.wiring.finish"} if name == "sweep" else set())


def test_every_function_has_a_budget() -> None:
    handlers = {path.stem for path in (ROOT / "lambdas").glob("*.py") if "\ndef handler(" in path.read_text()}
    assert handlers == set(LEFT_OUT) == set(BUDGETS_MS) == set(READY)


def test_what_is_left_out_is_the_name_of_something() -> None:
    unknown = [name for name in EVERYWHERE.union(*LEFT_OUT.values()) if importlib.util.find_spec(name) is None]
    assert unknown == []


@pytest.mark.parametrize("name", READY)
def test_what_a_function_runs_on_is_made_without_a_request(name: str) -> None:
    imported, ready = started_ms(name)
    assert ready > imported
