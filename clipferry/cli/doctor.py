"""`clipferry doctor`"""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.hints import what_next
from clipferry.cli.verbs import verb
from clipferry.decode import Model
from clipferry.errors import ApiError, ClipferryError
from clipferry.version import VERSION

MAX_SKEW_SECONDS = 60.0
"""Larger differences of the clocks make links of minutes and `--after` misleading. A `Date` has whole seconds."""
_REGION = re.compile(r"[.]execute-api[.]([a-z0-9-]+)[.]amazonaws[.]com")


@dataclass(frozen=True)
class Check:
    """One check and its result. `code` is the exit code if it is not `ok`."""

    name: str
    ok: bool
    found: str
    remedy: str | None = None
    code: int = exits.REFUSED


@verb()
def doctor(app: App) -> None:
    """Check the service, the key, the clock and the version, and say what to do about each."""
    checks = _printed(app, _checks(app))
    if app.out.form not in (None, "table"):
        app.out.rows(Model, map(_row, checks), {name: name for name in ("check", "ok", "found", "remedy")})
    raise SystemExit(next((check.code for check in checks if not check.ok), exits.OK))


def _printed(app: App, checks: Iterator[Check]) -> list[Check]:
    """Print each check when it is done, if the format is for people."""
    done = []
    marks = ("ok", "failed") if app.out.console.options.ascii_only else ("\u2713", "\u2717")
    for check in checks:
        done.append(check)
        app.out.say(f"{marks[not check.ok]} {check.name}: {check.found}", "green" if check.ok else "red")
        if check.remedy:
            app.out.say(f"  {check.remedy}")
    return done


def _row(check: Check) -> Model:
    return Model(raw={"check": check.name, "ok": check.ok, "found": check.found, "remedy": check.remedy})


def _checks(app: App) -> Iterator[Check]:
    yield Check("client", True, f"clipferry {VERSION}, Python {platform.python_version()}")
    try:
        where = app.client.where
    except ClipferryError as error:
        yield _failed(app, "profile", error)
        return
    yield Check("profile", True, where.base_url)
    region = _REGION.search(urlsplit(where.base_url).hostname or "")
    yield Check("region", True, region[1] if region else "not in the URL")
    try:
        caller = app.client.keys.current()
    except ApiError as error:
        if not error.code:
            yield _failed(app, "service", error)
            return
        yield Check("service", True, f"it answers with status {error.status}")
        yield _failed(app, "key", error)
        yield _clock(app)
        return
    except ClipferryError as error:
        yield _failed(app, "service", error)
        return
    yield Check("service", True, "it answers")
    whose = f"{caller.id} of project {caller.project}" if caller.project else "the admin key, which imports nothing"
    yield Check("key", True, whose)
    yield _clock(app)
    if caller.project is None:
        return
    try:
        newest = next(app.client.imports.list(limit=1), None)
    except ClipferryError as error:
        yield _failed(app, "imports", error)
        return
    yield Check("imports", True, f"the newest is {newest.id}" if newest else "there are none yet")


def _clock(app: App) -> Check:
    skew = app.client.clock_skew
    if skew is None:
        return Check("clock", True, "the service named no time to compare with")
    ahead = f"{abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} the service's"
    if abs(skew) > MAX_SKEW_SECONDS:
        return Check("clock", False, ahead, "set this machine's clock, or let it follow a time server (NTP)")
    return Check("clock", True, ahead)


def _failed(app: App, name: str, error: ClipferryError) -> Check:
    said = error.message if isinstance(error, ApiError) else str(error)
    return Check(name, False, said, what_next(error, app.context, app.base_url), exits.exit_code(error))
