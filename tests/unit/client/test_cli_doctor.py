"""`clipferry doctor`, and `import --dry-run`."""

import json
import time
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from clipferry.cli.main import cli
from clipferry.errors import ConfigError
from tests.unit.client.conftest import Ran, Run
from tests.unit.client.service import job, page, refusal
from tests.unit.client.test_cli_hints import previewed

CALLER = {"id": "key_1", "project": "demo"}


def dated(body: dict[str, Any], skew: float = 0) -> httpx.Response:
    return httpx.Response(200, json=body, headers={"Date": formatdate(time.time() - skew, usegmt=True)})


def checks(ran: Ran) -> dict[str, tuple[bool, str | None]]:
    """Return whether each check is fine, and its remedy."""
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    return {one["check"]: (one["ok"], one["remedy"]) for one in found}


def test_all_is_well(run: Run) -> None:
    ran = run("doctor", dated(CALLER), page("imports", [job()]))
    assert (ran.exit_code, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert [line.split()[1] for line in lines] == [
        "client:",
        "profile:",
        "region:",
        "service:",
        "key:",
        "clock:",
        "imports:",
    ]
    assert {line[0] for line in lines} == {"✓"}
    assert "key_1 of project demo" in ran.stdout


@pytest.mark.parametrize(("skew", "side"), [(120, "ahead of"), (-120, "behind")])
def test_a_wrong_clock_is_found(run: Run, skew: float, side: str) -> None:
    ran = run("doctor --json", dated(CALLER, skew), page("imports", []))
    assert ran.exit_code == 1
    ok, remedy = checks(ran)["clock"]
    assert (ok, "NTP" in (remedy or ""), side in ran.stdout) == (False, True, True)


@pytest.mark.parametrize(
    ("answer", "check", "code"),
    [
        (refusal(401, "UNAUTHORIZED"), "key", 3),
        (refusal(500, "INTERNAL"), "key", 6),
        (httpx.ConnectError("refused"), "service", 6),
    ],
)
def test_what_fails_has_a_remedy_and_its_exit_code(
    run: Run, answer: httpx.Response | Exception, check: str, code: int
) -> None:
    ran = run("doctor --json", answer)
    assert ran.exit_code == code
    ok, remedy = checks(ran)[check]
    assert (ok, bool(remedy)) == (False, True)


def test_without_a_profile_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_options: object) -> None:
        raise ConfigError("no service is known: run `clipferry login`")

    monkeypatch.setattr("clipferry.cli.app.Clipferry", none)
    ran = CliRunner().invoke(cli, ["doctor"])
    assert ran.exit_code == 3
    assert ran.stdout.splitlines()[1:] == ["✗ profile: no service is known: run `clipferry login`"]


def test_programs_get_one_document_or_one_line_for_each_check(run: Run) -> None:
    def answers() -> tuple[httpx.Response, ...]:
        return dated(CALLER), page("imports", [job()])

    names = ["client", "profile", "region", "service", "key", "clock", "imports"]
    assert [one["check"] for one in json.loads(run("doctor -o json", *answers()).stdout)] == names
    header, *rows = run("doctor -o csv", *answers()).stdout.splitlines()
    assert (header, [row.partition(",")[0] for row in rows]) == ("check,ok,found,remedy", names)
    assert run("doctor -q", *answers()).output == ""


def test_the_admin_key_lists_no_imports(run: Run) -> None:
    ran = run("doctor --json", dated({"id": "admin", "project": None}))
    assert ran.exit_code == 0
    assert "imports" not in checks(ran)


def test_a_dry_run_of_an_import_is_its_preview(run: Run) -> None:
    arguments = "s3://clips/a.zip --folder f"
    dry = run(f"import {arguments} --dry-run", previewed(3))
    shown = run(f"preview {arguments}", previewed(3))
    assert dry.service.asked == shown.service.asked == [("POST", "/v1/previews")]
    assert dry.service.body() == shown.service.body()
    assert (dry.exit_code, dry.stdout) == (0, shown.stdout)


def test_a_preview_says_what_restores_cost_and_take(run: Run) -> None:
    total = {"count": 2, "bytes": 10}
    restores = {
        "by_archive": {"GLACIER": total, "DEEP_ARCHIVE": total},
        "restore": {"bulk": 1.5},
        "tier": "bulk",
        "hours": 48,
    }
    found = previewed(5)
    shown = run("preview --prefix s3://clips/", found | {"outcome": found["outcome"] | {"archived": restores}})
    assert "4 (bulk: $1.5000, up to 48 h)" in shown.stdout
    assert "restore" not in run("preview --prefix s3://clips/", found).stdout
