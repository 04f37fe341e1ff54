"""Watches: a first import, events, the schedule for real, a restart in the middle, lost access."""

from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from local.stack import Stack
from tests.e2e.faults import unscheduled
from tests.e2e.support import PATIENCE_SECONDS, TERMINAL, eventually, landed, put_all, receiver, settled, unique
from tests.schema import WATCH_NOTICE, validate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api
    from tests.e2e.faults import Invoke, Pause


def made(api: "Api", root: str, **changes: object) -> dict[str, Any]:
    status, watch = api.post("/v1/watches", {"name": "watch", "root_path": root} | changes)
    assert status == 201, watch
    found: dict[str, Any] = watch
    settled(api, found["last_run"])
    return found


def shown(api: "Api", watch: dict[str, Any]) -> dict[str, Any]:
    status, found = api.get(f"/v1/watches/{watch['id']}")
    assert status == 200, found
    result: dict[str, Any] = found
    return result


def runs(api: "Api", watch: dict[str, Any], cause: str) -> list[dict[str, Any]]:
    """The completed imports of this cause, newest first."""
    found = shown(api, watch)["runs"]
    return [run for run in found if run["cause"] == cause and run["status"] in TERMINAL]


def send_events(s3: "S3Client", bucket: str, *, on: bool = True) -> None:
    configuration: Any = {"EventBridgeConfiguration": {}} if on else {}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


@pytest.mark.usefixtures("wide_window")
def test_objects_that_appear_land_and_many_in_few_imports(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = unique("watched")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/old.zip", Body=b"old")
    watch = made(api, f"s3://{stack.source_bucket}/{prefix}/", events=True, filters={"include": ["*.zip"]})
    assert runs(api, watch, "first")[0]["counts"]["copied"] == 1
    _, tested = api.post(f"/v1/watches/{watch['id']}/test", None)
    assert [(one["action"], one["ok"]) for one in tested["checks"]] == [("list", True), ("events", False)]
    send_events(s3, stack.source_bucket)
    _, tested = api.post(f"/v1/watches/{watch['id']}/test", None)
    assert tested["ok"], tested

    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/new.zip", Body=b"new")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/new.txt", Body=b"no clip")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{unique('beside')}/new.zip", Body=b"beside")
    [run] = eventually(lambda: runs(api, watch, "events"), what="the new object to land")
    assert (run["status"], run["counts"]["copied"], run["counts"]["total"]) == ("COMPLETED", 1, 1)
    [clip] = api.get(f"/v1/imports/{run['id']}/clips")[1]["clips"]
    assert landed(s3, clip) == b"new"

    put_all(s3, stack.source_bucket, ((f"{prefix}/many/{n:03d}.zip", b"x") for n in range(300)))

    def all_landed() -> bool:
        return sum(int(one["counts"]["copied"]) for one in runs(api, watch, "events")) == 301

    eventually(all_landed, what="300 objects to land")
    assert len(runs(api, watch, "events")) <= 12
    send_events(s3, stack.source_bucket, on=False)
    status, gone = api("DELETE", f"/v1/watches/{watch['id']}")
    assert status == 204, gone


def test_the_schedule_runs_for_real_and_a_crash_in_the_middle_starts_no_second_import(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: "Invoke", functions: Any
) -> None:
    prefix = unique("scheduled")
    watch = made(api, f"s3://{stack.source_bucket}/{prefix}/", schedule={"every": "1m"})
    due, row = watch["next_run_at"], Row(dynamodb, stack, watch)
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/a.zip", Body=b"a")
    patience = 60 + PATIENCE_SECONDS
    first = eventually(lambda: runs(api, watch, "scheduled"), what="the minute's run", seconds=patience)[-1]
    assert (first["status"], first["counts"]["copied"]) == ("COMPLETED", 1)
    with unscheduled(stack, functions, "lambdas.watch.handler"):
        api("PATCH", f"/v1/watches/{watch['id']}", {"schedule": {"every": "1d"}})
        known = [run["id"] for run in shown(api, watch)["runs"]]
        # This is the state after a crash between the start of the run and its note: the row says that it is still due.
        row.write(next_run_at=due, look_at=due, last_run=watch["last_run"])
        invoke("lambdas.watch.handler", {})
        found = shown(api, watch)
        assert found["last_run"] == first["id"]
        assert [run["id"] for run in found["runs"]] == known
    api("DELETE", f"/v1/watches/{watch['id']}")


@pytest.mark.usefixtures("own_ticks")
def test_a_run_that_goes_on_is_not_started_twice(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: "Invoke", paused_copies: "Pause"
) -> None:
    prefix = unique("going")
    watch = made(api, f"s3://{stack.source_bucket}/{prefix}/", schedule={"every": "1d"})
    row = Row(dynamodb, stack, watch)
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/a.zip", Body=b"a")
    with paused_copies():
        status, running = api.post(f"/v1/watches/{watch['id']}/run", None)
        assert status == 202, running
        for _ in range(2):
            row.write(next_run_at=running["updated_at"], look_at=running["updated_at"])
            invoke("lambdas.watch.handler", {})
        assert api.post(f"/v1/watches/{watch['id']}/run", None)[1]["last_run"] == running["last_run"]
        assert len(shown(api, watch)["runs"]) == 2
    assert settled(api, running["last_run"])["counts"]["copied"] == 1
    row.write(look_at=running["updated_at"])
    invoke("lambdas.watch.handler", {})
    assert shown(api, watch)["last_run"] != running["last_run"], "the run that waited"
    settled(api, shown(api, watch)["last_run"])
    api("DELETE", f"/v1/watches/{watch['id']}")


