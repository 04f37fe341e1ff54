"""Measure the cold start of each function: its import, and everything before its first request.

`python -m benchmarks.start --rounds 5` prints one JSON line of CPU milliseconds by function, the minimum of the rounds
(the first one only warms the files' cache): `cpu_ms` of the import; `ready_cpu_ms` of the import and the ports and
clients of a usual first invocation; the budgets of the imports, and which are kept. CPU time is that of a full core;
Lambda gives one from 1,769 MB of memory on.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import fields

import service.support.settings
from service.support.settings import ENV_PREFIX, Settings

ON_THE_WAY_MS = 300
"""The copy function: every large import starts many of them cold. And the authorizer, which each new key waits for."""
ANSWERS_MS = 650
"""The API: pydantic, Powertools' routes and their validators are two thirds of it."""
BEHIND_MS = 450
"""Nobody waits for these alone."""
DECODES_MS = 500
"""The same, with pyarrow and NumPy."""

BUDGETS_MS = {
    "api": ANSWERS_MS,
    "authorize": ON_THE_WAY_MS,
    "conclude": BEHIND_MS,
    "delete_sources": BEHIND_MS,
    "copy": ON_THE_WAY_MS,
    "extrapolate": DECODES_MS,
    "finish": BEHIND_MS,
    "on_upload": BEHIND_MS,
    "plan": BEHIND_MS,
    "sweep": BEHIND_MS,
    "watch": BEHIND_MS,
}

READY = {
    "api": ["DEPLOYED.status"],
    "authorize": ["DEPLOYED.keys", "DEPLOYED.secrets.client.meta"],
    "conclude": ["DEPLOYED.ports.state.client.meta", "DEPLOYED.ports.bus.client.meta"],
    "copy": ["DEPLOYED.ports"],
    "delete_sources": ["DEPLOYED.ports.state.client.meta"],
    "extrapolate": ["DEPLOYED.ports.state.client.meta"],
    "finish": ["DEPLOYED.ports.state.client.meta"],
    "on_upload": ["DEPLOYED.ports.state.client.meta", "DEPLOYED.ports.workflow.client.meta"],
    "plan": ["DEPLOYED.ports.state.client.meta"],
    "sweep": ["DEPLOYED.ports"],
    "watch": ["DEPLOYED.ports.bus.client.meta"],
}
"""Container attributes that a function's usual first invocation uses: `meta` makes the client. All use the table.

Copying small clips and reading manifests needs no botocore client for S3.
"""

_IMPORT = "import time; import lambdas.{name}; imported = time.process_time() * 1000"
_READY = (
    "from service.aws.dynamodb.connection import connection; connection().client; ready = time.process_time() * 1000"
)
_EXAMPLES: dict[object, str] = {str: "example", int: "8", bool: "False", tuple[str, ...]: "example"}


def started_ms(name: str) -> tuple[float, float]:
    """Return the CPU milliseconds of the import, and of everything until it is ready."""
    asked = [f"import lambdas.{name} as function", *(f"function.{one}" for one in READY[name])]
    script = "; ".join([_IMPORT.format(name=name), *asked, _READY, "print(imported, ready)"])
    said = subprocess.run(
        [sys.executable, "-c", script], env=_environment(), check=True, capture_output=True, text=True
    ).stdout
    imported, ready = said.split()
    return float(imported), float(ready)


def _environment() -> dict[str, str]:
    """Return all functions' settings; their values do not matter here."""
    kinds = (
        kind
        for kind in vars(service.support.settings).values()
        if isinstance(kind, type) and issubclass(kind, Settings)
    )
    needed = {ENV_PREFIX + field.name.upper(): _EXAMPLES[field.type] for kind in kinds for field in fields(kind)}
    aws = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "example", "AWS_SECRET_ACCESS_KEY": "example"}
    choices = {"DEFAULT_ON_EXISTING": "overwrite", "DEFAULT_CONTENT_VALIDATION": "none"}
    chosen = {ENV_PREFIX + name: value for name, value in choices.items()}
    return os.environ | needed | chosen | aws


def measured(rounds: int) -> dict[str, object]:
    runs = {name: [started_ms(name) for _ in range(rounds + 1)] for name in BUDGETS_MS}
    imported = {name: round(min(first for first, _ in each)) for name, each in runs.items()}
    ready = {name: round(min(last for _, last in each)) for name, each in runs.items()}
    kept = {name: imported[name] <= budget for name, budget in BUDGETS_MS.items()}
    return {"cpu_ms": imported, "ready_cpu_ms": ready, "budget_ms": BUDGETS_MS, "within_budget": kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measured(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
