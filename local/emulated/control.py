"""Paths of the emulator that tests use: limits, failures and processes of functions, the enforcement of roles.

| path | does |
|---|---|
| `GET /_clipferry/raised` | `{"raised": […]}`: every failed call of a function, in order |
| `GET`, `POST /_clipferry/limits` | read the limits; change those that the body names; 400 for unknown ones |
| `POST /_clipferry/roles` | from now on every call is checked against the caller's policies; all processes start anew |
| `POST /_clipferry/ways-in` | `{"path"}` of a link that signs a browser's tab in once, for a body of `key` and `url` |
| `GET /_clipferry/enter/{code}` | that link |
| `GET /_clipferry/processes` | `{"processes": [{"function", "pid", "busy"}]}` of the functions |
| `GET /_clipferry/roles` | `{"enforced", "checks", "needed"}`, by role |

`checks` has `{"role", "action", "allowed", "times", "last"}`; `needed` has `{"role", "action", "resources"}` of each
statement without which some allowed call would have been refused.
"""

import asyncio
import json
from typing import Any

from local.emulated.entrance import WaysIn
from local.emulated.exceptions import Raised
from local.emulated.limits import Limits
from local.emulated.roles import Checks
from local.emulated.workers import processes

_JSON = {"Content-Type": "application/json"}


def listen(app: Any, runtime: Any, limits: Limits, raised: Raised, checks: Checks) -> None:
    """Answer these paths before the emulator looks for a service."""
    others = app._handle_admin_config_request
    ways = WaysIn()

    async def handle(path: str, method: str, body: bytes) -> Any:
        if path == "/_clipferry/raised" and method == "GET":
            return _answer({"raised": raised.all()})
        if path == "/_clipferry/processes" and method == "GET":
            return _answer({"processes": processes(runtime)})
        if path == "/_clipferry/limits" and method in ("GET", "POST"):
            try:
                limits.change(json.loads(body) if method == "POST" else {})
            except (ValueError, AttributeError) as error:
                return _answer({"message": str(error)}, 400)
            return _answer(limits.as_dict())
        if path == "/_clipferry/ways-in" and method == "POST":
            try:
                asked = json.loads(body)
                return _answer({"path": ways.add(asked["key"], asked["url"])})
            except (ValueError, KeyError, TypeError) as error:
                return _answer({"message": str(error)}, 400)
        if path.startswith("/_clipferry/enter/") and method == "GET":
            status, kind, text = ways.enter(path.rpartition("/")[2])
            return status, {"Content-Type": kind, "Cache-Control": "no-store"}, text.encode()
        if path == "/_clipferry/roles" and method in ("GET", "POST"):
            if method == "POST" and not app.AUTH:
                app.AUTH = True
                # A process gets its role's credentials when it starts; until now it got the account's.
                await asyncio.to_thread(runtime.reset)
            return _answer({"enforced": app.AUTH, "checks": checks.all(), "needed": checks.needed()})
        return await others(path, method, body)

    app._handle_admin_config_request = handle


def _answer(content: dict[str, Any], status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, dict(_JSON), json.dumps(content).encode()
