"""`clipferry health` and `clipferry deployment`."""

import json

from clipferry.cli import exits
from lambdas.examples.answers import ANSWERS
from tests.unit.client.conftest import Run
from tests.unit.client.service import refusal

HEALTH = ANSWERS["GET /v1/health"]
DEPLOYMENT = ANSWERS["GET /v1/deployment"]
ALARMS = ANSWERS["GET /v1/deployment/health"]


def test_the_health_of_the_project_is_counted_by_status(run: Run) -> None:
    found = run("health", HEALTH)
    assert dict(line.split("\t") for line in found.stdout.splitlines()) == {
        "running": "1 PLANNING, 2 COPYING",
        "pending clips": "6,100",
        "slots": "12 of 400 held, 0 waiting",
        "last 24 hours": "14 COMPLETED, 1 COMPLETED_WITH_ERRORS",
        "failed webhooks": "0",
        "watches": "3 ACTIVE",
    }
    assert (found.stderr, found.service.asked) == ("", [("GET", "/v1/health")])
    assert json.loads(run("health --json", HEALTH).stdout) == HEALTH
    assert "at least" in run("health", HEALTH | {"complete": False}).stderr


def test_the_settings_of_the_deployment_are_all_shown(run: Run) -> None:
    shown = dict(line.split("\t") for line in run("deployment show", DEPLOYMENT).stdout.splitlines())
    assert set(shown) == set(DEPLOYMENT)
    assert (shown["max_clips_per_import"], shown["source_buckets"]) == ("1,000,000", "my-clips")
    assert (shown["cors_origins"], shown["allow_private_urls"]) == ("none", "no")


def test_alarms_that_fire_are_listed_with_what_to_do(run: Run) -> None:
    quiet = run("deployment health", ALARMS)
    assert "alarms\t0 of 1 in state ALARM" in quiet.stdout
    assert "projects\tperception: 12 held, 0 waiting" in quiet.stdout
    full = ALARMS | {"queues": [{"name": "Stack-Uploads", "waiting": 3, "in_flight": 1}] * 2}
    shown = run("deployment health", full).stdout
    assert "queues\t6 waiting, 2 in flight" in shown
    assert shown.splitlines()[-1] == "Stack-Uploads\t3\t1"
    firing = ALARMS | {"alarms": [ALARMS["alarms"][0] | {"state": "ALARM"}]}
    assert run("deployment health", firing).stdout.splitlines()[-1].endswith("See docs/runbook.md, UploadDlq.")
    assert json.loads(run("deployment health -o json", firing).stdout) == firing
    assert len(run("deployment health -o csv", firing).stdout.splitlines()) == 2


def test_a_project_key_sees_no_health_of_the_deployment(run: Run) -> None:
    found = run("deployment health", refusal(403, "FORBIDDEN", "only the admin key may do this"))
    assert found.exit_code == exits.NO_ACCESS
    assert "`clipferry keys current` describes the key" in found.stderr
