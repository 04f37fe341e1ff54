"""The command line: errors, exit codes, progress and options."""

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from clipferry import ClipferryError, ConfigError, ConnectionFailed, Import, UnexpectedAnswer, WaitTimeout, models
from clipferry.cli import exits, values
from clipferry.cli.display import FAILURES, LiveDisplay, counted, pace
from clipferry.cli.output import Output
from clipferry.cli.text import clean, duration, size
from clipferry.decode import decode
from clipferry.errors import kind_of
from tests.unit.client.conftest import Run
from tests.unit.client.service import clip, counts, job, page, refusal


def answered(status: int, code: str) -> ClipferryError:
    return kind_of(status)(status=status, code=code, message="no")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 3),
        (answered(401, "UNAUTHORIZED"), 3),
        (answered(403, "FORBIDDEN"), 3),
        (answered(403, "CANNOT_ACCESS"), 1),
        (answered(404, "NOT_FOUND"), 1),
        (answered(429, "THROTTLED"), 6),
        (answered(500, "INTERNAL"), 6),
        (ConnectionFailed("x"), 6),
        (UnexpectedAnswer("x"), 1),
        (WaitTimeout(decode(Import, job("COPYING")), 3), 5),
    ],
)
def test_each_error_has_its_exit_code(error: ClipferryError, code: int) -> None:
    assert exits.exit_code(error) == code


def test_an_unreadable_prefix_is_an_error_with_a_hint(run: Run) -> None:
    found = run("import --prefix s3://no/", refusal(403, "CANNOT_ACCESS", "bucket no cannot be read"))
    assert (found.exit_code, found.stdout) == (1, "")
    first, second = found.stderr.splitlines()
    assert first == "error: bucket no cannot be read (CANNOT_ACCESS, request request-1)"
    assert second.startswith("next:  ")


def test_json_errors_go_to_stderr(run: Run) -> None:
    found = run("status ij_1 --json", refusal(404, "NOT_FOUND", "none"))
    assert found.stdout == ""
    error = json.loads(found.stderr)["error"]
    assert (error["code"], error["message"], error["status"]) == ("NOT_FOUND", "none", 404)


def test_json_keeps_unknown_fields(run: Run) -> None:
    answer = job() | {"newer": 1}
    assert json.loads(run("status ij_1 --json", answer).stdout) == answer


def test_a_pipe_gets_tab_separated_rows_without_a_header(run: Run) -> None:
    rows = page("clips", [clip(0, content="valid"), clip(1, "FAILED", code="NOT_FOUND", message="none\nat all")])
    found = run("clips ij_1", rows)
    assert found.stdout == (
        "ij_1-0\tCOPIED\ts3://clips/0.zip\t\t\tvalid\nij_1-1\tFAILED\ts3://clips/1.zip\tNOT_FOUND\tnone\\nat all\t\n"
    )


def test_watch_prints_changes_failures_and_the_end(run: Run) -> None:
    broken = clip(1, "FAILED", code="NOT_FOUND", message="no such object")
    failed = counts(copied=1, failed=1, bytes=5)
    found = run(
        "status ij_1 --watch",
        job("PENDING", counts=counts()),
        job("PENDING", counts=counts()),
        job("COPYING", counts=counts(pending=2), rate={"clips": 2.0, "bytes": 1e6}, eta_seconds=61),
        job("COMPLETED_WITH_ERRORS", counts=failed, code="CLIPS_FAILED", message="1 of 2 clips failed"),
        page("clips", [broken]),
    )
    assert found.exit_code == exits.NOT_ALL_LANDED
    assert found.stdout.splitlines() == [
        "PENDING",
        "COPYING 0/2: 0 copied, 2 pending (2.0 clips/s, 1.0 MB/s, 1:01 left)",
        "FAILED s3://clips/1.zip: NOT_FOUND: no such object",
        "COMPLETED_WITH_ERRORS after 1:10: 1 copied, 1 failed, 5 bytes",
        "1 of 2 clips failed (CLIPS_FAILED)",
    ]


