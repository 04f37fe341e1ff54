"""Scenarios for a stack that enforces roles: imports of each kind, source and outcome, cheapest first."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clipferry import Clipferry
from local import aws
from local.api import Api
from local.config import COPY_ROLE, FORETIFY_BUCKET
from tests.e2e.disturbed import Imports, patiently
from tests.e2e.faults import copies_limited, copies_paused, deleted_long_ago, due_now, function_name, reconfigured
from tests.e2e.guarded import Action, Guarded
from tests.e2e.support import concluded, put_all, receiver, unique

CLIP = min((Path(__file__).resolve().parent.parent / "data" / "clipgt").glob("*.zip"))
MIB = 1024**2


def sweep(guarded: Guarded) -> None:
    invoke(guarded, "sweep")


def invoke(guarded: Guarded, handler: str) -> None:
    functions = aws.session().client("lambda", endpoint_url=guarded.stack.aws_endpoint_url, config=aws.CONFIG)
    answer = functions.invoke(FunctionName=function_name(functions, f"lambdas.{handler}.handler"), Payload=b"{}")
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body


def a_list(imports: Imports, **request: Any) -> dict[str, Any]:
    """Import a list of two clips, one of which does not exist; return the completed import."""
    sources = imports.at.lay_out("ends", 1)
    uris = [*sources, f"s3://{imports.at.stack.source_bucket}/{unique('not-there')}.zip"]
    made = imports.user.call("POST", "/v1/imports", {"exact_paths": uris, **request})
    return imports.user.ended(made["id"])


def ends(guarded: Guarded) -> None:
    """Download a report, deliver a webhook, delete the import and let the sweep purge it."""
    imports = guarded.imports()
    call = imports.user.call
    with receiver() as (url, got):
        job = a_list(imports, settings={"notify": {"webhook_url": url}})
        report = patiently(lambda: report_of(imports, job["id"]), what="the report")
        assert report["url"]
        patiently(lambda: got, what="the webhook")
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (1, 1)
    call("DELETE", f"/v1/imports/{job['id']}")
    deleted_long_ago(client(guarded, "dynamodb"), guarded.stack, job["id"])
    sweep(guarded)


def report_of(imports: Imports, job_id: str) -> dict[str, Any] | None:
    """Return the answer with the report's URL, once it exists."""
    with suppress(AssertionError):  # 409: the report is being written
        return imports.user.call("GET", f"/v1/imports/{job_id}/report", format="csv")
    return None


def reading(guarded: Guarded) -> None:
    imports = guarded.imports()
    call = imports.user.call
    call("GET", "/v1/imports")
    call("GET", "/v1/audit")
    call("GET", "/v1/health")
    assert Api(guarded.stack.base_url, guarded.stack.admin_key).call("GET", "/v1/deployment/health")["alarms"]
    call("POST", "/v1/previews", {"exact_paths": list(imports.at.lay_out("preview", 1))})
    call("POST", "/v1/previews", {"root_path": f"s3://{guarded.stack.source_bucket}/samples/"})


def inbox(guarded: Guarded) -> None:
    """Upload a file in parts and another in one request by links, wait for their import, and abort a third upload."""
    imports, name = guarded.imports(), unique("inbox")
    body = os.urandom(6 * MIB)
    with TemporaryDirectory() as folder, Clipferry(guarded.stack.base_url, guarded.stack.api_key) as user:
        path = Path(folder) / "clip.zip"
        path.write_bytes(body)
        for key, part_bytes in ((f"{name}/parts.zip", 5 * MIB), (f"{name}/whole.zip", None)):
            done = user.uploads.file(path, key, part_bytes=part_bytes)
            bucket, _, there = done.uri.removeprefix("s3://").partition("/")
            assert imports.at.s3.get_object(Bucket=bucket, Key=there)["Body"].read() == body

    def landed() -> bool:
        there = imports.at.s3.list_objects_v2(Bucket=guarded.stack.clips_bucket, Prefix=guarded.stack.project)
        return sum(name in one["Key"] for one in there.get("Contents", [])) == 2

    # Otherwise the next scenario would seem to be the one that uses the functions of uploads.
    patiently(landed, what="the uploads' import")
    begun = imports.user.call("POST", "/v1/uploads", {"key": f"{name}/aborted.zip", "size": 6 * MIB})
    imports.user.call("POST", "/v1/uploads/abort", {"key": f"{name}/aborted.zip", "upload_id": begun["upload_id"]})


