"""The fault-injecting proxy (microburst) between the functions and the emulator.

Its rules file is YAML in microburst's own format: a list of rules, or a mapping with `rules`. The proxy starts without
rules, so that a deployment is never disturbed; `set_rules` loads them.
"""

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from local import emulator, process
from local.config import EMULATOR_PYTHON, ROOT, StateDir, clean_environment
from local.process import HOST, Server, ServerError

HEALTH = "/_microburst/health"
_PACKAGE = "microburst"
_PROGRAM = ROOT / "local" / "faultproxy.py"
_READ_RULES = """
import json, sys
from microburst.app import load_config
from microburst.rules import from_dict

rule = None
try:
    loaded = load_config(sys.argv[1])
    rules = loaded.get("rules") if isinstance(loaded, dict) else loaded
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        sys.exit("neither a list of rules nor a mapping with the list `rules`")
    for rule in rules:
        from_dict(rule)
except Exception as error:
    text = " ".join(str(error).split())
    sys.exit((f"rule {json.dumps(rule, default=str)}: " if rule else "") + f"{type(error).__name__}: {text}")
print(json.dumps(rules, default=str))
"""


def read_rules(path: Path) -> list[dict[str, Any]]:
    """Read a rules file and check each rule. Raises `ServerError` that names the file and the rule."""
    if emulator.installed(_PACKAGE) == "none":
        raise ServerError("the emulator's environment has no microburst; run `make setup`")
    if not path.is_file():
        raise ServerError(f"{path}: there is no such rules file")
    command: list[str | Path] = [EMULATOR_PYTHON, "-P", "-c", _READ_RULES, path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or ["cannot be read"]
        raise ServerError(f"{path}: {said[-1]}")
    rules: list[dict[str, Any]] = json.loads(answer.stdout)
    return rules


def start(state: StateDir, upstream: str, port: int) -> Server:
    """Start the proxy to the emulator at `upstream`, without rules. Raises `ServerError`."""
    process.check_port(port)
    return process.start(
        [EMULATOR_PYTHON, "-P", _PROGRAM, "--upstream", upstream, "--host", HOST, "--port", str(port)],
        port=port,
        health=HEALTH,
        record=state.faults_file,
        log=state.faults_log,
        env={name: value for name, value in clean_environment(os.environ).items() if not name.startswith("PYTHON")},
    )


def end_leftover(state: StateDir) -> bool:
    """End this state folder's proxy. True if one was running."""
    leftover = process.recorded(state.faults_file, lambda line: str(_PROGRAM) in line)
    if leftover is not None:
        process.stop(leftover, state.faults_file)
    return leftover is not None


def set_rules(url: str, rules: list[dict[str, Any]]) -> None:
    """Replace all rules of the proxy at `url`."""
    _ask(url, "rules", rules)


def counts(url: str) -> list[int]:
    """How often each rule was applied since `set_rules`, in their order."""
    return [rule["fired_count"] for rule in _ask(url, "rules")]


def fired(url: str) -> list[dict[str, Any]]:
    """The faults that the proxy injected last, oldest first (as many as it keeps)."""
    answer: list[dict[str, Any]] = _ask(url, "fired?limit=100000")
    return answer


def _ask(url: str, path: str, body: object = None) -> Any:
    """GET, or POST where there is a body; the JSON answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_microburst/{path}", data=data)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read())