RESTORES = {
    "requested": 40,
    "waiting": 12,
    "tier": "bulk",
    "hours": 48,
    "until": "2026-01-03T12:00:00.000Z",
    "next_look": "2026-01-01T02:00:00.000Z",
}


def test_watch_and_status_say_how_far_restores_are(run: Run) -> None:
    waits = job("COPYING", counts=counts(pending=12, copied=28), restores=RESTORES)
    found = run("status ij_1 --watch", waits, waits, job(counts=counts(copied=40), restores=RESTORES | {"waiting": 0}))
    said = "12 of 40 clips wait for their restore (bulk: up to 48 h)"
    assert found.stdout.splitlines()[0] == f"COPYING 28/40: 28 copied, 12 pending, {said}"
    assert said in run("status ij_1", waits).stdout
    assert "restore" not in run("status ij_1", job(restores=RESTORES)).stdout


def test_watch_reads_failed_clips_once(run: Run) -> None:
    one = job("COPYING", counts=counts(pending=1, failed=1))
    broken = page("clips", [clip(1, "FAILED", code="C", message="m")])
    found = run("status ij_1 --watch", one, one, broken, one, one, job())
    assert found.exit_code == 0
    assert len([path for _, path in found.service.asked if "clips" in path]) == 1


def test_ctrl_c_stops_watching_and_leaves_the_import_running(run: Run) -> None:
    def interrupt(_request: object) -> None:
        raise KeyboardInterrupt

    found = run("status ij_1 --watch", job("COPYING"), interrupt)
    assert found.exit_code == exits.INTERRUPTED
    assert "clipferry status ij_1 --watch" in found.stderr
    assert "clipferry cancel ij_1" in found.stderr
    assert {method for method, _ in found.service.asked} == {"GET"}


def test_ctrl_c_during_a_request_explains_how_to_repeat_it(run: Run) -> None:
    def interrupt(_request: object) -> None:
        raise KeyboardInterrupt

    found = run("import --prefix s3://a/", interrupt)
    assert (found.exit_code, "`clipferry imports list` shows it" in found.stderr) == (exits.INTERRUPTED, True)
    key = found.service.requests[0].headers["idempotency-key"]
    assert f"--idempotency-key {key}" in found.stderr


def test_a_lost_answer_as_json_has_the_key_to_repeat_the_request(run: Run) -> None:
    found = run("import --prefix s3://a/ --json", refusal(503, ""))
    key = found.service.requests[0].headers["idempotency-key"]
    assert json.loads(found.stderr)["error"].items() >= {"status": 503, "idempotency_key": key}.items()
    found = run("import --prefix s3://a/ --json", refusal(422, "INVALID_REQUEST"))
    assert "idempotency_key" not in json.loads(found.stderr)["error"]


def test_an_impossible_id_is_refused_before_a_request(run: Run) -> None:
    found = run("status ..")
    assert (found.exit_code, found.stderr) == (1, "error: '..' is not an id\n")


def test_losing_the_service_while_watching_is_unavailable(run: Run) -> None:
    found = run("status ij_1 --watch", job("COPYING"), refusal(503, ""))
    assert found.exit_code == exits.UNAVAILABLE
    assert "The import ij_1 goes on" in found.stderr
    found = run("status ij_1 --watch --json", job("COPYING"), refusal(503, ""))
    assert json.loads(found.stderr)["error"]["status"] == 503


def test_the_live_display_shows_bar_counts_speed_and_failures() -> None:
    out = Output()
    out.console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    display = LiveDisplay(out)
    rate = {"clips": 1250.0, "bytes": 48.2e6}
    one = job("COPYING", counts=counts(pending=7_600, copied=12_390, failed=10, bytes=10**9), rate=rate, eta_seconds=48)
    broken = [clip(n, "FAILED", code="NOT_FOUND", source_uri=f"s3://clips/{'x' * 60}/{n}.zip") for n in range(8)]
    display.update(decode(Import, one), [decode(models.Clip, row) for row in broken])
    out.console.print(display.render())
    lines = out.console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("COPYING")
    assert "━" in lines[0]
    assert lines[0].rstrip().endswith("12,400/20,000  62%")
    assert lines[1] == "12,390 copied, 10 failed, 7,600 pending, 1.0 GB"
    assert lines[2] == "1,250.0 clips/s, 48.2 MB/s, 0:48 left"
    assert lines[3] == "last failures"
    assert len(lines) == 4 + FAILURES
    assert re.fullmatch(r"  NOT_FOUND  s3://clips/x+…x+/7\.zip", lines[-1])
    assert len(lines[-1]) < 60