def extrapolation(guarded: Guarded) -> None:
    imports = guarded.imports()
    key = f"{unique('still')}/clip.zip"
    put_all(imports.at.s3, guarded.stack.source_bucket, [(key, CLIP.read_bytes())])
    body = {
        "exact_paths": [f"s3://{guarded.stack.source_bucket}/{key}"],
        "settings": {"stationary_extrapolation": True},
    }
    job = imports.user.call("POST", "/v1/imports", body)
    assert imports.user.ended(job["id"])["status"] == "COMPLETED"
    [clip] = imports.user.clips(job["id"])
    assert clip["extrapolation"]["key"], clip


def store(guarded: Guarded) -> tuple[str, str]:
    """Save keys of an S3-compatible store (the emulator itself); return its bucket and the integration's id."""
    imports = guarded.imports()
    bucket = unique("store")
    imports.at.s3.create_bucket(Bucket=bucket)
    put_all(imports.at.s3, bucket, [("a/clip.zip", b"clip")])
    keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint_url": guarded.stack.aws_endpoint_url}
    body = {"name": unique("own"), "type": "s3", "bucket": bucket, **keys}
    return bucket, imports.user.call("POST", "/v1/integrations", body)["id"]


def integration(guarded: Guarded) -> None:
    """Test saved keys, import with them, delete them, sweep."""
    imports = guarded.imports()
    call = imports.user.call
    bucket, made = store(guarded)
    call("POST", f"/v1/integrations/{made}/test")
    job = call("POST", "/v1/imports", {"root_path": f"s3://{bucket}/a/", "integration_id": made})
    ended = imports.user.ended(job["id"])
    assert (ended["status"], ended["counts"]["copied"]) == ("COMPLETED", 1), ended
    call("DELETE", f"/v1/integrations/{made}")
    sweep(guarded)


def client(guarded: Guarded, service: str) -> Any:
    session: Any = aws.session()  # its `client` is typed for each service's literal name
    return session.client(service, endpoint_url=guarded.stack.aws_endpoint_url, config=aws.CONFIG)


def large(guarded: Guarded) -> None:
    """Copy a tagged clip in three parts, each in its own call."""
    imports = guarded.imports()
    key, body = f"{unique('large')}/clip.zip", os.urandom(11 * MIB)
    imports.at.s3.put_object(Bucket=guarded.stack.source_bucket, Key=key, Body=body, Tagging="team=night")
    parts = {"CLIPFERRY_MULTIPART_THRESHOLD_BYTES": str(6 * MIB), "CLIPFERRY_PART_BYTES": str(5 * MIB)}
    with reconfigured(client(guarded, "lambda"), "lambdas.copy.handler", timeout=60, **parts):
        uri = f"s3://{guarded.stack.source_bucket}/{key}"
        job = imports.user.call("POST", "/v1/imports", {"exact_paths": [uri]})
        assert imports.user.ended(job["id"])["status"] == "COMPLETED"
    imports.at.assert_landed(imports.user.clips(job["id"]), {uri: body})


def versions(guarded: Guarded) -> None:
    """Plan and copy a tagged clip of a versioned bucket by its version."""
    imports = guarded.imports()
    key, body = f"{unique('versions')}/clip.zip", os.urandom(11 * MIB)
    imports.at.s3.put_object(Bucket=versioned_bucket(imports), Key=key, Body=body, Tagging="team=night")
    uri = f"s3://{FORETIFY_BUCKET}/{key}"
    parts = {"CLIPFERRY_MULTIPART_THRESHOLD_BYTES": str(6 * MIB), "CLIPFERRY_PART_BYTES": str(5 * MIB)}
    with reconfigured(client(guarded, "lambda"), "lambdas.copy.handler", timeout=None, **parts):
        job = imports.user.call("POST", "/v1/imports", {"exact_paths": [uri]})
        assert imports.user.ended(job["id"])["status"] == "COMPLETED"
    imports.at.assert_landed(imports.user.clips(job["id"]), {uri: body})


