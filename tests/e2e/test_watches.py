"""Watches: a first import, events, the schedule for real, a restart in the middle, lost access."""

import time
from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.support import TERMINAL, eventually, landed, put_all, settled, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api

EVENT_SECONDS = 60
"""An object must land within this time of its appearance."""


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


def test_objects_that_appear_land_within_a_minute_and_many_in_few_imports(
    api: "Api", stack: Stack, s3: "S3Client"
) -> None:
    prefix = unique("watched")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/old.zip", Body=b"old")
    send_events(s3, stack.source_bucket, on=False)
    watch = made(api, f"s3://{stack.source_bucket}/{prefix}/", events=True, filters={"include": ["*.zip"]})
    assert runs(api, watch, "first")[0]["counts"]["copied"] == 1
    _, tested = api.post(f"/v1/watches/{watch['id']}/test", None)
    assert [(one["action"], one["ok"]) for one in tested["checks"]] == [("list", True), ("events", False)]
    send_events(s3, stack.source_bucket)
    _, tested = api.post(f"/v1/watches/{watch['id']}/test", None)
    assert tested["ok"], tested

    put_at = time.monotonic()
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/new.zip", Body=b"new")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/new.txt", Body=b"no clip")
    s3.put_object(Bucket=stack.source_bucket, Key=f"{unique('beside')}/new.zip", Body=b"beside")
    [run] = eventually(lambda: runs(api, watch, "events"), what="the new object to land")
    assert time.monotonic() - put_at < EVENT_SECONDS
    assert (run["status"], run["counts"]["copied"], run["counts"]["total"]) == ("COMPLETED", 1, 1)
    [clip] = api.get(f"/v1/imports/{run['id']}/clips")[1]["clips"]
    assert landed(s3, clip) == b"new"

    put_all(s3, stack.source_bucket, ((f"{prefix}/many/{n:03d}.zip", b"x") for n in range(300)))

    def all_landed() -> bool:
        return sum(int(one["counts"]["copied"]) for one in runs(api, watch, "events")) == 301

    eventually(all_landed, what="300 objects to land")
    assert len(runs(api, watch, "events")) <= 12
    status, gone = api("DELETE", f"/v1/watches/{watch['id']}")
    assert status == 204, gone


def test_the_schedule_runs_for_real_and_survives_a_crash_in_the_middle(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient"
) -> None:
    prefix = unique("scheduled")
    watch = made(api, f"s3://{stack.source_bucket}/{prefix}/", schedule={"every": "1m"})
    due = watch["next_run_at"]
    s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}/a.zip", Body=b"a")
    first = eventually(lambda: runs(api, watch, "scheduled"), what="the minute's run", seconds=150)[-1]
    assert (first["status"], first["counts"]["copied"]) == ("COMPLETED", 1)
    # As after a crash between the start of a run and its note: the row says that the run is still due.
    _set_back(dynamodb, stack, watch, due=due)
    eventually(lambda: shown(api, watch)["last_run"] == first["id"], what="the tick to find the run", seconds=90)
    assert (shown(api, watch)["next_run_at"] or "") > first["created_at"]
    api("DELETE", f"/v1/watches/{watch['id']}")


def test_lost_access_shows_and_access_that_is_back_is_used(api: "Api", stack: Stack, s3: "S3Client") -> None:
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
    watch = made(api, f"s3://{bucket}/", schedule={"every": "1m"}, integration_id=saved["id"])
    s3.delete_bucket(Bucket=bucket)
    failing = eventually(lambda: _failing(shown(api, watch)), what="the loss to show", seconds=150)
    assert failing["failure"]["code"] == "CANNOT_ACCESS"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a.zip", Body=b"a")
    api.post(f"/v1/watches/{watch['id']}/run", None)
    eventually(
        lambda: any(run["counts"]["copied"] for run in shown(api, watch)["runs"]), what="the object to land", seconds=60
    )
    assert shown(api, watch)["status"] == "ACTIVE"
    api("DELETE", f"/v1/watches/{watch['id']}")


def _failing(watch: dict[str, Any]) -> dict[str, Any] | None:
    return watch if watch["status"] == "FAILING" else None


def _set_back(dynamodb: "DynamoDBClient", stack: Stack, watch: dict[str, Any], *, due: str) -> None:
    """Write the watch's row as it was while the run that was due then had been started, and not noted."""
    dynamodb.update_item(
        TableName=stack.table_name,
        Key={"pk": {"S": f"WATCH#{stack.project}"}, "sk": {"S": watch["id"]}},
        UpdateExpression="SET next_run_at = :due, look_at = :due, attention_sk = :place, last_run = :first",
        ExpressionAttributeValues={
            ":due": {"S": due},
            ":place": {"S": f"{due}#{stack.project}#{watch['id']}"},
            ":first": {"S": watch["last_run"]},
        },
    )
