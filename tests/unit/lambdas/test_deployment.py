"""`/v1/deployment` and `/v1/health`: what the deployment is set to, and how it is."""

from lambdas.schemas.deployment import DeploymentView
from service.ports.health import Alarm, AlarmState
from tests.unit.lambdas.api import Api, api_settings


def test_every_key_sees_the_settings_and_no_secret_is_among_them(api: Api) -> None:
    status, body = api.get("/v1/deployment")
    assert (status, set(body)) == (200, set(DeploymentView.model_fields))
    assert (body["stack_name"], body["source_buckets"], body["drop_bucket"]) == ("Clipferry", ["source"], "drop")
    hidden = set(vars(api_settings(1))) - set(body)
    assert hidden == {
        *("table_name", "state_bucket", "state_machine_arn", "webhook_secret_arn", "integration_secrets_prefix"),
        *("trusted_roles", "copy_roles"),
    }
    assert api("GET", "/v1/deployment", project=None)[0] == 200


def test_a_project_sees_its_own_health(api: Api) -> None:
    world = api.world
    world.run(world.submit_list([*world.put_sources(1), "gone.zip"]).id)
    world.submit_list(world.put_sources(1, prefix="q/"))
    status, body = api.get("/v1/health")
    assert (status, body) == (
        200,
        {
            "active": {"PENDING": 1, "PLANNING": 0, "COPYING": 0},
            "clips_pending": 0,
            "waiting_since": body["waiting_since"],
            "slots": {"limit": 400, "held": 0, "waiting": 0},
            "ended": {"COMPLETED": 0, "COMPLETED_WITH_ERRORS": 1, "FAILED": 0, "CANCELLED": 0},
            "webhooks_failed": 0,
            "watches": {"ACTIVE": 0, "PAUSED": 0, "FAILING": 0},
            "complete": True,
        },
    )
    assert sum(api("GET", "/v1/health", project="other")[1]["ended"].values()) == 0
    assert api.refusal("GET", "/v1/health", project=None)[:2] == (403, "FORBIDDEN")


def test_only_the_admin_key_sees_the_health_of_the_deployment(api: Api) -> None:
    api.world.monitor.known = [Alarm(name="a", state=AlarmState.ALARM, since="t", description="d", queue="q")]
    api.world.monitor.waiting["q"] = 3
    assert api("GET", "/v1/deployment/health", project=None) == (
        200,
        {
            "slots": {"limit": 400, "held": 0, "waiting": 0},
            "projects": [],
            "queues": [{"name": "q", "waiting": 3, "in_flight": 0}],
            "alarms": [{"name": "a", "state": "ALARM", "since": "t", "description": "d", "queue": "q"}],
        },
    )
    assert api.refusal("GET", "/v1/deployment/health")[:2] == (403, "FORBIDDEN")
