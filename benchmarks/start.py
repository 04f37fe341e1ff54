"""How long each function takes to be imported, cold, and made ready where that needs no request.

`python -m benchmarks.start --rounds 5` prints one JSON line: CPU milliseconds by function, the least of the rounds (the
first one only warms the files' cache), and whether the copy function keeps its budget. CPU time is that of a full core;
Lambda gives one from 1,769 MB of memory on.
"""

import argparse
import json
import os
import subprocess
import sys

HANDLERS = ("api", "authorize", "conclude", "copy", "extrapolate", "finish", "on_upload", "plan", "sweep")
COPY_BUDGET_MS = 300
_MEASURE = "import time; import lambdas.{name}; print(time.process_time() * 1000)"


def import_ms(name: str) -> float:
    environment = os.environ | {"POWERTOOLS_TRACE_DISABLED": "1", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-c", _MEASURE.format(name=name)]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def measured(rounds: int) -> dict[str, object]:
    least = {name: round(min(import_ms(name) for _ in range(rounds + 1))) for name in HANDLERS}
    return {"cpu_ms": least, "copy_budget_ms": COPY_BUDGET_MS, "copy_within_budget": least["copy"] <= COPY_BUDGET_MS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measured(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
