"""Steps after an import completes: its report, the event on the bus, the signed webhook."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from local import aws
from local.stack import Stack
from tests.e2e.faults import Invoke, Pause
from tests.e2e.support import (
    all_clips,
    concluded,
    eventually,
    imported,
    put_all,
    receiver,
    report,
    settled,
    start,
    unique,
)
from tests.schema import validate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from tests.e2e.conftest import Api


@pytest.fixture
def mixed(api: "Api", stack: Stack, s3: "S3Client") -> dict[str, Any]:
    """An import of which two clips land and two do not."""
    prefix = f"{unique('mixed')}/"
    put_all(s3, stack.source_bucket, [(f"{prefix}a,b.zip", b"x"), (f"{prefix}ü.zip", b"y")])
    names = [f"{prefix}a,b.zip", f"{prefix}missing.zip", f"{prefix}ü.zip"]
    uris = [f"s3://{stack.source_bucket}/{name}" for name in names] + [f"s3://{stack.forbidden_bucket}/x.zip"]
    return imported(api, exact_paths=uris, labels=["night"], run_name_prefix="=run-")


def test_the_report_is_what_the_pages_of_clips_say(api: "Api", mixed: dict[str, Any]) -> None:
    clips = all_clips(api, mixed["id"])
    assert [json.loads(line) for line in report(api, mixed, "jsonl").splitlines()] == clips
    rows = list(csv.DictReader(io.StringIO(report(api, mixed, "csv").decode(), newline="")))
    assert len(rows) == len(clips) == 4
    for row, clip in zip(rows, clips, strict=True):
        assert row.pop("run_name") == "'" + clip.pop("run_name"), "no formula for a spreadsheet"
        assert row == {name: "" if value is None else str(value) for name, value in clip.items()}


def test_the_summary_and_the_manifest_of_failures(api: "Api", mixed: dict[str, Any]) -> None:
    summary = json.loads(report(api, mixed, "summary"))
    assert (summary["import_id"], summary["status"]) == (mixed["id"], "COMPLETED_WITH_ERRORS")
    assert summary["by_code"] == {"NOT_FOUND": 1, "CANNOT_ACCESS": 1}
    assert summary["by_extension"][".zip"]["count"] == 4
    failed = [clip for clip in all_clips(api, mixed["id"]) if clip["status"] == "FAILED"]
    lines = [json.loads(line) for line in report(api, mixed, "failures").splitlines()]
    assert lines == [{"uri": clip["source_uri"]} for clip in failed]


def test_there_is_no_report_before_the_end_nor_for_others(
    api: "Api", admin: "Api", stack: Stack, s3: "S3Client", paused_copies: Pause
) -> None:
    prefix = f"{unique('early')}/"
    put_all(s3, stack.source_bucket, [(f"{prefix}a.zip", b"x")])
    with paused_copies():
        job = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
        for method, path in (("GET", "report"), ("POST", "webhook/replay")):
            status, refusal = api(method, f"/v1/imports/{job['id']}/{path}")
            assert (status, refusal["code"]) == (409, "NOT_ENDED")
    settled(api, job["id"])
    status, refusal = api.post(f"/v1/imports/{job['id']}/webhook/replay", None)
    assert (status, refusal["code"]) == (409, "NO_WEBHOOK")
    status, refusal = api.get(f"/v1/imports/{job['id']}/report", format="pdf")
    assert (status, refusal["code"]) == (422, "INVALID_REQUEST")
    _, key = admin.post("/v1/keys", {"project": unique("other"), "name": "n"})
    assert api.with_key(key["key"]).get(f"/v1/imports/{job['id']}/report")[0] == 404


@pytest.fixture
def bus(stack: Stack, sqs: "SQSClient") -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Events of the service, as a rule on the default bus hands them to a queue."""
    events = aws.session().client("events", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)
    name = unique("ended")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["clipferry"], "detail-type": ["Clipferry Import Ended"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[dict[str, Any]] = []

    def received(job_id: str) -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            seen.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in seen if event["detail"]["import_id"] == job_id]

    yield received
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=queue)


def test_one_event_tells_of_an_end_and_none_where_it_is_switched_off(
    api: "Api", stack: Stack, s3: "S3Client", bus: Callable[[str], list[dict[str, Any]]]
) -> None:
    key = f"{unique('event')}.zip"
    put_all(s3, stack.source_bucket, [(key, b"12345")])
    uris = [f"s3://{stack.source_bucket}/{key}"]
    silent = imported(api, exact_paths=uris, settings={"notify": {"event": False}})
    report(api, silent, "summary")
    job = imported(api, exact_paths=uris, labels=["night"], folder="f", test_run_group_name="g")
    [event] = eventually(lambda: bus(job["id"]), what="the event")
    assert (event["source"], event["detail-type"]) == ("clipferry", "Clipferry Import Ended")
    detail = event["detail"]
    validate(detail)
    assert (detail["status"], detail["labels"], detail["folder"]) == ("COMPLETED", ["night"], "f")
    assert (detail["test_run_group_name"], detail["ended_at"]) == ("g", job["completed_at"])
    assert detail["counts"] == {name: n for name, n in job["counts"].items() if name != "pending"}
    summary = s3.get_object(Bucket=detail["report"]["bucket"], Key=detail["report"]["summary"])["Body"].read()
    assert json.loads(summary)["event_id"] == detail["event_id"]
    assert bus(silent["id"]) == []