def broken_set(guarded: Guarded) -> None:
    """Import a set of which one view changes before it is copied: the copies of the others are removed."""
    imports = guarded.imports()
    sources = imports.at.lay_out("broken", 3)
    uris = list(sources)
    with copies_paused(client(guarded, "lambda")):
        views = dict(zip(("front", "left", "right"), uris, strict=True))
        job = imports.user.call("POST", "/v1/imports", {"sets": [{"views": views}]})
        patiently(lambda: imports.user.call("GET", f"/v1/imports/{job['id']}")["status"] == "COPYING", what="the plan")
        changed = uris[2].removeprefix("s3://").partition("/")[2]
        imports.at.s3.put_object(Bucket=guarded.stack.source_bucket, Key=changed, Body=b"another clip")
    ended = imports.user.ended(job["id"])
    assert (ended["counts"]["copied"], ended["counts"]["failed"]) == (0, 3), ended


def video(guarded: Guarded) -> None:
    """Delete a single copied clip with its object."""
    imports = guarded.imports()
    sources = imports.at.lay_out("video", 1)
    job = imports.user.call("POST", "/v1/imports", {"exact_paths": list(sources)})
    imports.user.ended(job["id"])
    [clip] = imports.user.clips(job["id"])
    imports.user.call("DELETE", f"/api/video/{clip['id']}")
    bucket, _, key = clip["destination"].removeprefix("s3://").partition("/")
    assert "Contents" not in imports.at.s3.list_objects_v2(Bucket=bucket, Prefix=key)


def role_store(guarded: Guarded) -> tuple[str, str]:
    """Save a role that may read its own bucket and write clips; return the bucket and the integration's id."""
    imports, iam = guarded.imports(), client(guarded, "iam")
    bucket, name = unique("fleet"), COPY_ROLE.rpartition("/")[2]
    imports.at.s3.create_bucket(Bucket=bucket)
    put_all(imports.at.s3, bucket, [("a/clip.zip", b"clip")])
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [anyone]}))
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="s3", PolicyDocument=policy)
    body = {"type": "s3_role", "name": unique("role"), "bucket": bucket, "role_arn": COPY_ROLE}
    return bucket, imports.user.call("POST", "/v1/integrations", body)["id"]


def role(guarded: Guarded) -> None:
    """Use a role that may read its own bucket and write clips."""
    imports = guarded.imports()
    bucket, made = role_store(guarded)
    job = imports.user.call("POST", "/v1/imports", {"root_path": f"s3://{bucket}/a/", "integration_id": made})
    ended = imports.user.ended(job["id"])
    assert (ended["status"], ended["counts"]["copied"]) == ("COMPLETED", 1), ended


def watches(guarded: Guarded) -> None:
    """Watch a prefix by events, and a store by keys, a role and a schedule; lose the store, and say so."""
    imports = guarded.imports()
    call, s3, bucket = imports.user.call, imports.at.s3, guarded.stack.source_bucket
    prefix = unique("watched")
    s3.put_object(Bucket=bucket, Key=f"{prefix}/old.zip", Body=b"old")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    (kept, by_keys), (lent, by_role) = store(guarded), role_store(guarded)
    bodies: list[dict[str, Any]] = [
        {"root_path": f"s3://{bucket}/{prefix}/", "events": True, "schedule": {"every": "1m"}},
        {"root_path": f"s3://{kept}/a/", "integration_id": by_keys, "schedule": {"every": "1m"}},
        {"root_path": f"s3://{lent}/a/", "integration_id": by_role, "schedule": {"every": "1m"}},
    ]
    made = [call("POST", "/v1/watches", {"name": unique("watch"), **body}) for body in bodies]
    for watch in made:
        imports.user.ended(watch["last_run"])
    call("POST", f"/v1/watches/{made[0]['id']}/test")
    s3.put_object(Bucket=bucket, Key=f"{prefix}/new.zip", Body=b"new")
    by_events = f"/v1/watches/{made[0]['id']}"
    patiently(lambda: "events" in [run["cause"] for run in call("GET", by_events)["runs"]], what="the new object")
    look(guarded, made, "look_at", "next_run_at")
    s3.delete_object(Bucket=kept, Key="a/clip.zip")
    s3.delete_bucket(Bucket=kept)

    def failing() -> bool:
        look(guarded, made, "look_at")
        return bool(call("GET", f"/v1/watches/{made[1]['id']}")["status"] == "FAILING")

    patiently(failing, what="the loss to show")
    look(guarded, made, "look_at")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    for watch in made:
        call("DELETE", f"/v1/watches/{watch['id']}")