@pytest.mark.usefixtures("own_ticks")
def test_a_clip_that_failed_its_check_is_left_until_somebody_asks(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: "Invoke"
) -> None:
    prefix = unique("broken")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/broken.zip", Body=b"<html>")
    settings = {"content_validation": "structure"}
    watch = made(api, f"s3://{stack.source_bucket}/{prefix}/", schedule={"every": "1d"}, settings=settings)
    [first] = shown(api, watch)["runs"]
    assert (first["status"], first["counts"]["failed"]) == ("FAILED", 1)
    Row(dynamodb, stack, watch).write(next_run_at="2026-01-01T00:00:00.000Z", look_at="2026-01-01T00:00:00.000Z")
    invoke("lambdas.watch.handler", {})
    left = settled(api, shown(api, watch)["last_run"])
    assert left["id"] != first["id"]
    assert (left["status"], left["counts"]["skipped"], left["failed_before"]) == ("COMPLETED", 1, 1)
    [clip] = api.get(f"/v1/imports/{left['id']}/clips")[1]["clips"]
    assert (clip["code"], first["id"] in clip["message"]) == ("FAILED_BEFORE", True)
    status, asked = api.post(f"/v1/watches/{watch['id']}/run", None)
    assert status == 202, asked
    assert settled(api, asked["last_run"])["counts"]["failed"] == 1
    api("DELETE", f"/v1/watches/{watch['id']}")


@pytest.mark.usefixtures("own_ticks")
def test_lost_access_shows_and_what_was_missed_is_made_up_once_it_is_back(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: "Invoke"
) -> None:
    bucket = unique("lost")
    s3.create_bucket(Bucket=bucket)
    integration = {
        "type": "s3",
        "name": "lost",
        "bucket": bucket,
        "access_key_id": "test",
        "secret_access_key": "test",
        "region": stack.region,
        "endpoint_url": stack.aws_endpoint_url,
    }
    status, saved = api.post("/v1/integrations", integration)
    assert status == 201, saved
    with receiver() as (url, got):
        settings = {"notify": {"event": False, "webhook_url": url}}
        watch = made(api, f"s3://{bucket}/", schedule={"every": "1d"}, integration_id=saved["id"], settings=settings)
        eventually(lambda: got, what="the webhook of the first import")
        got.clear()
        row = Row(dynamodb, stack, watch)
        s3.delete_bucket(Bucket=bucket)
        row.look(invoke)
        failing = shown(api, watch)
        assert (failing["status"], failing["failure"]["code"]) == ("FAILING", "CANNOT_ACCESS")
        assert failing["lag_seconds"] is not None
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a.zip", Body=b"a")
        api("POST", f"/v1/watches/{watch['id']}/run")  # tries at once
        row.look(invoke)
        found = shown(api, watch)
        assert found["status"] == "ACTIVE"
        assert settled(api, found["last_run"])["counts"]["copied"] == 1
        secret = Webhook(api.get("/v1/webhook-secret")[1]["secret"])
        documents = [secret.verify(body, headers) for _, headers, body in got]
        status, again = api.post(f"/v1/watches/{watch['id']}/webhook/replay", None)
        assert (status, [one["status"] for one in again["webhooks"]]) == (202, ["PENDING", "DELIVERED"])
        got.clear()
        row.look(invoke)
        [(_, headers, body)] = got
        assert secret.verify(body, headers)["event_id"] == again["webhooks"][0]["event_id"]
        assert [one["status"] for one in shown(api, watch)["webhooks"]] == ["DELIVERED", "DELIVERED"]
    told = [one for one in documents if one["type"] != "clipferry.import.ended"]
    assert [(one["type"], one["watch_id"]) for one in told] == [
        ("clipferry.watch.failing", watch["id"]),
        ("clipferry.watch.recovered", watch["id"]),
    ]
    for one in told:
        validate(one, WATCH_NOTICE)
    api("DELETE", f"/v1/watches/{watch['id']}")


class Row:
    """A watch's row in the table, to move its times without waiting."""

    def __init__(self, dynamodb: "DynamoDBClient", stack: Stack, watch: dict[str, Any]) -> None:
        self._dynamodb, self._stack, self._id = dynamodb, stack, watch["id"]

    def look(self, invoke: "Invoke") -> None:
        """Let the service look at the watch now, whatever it waits for."""
        self.write(look_at="2026-01-01T00:00:00.000Z")
        invoke("lambdas.watch.handler", {})

    def write(self, **fields: str) -> None:
        """Set these fields, and the row's place among those that are due."""
        place = {"attention_sk": f"{fields['look_at']}#{self._stack.project}#{self._id}"}
        values = {f":{name}": {"S": value} for name, value in (fields | place).items()}
        self._dynamodb.update_item(
            TableName=self._stack.table_name,
            Key={"pk": {"S": f"WATCH#{self._stack.project}"}, "sk": {"S": self._id}},
            UpdateExpression="SET " + ", ".join(f"{name[1:]} = {name}" for name in values),
            ExpressionAttributeValues=values,
        )