def test_control_characters_are_escaped() -> None:
    assert clean("a\x1b[2J\u202eb\nü") == "a\\x1b[2J\\u202eb\\nü"


def test_sizes_durations_and_counts_are_formatted() -> None:
    assert [size(n) for n in (0, 999, 1_000, 48_200_000, 3.2e13)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "48.2 MB",
        "32.0 TB",
    ]
    assert [duration(n) for n in (5, 65, 3_725)] == ["0:05", "1:05", "1:02:05"]
    assert counted(decode(models.Counts, counts(copied=1_000, pending=2))) == "1,000 copied, 2 pending"
    assert pace(decode(Import, job(rate={"clips": 1.0, "bytes": 1.0}, eta_seconds=0))) == ""


@pytest.mark.parametrize(("text", "bytes_"), [("500", 500), ("10MB", 10**7), ("1.5 GiB", 1_610_612_736), ("2k", 2_000)])
def test_sizes_are_parsed(text: str, bytes_: int) -> None:
    assert values.size(text) == bytes_


def test_options_override_the_settings_file(run: Run, tmp_path: Any) -> None:
    (tmp_path / "s.json").write_text(
        '{"on_existing": "fail", "keep_tags": false, "notify": {"event": false}, "restore": {"days": 9}}'
    )
    options = f"--settings {tmp_path / 's.json'} --on-existing skip --webhook https://hook.example/"
    options += " --stationary-extrapolation --archived restore --restore-tier standard"
    found = run(f"import --prefix s3://a/ {options} --tolerate 5% --exclude *.txt --min-size 1kB --no-preflight", job())
    assert found.exit_code == 0, found.output
    assert found.service.body() == {
        "root_path": "s3://a/",
        "filters": {"exclude": ["*.txt"], "min_size": 1_000},
        "settings": {
            "on_existing": "skip",
            "keep_tags": False,
            "notify": {"event": False, "webhook_url": "https://hook.example/"},
            "tolerated_failures": {"percent": 5.0},
            "archived": "restore",
            "restore": {"days": 9, "tier": "standard"},
        },
        "stationary_extrapolation": True,
        "validate": False,
    }


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        ("add gcs --name n --bucket b", None, "--credentials FILE"),
        ("add s3 --name n --bucket b --credentials -", '{"secret": "s3cr3t"}', "has secret; the fields of s3"),
        ("add s3 --name n --bucket b --credentials -", "s3cr3t", "not valid JSON"),
        ("add s3 --name n --bucket b --role-arn a", None, "--role-arn belongs to s3_role"),
        ("add s3 --name n --bucket b --credentials none.json", None, "cannot read"),
    ],
)
def test_wrong_credentials_are_usage_errors_without_secrets(
    run: Run, arguments: str, stdin: str | None, said: str
) -> None:
    found = run(f"integrations {arguments}", stdin=stdin)
    assert (found.exit_code, said in found.stderr, "s3cr3t" in found.output) == (2, True, False), found.output


def test_a_retry_overrules_failed_checks(run: Run) -> None:
    found = run("retry ij_1 --content-validation none", job("PENDING", run=1))
    assert (found.exit_code, found.service.body(0)) == (0, {"content_validation": "none"})
    assert run("retry ij_1 --content-validation all").exit_code == 2


def test_a_retry_takes_codes_or_clips(run: Run) -> None:
    found = run("retry ij_1 --code NOT_FOUND --code CHANGED", job("PENDING", run=1))
    assert (found.exit_code, found.service.body(0)) == (0, {"codes": ["NOT_FOUND", "CHANGED"]})
    both = run("retry ij_1 --code NOT_FOUND --clip ij_1-0")
    assert (both.exit_code, "--code" in both.stderr) == (2, True)