def look(guarded: Guarded, made: list[dict[str, Any]], *due: str) -> None:
    """Let the function look at the access of these watches (`look_at` is due), or also run them (`next_run_at`)."""
    for watch in made:
        client(guarded, "dynamodb").update_item(
            TableName=guarded.stack.table_name,
            Key={"pk": {"S": f"WATCH#{guarded.stack.project}"}, "sk": {"S": watch["id"]}},
            UpdateExpression="SET attention_sk = :place, " + ", ".join(f"{field} = :then" for field in due),
            ExpressionAttributeValues={
                ":then": {"S": "2026-01-01T00:00:00.000Z"},
                ":place": {"S": f"2026-01-01T00:00:00.000Z#{guarded.stack.project}#{watch['id']}"},
            },
        )
    invoke(guarded, "watch")


def orphan(guarded: Guarded) -> None:
    """Let the sweep complete an import whose execution was stopped long ago, with a row for each clip."""
    imports, states = guarded.imports(), client(guarded, "stepfunctions")
    sources = imports.at.lay_out("orphan", 3)
    root = next(iter(sources)).rpartition("/")[0] + "/"
    with copies_paused(client(guarded, "lambda")):
        job = imports.user.call("POST", "/v1/imports", {"root_path": root})["id"]
        patiently(lambda: imports.user.call("GET", f"/v1/imports/{job}")["status"] == "COPYING", what="the plan")
        machine = guarded.stack.state_machine_arn
        states.stop_execution(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{job}")
        make_old(guarded, job)
        sweep(guarded)
    ended = imports.user.ended(job)
    assert ended["status"] in ("FAILED", "COMPLETED_WITH_ERRORS"), ended


def never_started(guarded: Guarded) -> None:
    """Let the sweep start an import whose execution could not be started."""
    imports = guarded.imports()
    job = pending(guarded, list(imports.at.lay_out("never", 1)))
    make_old(guarded, job)
    sweep(guarded)
    assert imports.user.ended(job)["status"] == "COMPLETED"


def pending(guarded: Guarded, uris: list[str]) -> str:
    """Return the id of an import whose execution could not be started."""
    imports, name = guarded.imports(), unique("never-started")
    with guarded.without("api", "states:StartExecution"):
        body = {"exact_paths": uris, "test_run_group_name": name}
        Api(guarded.stack.base_url, guarded.stack.api_key).send("POST", "/v1/imports", body=body)
    [job] = [one for one in imports.user.rows("/v1/imports", "imports") if one["test_run_group_name"] == name]
    assert job["status"] == "PENDING"
    return str(job["id"])


def unplanned(guarded: Guarded) -> None:
    """Let the sweep complete a list whose execution was stopped before it was planned, with a row for each clip."""
    imports, states = guarded.imports(), client(guarded, "stepfunctions")
    machine = guarded.stack.state_machine_arn
    job = pending(guarded, list(imports.at.lay_out("unplanned", 2)))
    wait = json.dumps({"job_id": job, "run": 0, "wait_seconds": 600})
    arn = states.start_execution(stateMachineArn=machine, name=job, input=wait)["executionArn"]
    states.stop_execution(executionArn=arn)
    make_old(guarded, job)
    sweep(guarded)
    assert imports.user.ended(job)["counts"]["failed"] == 2


def broken_plan(guarded: Guarded) -> None:
    """Let `finish` plan a list whose planning broke down, with a row for each clip."""
    imports = guarded.imports()
    with reconfigured(client(guarded, "lambda"), "lambdas.plan.handler", CLIPFERRY_BATCH_CLIPS="no number"):
        job = imports.user.call("POST", "/v1/imports", {"exact_paths": list(imports.at.lay_out("broken", 2))})["id"]
        assert imports.user.ended(job)["counts"]["failed"] == 2


def make_old(guarded: Guarded, job: str) -> None:
    """Make the import look untouched for months."""
    client(guarded, "dynamodb").update_item(
        TableName=guarded.stack.table_name,
        Key={"pk": {"S": f"JOB#{job}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET created_at = :then, updated_at = :then",
        ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000Z"}},
    )


def broken_copies(guarded: Guarded) -> AbstractContextManager[None]:
    """Let each call of the copy function fail immediately, since a setting is no number."""
    parts = {"CLIPFERRY_PART_BYTES": "no number"}
    return reconfigured(client(guarded, "lambda"), "lambdas.copy.handler", timeout=None, **parts)


SLOW = {
    "CLIPFERRY_MULTIPART_THRESHOLD_BYTES": str(6 * MIB),
    "CLIPFERRY_PART_BYTES": str(5 * MIB),
    "CLIPFERRY_COPY_THREADS": "3",
}
"""With this in its environment and a timeout of 60 s, each call of the copy function copies three parts."""
SLOW_BYTES = 61 * MIB
"""Size of a clip that takes five such calls, so that a test can come between them."""


@contextmanager
def half_copied(guarded: Guarded) -> Iterator[tuple[Imports, str]]:
    """Prepare a set with one copied view and some parts of another, and return its import.

    No copy function starts during the block. At its end no unfinished upload may be left.
    """
    imports, functions = guarded.imports(), client(guarded, "lambda")
    name = unique("half")
    views = {role: f"{name}/{role}.mp4" for role in ("front", "left", "right")}
    # The copy function copies the large views first.
    bodies = {
        views["front"]: os.urandom(7 * MIB),
        views["left"]: os.urandom(SLOW_BYTES),
        views["right"]: b"right",
    }
    put_all(imports.at.s3, guarded.stack.source_bucket, bodies.items())

    def uploads() -> bool:
        return bool(imports.at.s3.list_multipart_uploads(Bucket=guarded.stack.clips_bucket).get("Uploads"))

    def begun() -> bool:
        there = imports.at.s3.list_objects_v2(Bucket=guarded.stack.clips_bucket, Prefix=guarded.stack.project)
        return uploads() and any(name in one["Key"] for one in there.get("Contents", []))

    with reconfigured(functions, "lambdas.copy.handler", timeout=60, **SLOW):
        uris = {role: f"s3://{guarded.stack.source_bucket}/{key}" for role, key in views.items()}
        job = imports.user.call("POST", "/v1/imports", {"sets": [{"views": uris}]})["id"]
        patiently(begun, what="a view and an upload")
        with copies_paused(functions):
            yield imports, job
    assert not uploads()


def lost_list(guarded: Guarded) -> None:
    """Let `finish` write a row for each clip of a batch that never reported."""
    imports = guarded.imports()
    with broken_copies(guarded):
        job = imports.user.call("POST", "/v1/imports", {"exact_paths": list(imports.at.lay_out("lost", 3))})["id"]
        assert imports.user.ended(job)["counts"]["failed"] == 3


def lost_batch(guarded: Guarded) -> None:
    """Let `finish` account for a batch that never reported, and remove its unfinished upload."""
    with half_copied(guarded) as (imports, job), broken_copies(guarded), copies_limited(client(guarded, "lambda"), 1):
        assert imports.user.ended(job)["counts"]["failed"] == 3


def lost_execution(guarded: Guarded) -> None:
    """Let the sweep do the same after the execution is gone."""
    with half_copied(guarded) as (imports, job):
        machine = guarded.stack.state_machine_arn
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{job}"
        client(guarded, "stepfunctions").stop_execution(executionArn=arn)
        make_old(guarded, job)
        sweep(guarded)
        assert imports.user.ended(job)["counts"]["failed"] == 3


def moved(guarded: Guarded) -> None:
    """Delete the sources of clips: of source buckets with and without versions, of a store by keys, by a role."""
    imports = guarded.imports()
    call, s3 = imports.user.call, imports.at.s3
    key = f"{unique('moved')}/clip.zip"
    put_all(s3, versioned_bucket(imports), [(key, b"older")])
    put_all(s3, FORETIFY_BUCKET, [(key, b"clip")])
    (kept, by_keys), (lent, by_role) = store(guarded), role_store(guarded)
    for one in (by_keys, by_role):
        call("PATCH", f"/v1/integrations/{one}", {"allow_delete": True})
    uris = [*imports.at.lay_out("moved", 2), f"s3://{FORETIFY_BUCKET}/{key}"]
    uris += [f"s3://{kept}/a/clip.zip", f"s3://{lent}/a/clip.zip"]
    for source in ({"exact_paths": uris}, {"sets": [{"views": {"front": next(iter(imports.at.lay_out("set", 1)))}}]}):
        job = call("POST", "/v1/imports", {**source, "settings": {"delete_source": "after_verified"}})
        imports.user.ended(job["id"])
        patiently(lambda job=job: report_of(imports, job["id"]), what="the report")  # type: ignore[misc]
        fates = {clip["source_uri"]: clip["source_deleted"] for clip in imports.user.clips(job["id"])}
        assert set(fates.values()) == {True}, fates


def as_of(guarded: Guarded) -> None:
    """Import a versioned prefix as it was, and refuse a bucket without versions, before and after it is accepted."""
    imports = guarded.imports()
    call, s3, name = imports.user.call, imports.at.s3, unique("as-of")
    put_all(s3, versioned_bucket(imports), [(f"{name}/clip.zip", b"clip")])
    written = s3.head_object(Bucket=FORETIFY_BUCKET, Key=f"{name}/clip.zip")["LastModified"]
    now = (written + timedelta(seconds=1)).isoformat()  # the header has whole seconds, the listing may have more
    prefix = {"root_path": f"s3://{FORETIFY_BUCKET}/{name}/", "as_of": now}
    call("POST", "/v1/previews", prefix)
    job = call("POST", "/v1/imports", prefix)
    assert imports.user.ended(job["id"])["counts"]["copied"] == 1
    request = {"root_path": f"s3://{guarded.stack.source_bucket}/samples/", "as_of": now}
    refused = Api(guarded.stack.base_url, guarded.stack.api_key).send("POST", "/v1/imports", body=request)
    assert refused.json()["code"] == "NOT_VERSIONED"
    job = call("POST", "/v1/imports", {**request, "validate": False})
    assert imports.user.ended(job["id"])["code"] == "NOT_VERSIONED"


def changed_meanwhile(guarded: Guarded) -> None:
    """Change a large clip between two of its parts: its upload is aborted."""
    imports = guarded.imports()
    key = f"{unique('changes')}/clip.zip"
    put_all(imports.at.s3, guarded.stack.source_bucket, [(key, os.urandom(SLOW_BYTES))])
    with reconfigured(client(guarded, "lambda"), "lambdas.copy.handler", timeout=60, **SLOW):
        uri = f"s3://{guarded.stack.source_bucket}/{key}"
        job = imports.user.call("POST", "/v1/imports", {"exact_paths": [uri]})["id"]
        bucket = guarded.stack.clips_bucket
        patiently(lambda: imports.at.s3.list_multipart_uploads(Bucket=bucket).get("Uploads"), what="the upload")
        put_all(imports.at.s3, guarded.stack.source_bucket, [(key, b"another clip")])
        imports.user.ended(job)
    assert [clip["code"] for clip in imports.user.clips(job)] == ["SOURCE_CHANGED"]


def unlistable(guarded: Guarded) -> None:
    """Fail an import whose prefix planning may not list."""
    imports = guarded.imports()
    root = f"s3://{guarded.stack.forbidden_bucket}/"
    job = imports.user.call("POST", "/v1/imports", {"root_path": root, "validate": False})
    assert imports.user.ended(job["id"])["code"] == "CANNOT_ACCESS"


def broken_retry(guarded: Guarded) -> None:
    """Complete a retry that cannot be planned: its clips stay failed."""
    imports = guarded.imports()
    job = a_list(imports)
    with reconfigured(client(guarded, "lambda"), "lambdas.plan.handler", CLIPFERRY_BATCH_CLIPS="no number"):
        imports.user.call("POST", f"/v1/imports/{job['id']}/retry")
        again = patiently(lambda: ended_run(imports, job["id"], 1), what="the retry")
    assert (again["counts"]["copied"], again["counts"]["failed"]) == (1, 1), again


def ended_run(imports: Imports, job_id: str, run: int) -> dict[str, Any] | None:
    job = imports.user.ended(job_id)
    return job if job["run"] == run else None


def late_drop(guarded: Guarded) -> None:
    """Add a second upload to the import that gathers the first."""
    imports = guarded.imports()
    name, s3 = unique("late"), imports.at.s3
    keys = [f"inbox/{guarded.stack.project}/{name}/{n}.zip" for n in range(6)]
    for key in keys:
        s3.put_object(Bucket=guarded.stack.drop_bucket, Key=key, Body=b"x")
        time.sleep(0.5)

    def landed() -> bool:
        there = s3.list_objects_v2(Bucket=guarded.stack.clips_bucket, Prefix=guarded.stack.project)
        return sum(name in one["Key"] for one in there.get("Contents", [])) == len(keys)

    patiently(landed, what="the dropped files")


def dropped_again(guarded: Guarded) -> None:
    """Replace a dropped clip that was copied already."""
    s3, key = guarded.imports().at.s3, f"inbox/{guarded.stack.project}/{unique('again')}.zip"
    for body in (b"first", b"second, longer"):
        s3.put_object(Bucket=guarded.stack.drop_bucket, Key=key, Body=body)

        def landed(size: int = len(body)) -> bool:
            there = s3.list_objects_v2(Bucket=guarded.stack.clips_bucket, Prefix=guarded.stack.project)
            name = key.rpartition("/")[2]
            return any(name in one["Key"] and one["Size"] == size for one in there.get("Contents", []))

        patiently(landed, what="the dropped clip")


def no_room(guarded: Guarded) -> None:
    """Drop two manifests while one import may be active: the event of one is sent again."""
    imports, functions, sent = guarded.imports(), client(guarded, "lambda"), ("on_upload", "sqs:SendMessage", True)
    before, name = guarded.checks().get(sent, 0), unique("waits")
    uris = list(imports.at.lay_out(name, 2))
    lines = [json.dumps({"uri": uri}).encode() for uri in uris]
    keys = [f"inbox/{guarded.stack.project}/{name}-{n}.manifest.jsonl" for n in range(2)]
    with (
        copies_paused(functions),
        reconfigured(functions, "lambdas.on_upload.handler", CLIPFERRY_MAX_ACTIVE_IMPORTS="1"),
    ):
        put_all(imports.at.s3, guarded.stack.drop_bucket, zip(keys, lines, strict=True))
        patiently(lambda: guarded.checks().get(sent, 0) > before, what="the event to be sent again")
    assert imports.user.ended(upload_of(imports, *uris))["counts"]["copied"] == 1
    # The other manifest would start an import five minutes later, in the middle of another scenario.
    client(guarded, "sqs").purge_queue(QueueUrl=guarded.stack.upload_queue_url)


def upload_of(imports: Imports, *uris: str) -> str:
    """Wait until an import of uploads has a clip of one of these sources, and return the import's id."""

    def found() -> str | None:
        jobs = [job["id"] for job in imports.user.rows("/v1/imports", "imports") if job["trigger"] == "upload"]
        sources = {job: {clip["source_uri"] for clip in imports.user.clips(job)} for job in jobs}
        return next((job for job in jobs if sources[job].intersection(uris)), None)

    return str(patiently(found, what=f"the import of {' or '.join(uris)}"))


def lost_drop(guarded: Guarded) -> None:
    """Retry the import of a dropped clip that was removed before it was copied."""
    imports, key = guarded.imports(), f"inbox/{guarded.stack.project}/{unique('lost')}.zip"
    bucket, s3 = guarded.stack.drop_bucket, imports.at.s3
    with copies_paused(client(guarded, "lambda")):
        version = s3.put_object(Bucket=bucket, Key=key, Body=b"lost")["VersionId"]
        job = upload_of(imports, f"s3://{bucket}/{key}")
        patiently(lambda: imports.user.call("GET", f"/v1/imports/{job}")["status"] == "COPYING", what="the plan")
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    assert imports.user.ended(job)["counts"]["failed"] == 1
    imports.user.call("POST", f"/v1/imports/{job}/retry")
    again = patiently(lambda: ended_run(imports, job, 1), what="the retry")
    assert again["counts"]["failed"] == 1, again


def removed_uploads(guarded: Guarded) -> None:
    """Let the sweep find an import whose upload is due for removal; an overwritten upload stays."""
    imports, table = guarded.imports(), client(guarded, "dynamodb")
    drop, name = guarded.stack.drop_bucket, unique("removed")
    gone, kept = (f"inbox/{guarded.stack.project}/{name}/{part}.zip" for part in ("gone", "kept"))
    put_all(imports.at.s3, drop, [(gone, b"one"), (kept, b"one")])
    ended = imports.user.ended(upload_of(imports, f"s3://{drop}/{gone}"))
    row = concluded(table, guarded.stack, ended)
    imports.at.s3.put_object(Bucket=drop, Key=kept, Body=b"two")
    table.update_item(
        TableName=guarded.stack.table_name,
        Key=row,
        UpdateExpression="SET uploads_due = :then, attention_sk = :then",
        ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000Z"}},
    )
    sweep(guarded)

    def left() -> list[str]:
        found = imports.at.s3.list_objects_v2(Bucket=drop, Prefix=f"inbox/{guarded.stack.project}/{name}/")
        return [one["Key"] for one in found.get("Contents", [])]

    patiently(lambda: left() == [kept], what="the removal")


def versioned_manifest(guarded: Guarded) -> None:
    """Read a manifest of a versioned bucket by its version."""
    imports = guarded.imports()
    sources = imports.at.lay_out("listed", 2)
    key = f"{unique('lists')}.jsonl"
    lines = "\n".join(json.dumps({"uri": uri}) for uri in sources).encode()
    imports.at.s3.put_object(Bucket=versioned_bucket(imports), Key=key, Body=lines)
    job = imports.user.call("POST", "/v1/imports", {"manifest_uri": f"s3://{FORETIFY_BUCKET}/{key}"})
    assert imports.user.ended(job["id"])["counts"]["copied"] == 2


def versioned_bucket(imports: Imports) -> str:
    s3 = imports.at.s3
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=FORETIFY_BUCKET)
    s3.put_bucket_versioning(Bucket=FORETIFY_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return FORETIFY_BUCKET


def restored(guarded: Guarded) -> None:
    """Restore an archived object, request the restore again once it is lost, and copy the object after a later look."""
    imports = guarded.imports()
    (uri,) = imports.at.lay_out("archived", 1)
    archive(imports, uri)
    settings = {"archived": "restore"}
    job = imports.user.call("POST", "/v1/imports", {"exact_paths": [uri], "settings": settings})

    def next_look(after: str) -> str:
        def look() -> str | None:
            found = (imports.user.call("GET", f"/v1/imports/{job['id']}")["restores"] or {}).get("next_look") or ""
            return found if found > after else None

        return str(patiently(look, what="the wait"))

    def look_again() -> None:
        due_now(client(guarded, "dynamodb"), guarded.stack, job["id"])
        sweep(guarded)

    waits = next_look(after="")
    archive(imports, uri)  # the same object again, without its restore
    look_again()
    next_look(after=waits)
    time.sleep(2.0)  # the emulator's time for a restore
    look_again()
    assert imports.user.ended(job["id"])["counts"]["copied"] == 1


def archive(imports: Imports, uri: str) -> None:
    """Copy the object onto itself as GLACIER."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    imports.at.s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}, StorageClass="GLACIER")


def kind(name: str) -> Callable[[Guarded], None]:
    def run(guarded: Guarded) -> None:
        imports = guarded.imports()
        getattr(imports, name)()()
        assert imports.user.refusals == []

    return run


def admin_key(guarded: Guarded) -> None:
    """The admin key lists keys."""
    assert Api(guarded.stack.base_url, guarded.stack.admin_key).send("GET", "/v1/keys").status == 200


SCENARIOS: dict[str, Callable[[Guarded], None]] = {
    "reading": reading,
    "admin key": admin_key,
    "sweep": sweep,
    "inbox": inbox,
    "list": lambda guarded: assert_partly_copied(a_list(guarded.imports())),
    **{name: kind(name) for name in ("prefix", "manifest", "validated", "sets", "drop", "cancel", "retry")},
    "ends": ends,
    "video": video,
    "broken set": broken_set,
    "orphan": orphan,
    "role": role,
    "watches": watches,
    "large": large,
    "restored": restored,
    "versions": versions,
    "versioned manifest": versioned_manifest,
    "moved": moved,
    "as of": as_of,
    "late drop": late_drop,
    "removed uploads": removed_uploads,
    "dropped again": dropped_again,
    "no room": no_room,
    "lost drop": lost_drop,
    "never started": never_started,
    "unlistable": unlistable,
    "unplanned": unplanned,
    "broken plan": broken_plan,
    "broken retry": broken_retry,
    "changed meanwhile": changed_meanwhile,
    "lost list": lost_list,
    "lost batch": lost_batch,
    "lost execution": lost_execution,
    "integration": integration,
    "extrapolation": extrapolation,
}
"""Cheapest first: the first scenario that uses a grant proves it."""


def assert_partly_copied(job: dict[str, Any]) -> None:
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (1, 1), job


REFUSED: dict[str, set[Action]] = {
    "never started": {("api", "states:StartExecution")},
    "unplanned": {("api", "states:StartExecution")},
    "unlistable": {("plan", "s3:ListBucket")},
}
"""Expected denials by scenario, which removes the action or requests a bucket without a grant."""
