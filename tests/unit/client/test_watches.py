"""Watches in the SDK and on the command line."""

import json
from typing import Any

import pytest

from tests.unit.client.conftest import Run
from tests.unit.client.service import FakeService, counts, job, page


def watch(**given: Any) -> dict[str, Any]:
    return {
        "id": "wa_1",
        "name": "fleet",
        "root_path": "s3://clips/p/",
        "status": "ACTIVE",
        "schedule": {"cron": None, "time_zone": "UTC", "every": "15m"},
        "events": False,
        "events_setup": None,
        "paused": False,
        "failure": None,
        "next_run_at": "2026-01-01T00:15:00.000Z",
        "last_run": "ij_1",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "runs": [
            {
                "id": "ij_1",
                "cause": "first",
                "status": "COMPLETED",
                "created_at": "2026-01-01T00:00:00.000Z",
                "completed_at": "2026-01-01T00:01:00.000Z",
                "counts": counts(copied=2),
                "code": None,
                "message": None,
            }
        ],
        "lag_seconds": None,
        "complete_until": "2026-01-01T00:00:00.000Z",
        "missed_by_events": None,
    } | given


def test_the_sdk_makes_reads_changes_runs_and_deletes_watches() -> None:
    service = FakeService(*[watch()] * 6, {"ok": True, "checks": []}, page("watches", [watch()]), {})
    with service.client() as client:
        made = client.watches.create(name="fleet", root_path="s3://clips/p/", schedule={"every": "15m"})
        assert made.runs[0].counts.copied == 2
        assert client.watches.get("wa_1").schedule == made.schedule
        client.watches.change("wa_1", schedule=None, events=True)
        client.watches.pause("wa_1")
        client.watches.resume("wa_1")
        assert client.watches.run("wa_1").last_run == "ij_1"
        assert client.watches.test("wa_1").ok
        assert [one.id for one in client.watches.list()] == ["wa_1"]
        client.watches.delete("wa_1")
    assert service.requests[0].headers["Idempotency-Key"]
    assert service.body(2) == {"schedule": None, "events": True}
    assert [service.body(3), service.body(4)] == [{"paused": True}, {"paused": False}]
    assert [method for method, _ in service.asked] == [
        *("POST", "GET", "PATCH", "PATCH", "PATCH", "POST", "POST", "GET", "DELETE"),
    ]


def test_a_watch_is_added_and_shown_with_its_runs(run: Run) -> None:
    options = "--time-zone Europe/Berlin --events --include *.zip --label a --folder night"
    ran = run(
        ["watches", "add", "s3://clips/p/", "--name", "fleet", "--cron", "0 2 * * *", *options.split()],
        watch(events=True, events_setup="Switch EventBridge on."),
    )
    assert ran.exit_code == 0, ran.output
    assert ran.service.body() == {
        "root_path": "s3://clips/p/",
        "name": "fleet",
        "schedule": {"cron": "0 2 * * *", "time_zone": "Europe/Berlin"},
        "events": True,
        "filters": {"include": ["*.zip"]},
        "folder": "night",
        "labels": ["a"],
    }
    assert "every 15m, events" in ran.stdout
    assert "2 copied" in ran.stdout
    assert "Switch EventBridge on." in ran.stderr


def test_for_programs_a_watch_is_one_id_or_one_line(run: Run) -> None:
    assert run("watches show wa_1 -q", watch()).stdout == "wa_1\n"
    for form in ("csv", "tsv"):
        header, line = run(f"watches show wa_1 -o {form}", watch()).stdout.splitlines()
        assert (header[:5], line[:4]) == ("watch", "wa_1")


@pytest.mark.parametrize("options", ["--cron x --every 1m", "--time-zone UTC", "--settings - --preset es_1"])
def test_options_that_exclude_each_other_are_wrong_usage(run: Run, options: str) -> None:
    assert run(f"watches add s3://clips/p/ --name n {options}").exit_code == 2


def test_a_watch_needs_a_schedule_or_events(run: Run) -> None:
    found = run("watches add s3://clips/p/ --name n")
    assert (found.exit_code, "--every" in found.stderr, found.service.asked) == (2, True, [])


def test_a_change_names_what_changes(run: Run) -> None:
    assert run("watches change wa_1").exit_code == 2
    ran = run("watches change wa_1 --name new --no-events", watch())
    assert ran.exit_code == 0, ran.output
    assert ran.service.body() == {"name": "new", "events": False}


def test_a_failing_watch_says_why_and_a_failed_test_is_an_exit_code(run: Run) -> None:
    failure = {"code": "CANNOT_ACCESS", "message": "no", "since": "2026-01-01T00:00:00.000Z", "attempts": 2}
    ran = run("watches show wa_1", watch(status="FAILING", failure=failure))
    assert "no (CANNOT_ACCESS), since 2026-01-01T00:00:00.000Z" in ran.stdout
    check = {"action": "events", "ok": False, "code": "EVENTS_OFF", "message": "off"}
    ran = run("watches test wa_1 --json", {"ok": False, "checks": [check]})
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["checks"] == [check]


def test_a_run_says_how_many_clips_it_left_because_they_failed_before(run: Run) -> None:
    shown = watch()
    shown["runs"][0] |= {"counts": counts(skipped=3), "failed_before": 2}
    assert "0 copied, 3 skipped (2 failed before)" in run("watches show wa_1", shown).stdout
    assert "failed before\t2" in run("imports show ij_1", job(failed_before=2)).stdout


def test_a_change_can_remove_what_a_watch_has(run: Run) -> None:
    ran = run("watches change wa_1 --events --clear schedule --clear labels --clear preset", watch())
    assert ran.service.body() == {"events": True, "schedule": None, "labels": [], "execution_settings_id": None}
    assert run("watches change wa_1 --clear filters --clear folder", watch()).service.body() == {
        "filters": None,
        "folder": None,
    }
    ran = run("watches change wa_1 --integration in_2", watch())
    assert ran.service.body() == {"integration_id": "in_2"}
    assert run("watches change wa_1 --clear integration", watch()).service.body() == {"integration_id": None}
    assert run("watches change wa_1 --clear schedule --every 1h").exit_code == 2
    assert run("watches change wa_1 --clear name").exit_code == 2


WEBHOOK: dict[str, Any] = {
    "event_id": "wa_1-2026-01-01T00:00:00.000Z-failing",
    "type": "clipferry.watch.failing",
    "at": "2026-01-01T00:00:00.000Z",
    "status": "FAILED",
    "attempts": 8,
    "last_status_code": 503,
    "last_error": "the receiver answered 503",
    "last_attempt_at": "2026-01-01T03:00:00.000Z",
    "delivered_at": None,
    "next_attempt_at": None,
}


def test_webhooks_of_a_watch_are_shown_and_sent_again(run: Run) -> None:
    ran = run("watches show wa_1", watch(webhooks=[WEBHOOK]), asked=True)
    assert "the receiver answered 503" in ran.stdout
    assert WEBHOOK["event_id"] in ran.stdout
    for options, body in (("", {}), (f" --event {WEBHOOK['event_id']}", {"event_id": WEBHOOK["event_id"]})):
        ran = run(f"webhooks replay wa_1{options}", watch())
        assert ran.service.asked == [("POST", "/v1/watches/wa_1/webhook/replay")]
        assert ran.service.body() == body
        assert ran.stdout == "the webhook of watch wa_1 is sent again within a minute\n"