def delivered(api: "Api", job: dict[str, Any]) -> dict[str, Any]:
    def look() -> Any:
        webhook = api.get(f"/v1/imports/{job['id']}")[1]["webhook"]
        return webhook if webhook["status"] != "PENDING" else None

    found: dict[str, Any] = eventually(look, what="the webhook")
    return found


def test_a_webhook_is_signed_tried_again_and_sent_again_when_asked(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('hook')}.zip"
    put_all(s3, stack.source_bucket, [(key, b"x")])
    _, secret = api.get("/v1/webhook-secret")
    with receiver(503, 429) as (url, got):
        notify = {"webhook_url": f"{url}/hook?token=t0ken"}
        job = imported(api, exact_paths=[f"s3://{stack.source_bucket}/{key}"], settings={"notify": notify})
        assert job["status"] == "COMPLETED"
        webhook = delivered(api, job)
        assert (webhook["status"], webhook["attempts"], webhook["last_status_code"]) == ("DELIVERED", 3, 204)
        assert webhook["url"] == job["settings"]["notify"]["webhook_url"] == f"{url}/hook"
        assert webhook["delivered_at"] >= job["completed_at"]
        assert webhook["last_error"] is None
        assert [path for path, _, _ in got] == ["/hook?token=t0ken"] * 3
        for _, headers, body in got:
            document = Webhook(secret["secret"]).verify(body.decode(), headers)
            validate(document)
            assert document["import_id"] == job["id"]
        assert len({headers["webhook-id"] for _, headers, _ in got}) == 1
        status, again = api.post(f"/v1/imports/{job['id']}/webhook/replay", None)
        assert (status, again["webhook"]["status"], again["webhook"]["attempts"]) == (202, "PENDING", 0)
        assert delivered(api, job)["status"] == "DELIVERED"
        assert got[3][1]["webhook-id"] == got[0][1]["webhook-id"]
        assert got[3][2] == got[0][2]


def test_a_receiver_that_is_gone_is_not_asked_again(api: "Api", stack: Stack) -> None:
    with receiver(410) as (url, got):
        notify = {"webhook_url": url}
        job = imported(api, exact_paths=[f"s3://{stack.source_bucket}/none"], settings={"notify": notify})
        webhook = delivered(api, job)
        assert (job["status"], webhook["status"], webhook["last_status_code"]) == ("FAILED", "FAILED", 410)
        assert len(got) == 1


@pytest.mark.parametrize("url", ["ftp://example.com/", "https://user:secret@example.com/", "https://", "nonsense"])
def test_a_webhook_url_that_can_never_work_is_refused(api: "Api", stack: Stack, url: str) -> None:
    body = {"exact_paths": [f"s3://{stack.source_bucket}/x.zip"], "settings": {"notify": {"webhook_url": url}}}
    status, answer = api.post("/v1/imports", body)
    assert (status, answer["code"]) == (422, "INVALID_REQUEST"), answer
    assert "secret" not in answer["detail"]


def test_an_end_that_nobody_concluded_is_found_by_the_sweep(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke
) -> None:
    """Reset the completion as after a crash: it is open, and no execution works on it."""
    key = f"{unique('lost')}.zip"
    put_all(s3, stack.source_bucket, [(key, b"x")])
    with receiver() as (url, got):
        uris, notify = [f"s3://{stack.source_bucket}/{key}"], {"webhook_url": url}
        job = imported(api, exact_paths=uris, settings={"notify": notify})
        delivered(api, job)
        dynamodb.update_item(
            TableName=stack.table_name,
            Key=concluded(dynamodb, stack, job),
            UpdateExpression="SET closed = :no, attention_pk = :ended, attention_sk = :at, touched_at = :at "
            "REMOVE webhook",
            ExpressionAttributeValues={
                ":no": {"BOOL": False},
                ":ended": {"S": "ENDED"},
                ":at": {"S": "2026-01-01T00:00:00.000Z"},
            },
        )

        def swept() -> bool:
            return job["id"] in invoke("lambdas.sweep.handler", {})["concluding"] or len(got) > 1

        eventually(swept, what="the sweep")
        eventually(lambda: len(got) == 2, what="the second webhook")
    assert got[0][2] == got[1][2]
