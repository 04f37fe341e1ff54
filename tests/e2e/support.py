"""Helpers of the end-to-end tests: wait for completion, read all pages, make unique names."""

import threading
import time
import urllib.request
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from local.config import DEPLOY_CONTEXT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_s3 import S3Client

    from local.stack import Stack
    from tests.e2e.conftest import Api

TERMINAL = {"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"}
PATIENCE_SECONDS = 180
"""Seconds to wait for a stack. A busy machine takes a minute for some seconds of work; only failing tests wait long."""

UNCHECKED = {"default_content_validation": "none"}
"""Of the deployments under test, since most tests copy a few bytes under a clip's name. `test_as_deployed.py`
deploys the real default."""

DELETABLE = {"delete_source_buckets": DEPLOY_CONTEXT["source_buckets"]}
"""Of the deployments under test, so that imports may delete their sources."""


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def eventually(found: Callable[[], Any], *, what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return the first truthy value of `found()`; fail after that many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s for {what}")


def start(api: "Api", **request: object) -> dict[str, Any]:
    job: dict[str, Any]
    status, job = api.post("/v1/imports", request)
    assert status == 202, job
    return job


def settled(api: "Api", job_id: str) -> dict[str, Any]:
    """Wait until the job is terminal and return it. Its counts must add up each time it is read."""

    def look() -> dict[str, Any] | None:
        status, job = api.get(f"/v1/imports/{job_id}")
        assert status == 200, job
        assert_counts_sum(job)
        return job if job["status"] in TERMINAL else None

    found: dict[str, Any] = eventually(look, what=f"{job_id} to end")
    return found


def concluded(dynamodb: "DynamoDBClient", stack: "Stack", job: dict[str, Any]) -> "dict[str, AttributeValueTypeDef]":
    """Wait until all is done that follows the import's completion; return the key of that row."""
    row: dict[str, AttributeValueTypeDef]
    row = {"pk": {"S": f"JOB#{job['id']}"}, "sk": {"S": f"END#{job['completed_at']}"}}

    def closed() -> bool:
        found = dynamodb.get_item(TableName=stack.table_name, Key=row).get("Item", {})
        return bool(found.get("closed", {}).get("BOOL"))

    eventually(closed, what="the conclusion")
    return row


def assert_counts_sum(job: dict[str, Any]) -> None:
    counts = job["counts"]
    parts = [counts[fate] for fate in ("pending", "copied", "skipped", "failed", "cancelled")]
    assert sum(parts) == counts["total"], counts
    assert min(parts) >= 0, counts


def imported(api: "Api", **request: object) -> dict[str, Any]:
    return settled(api, start(api, **request)["id"])


def all_clips(api: "Api", job_id: str, **query: object) -> list[dict[str, Any]]:
    return all_rows(api, f"/v1/imports/{job_id}/clips", "clips", **query)


def all_rows(api: "Api", path: str, rows: str, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, object] = {}
    while True:
        status, page = api.get(path, **query, **cursor)
        assert status == 200, page
        found += page[rows]
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


def put_all(s3: "S3Client", bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: s3.put_object(Bucket=bucket, Key=item[0], Body=item[1]), objects))


def landed(s3: "S3Client", clip: dict[str, Any]) -> bytes:
    """Return the bytes at a clip's destination."""
    bucket, _, key = clip["destination"].removeprefix("s3://").partition("/")
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def fetch(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        found: bytes = answer.read()
        return found


def report(api: "Api", job: dict[str, Any], form: str) -> bytes:
    """A file of the report by its link, once it is there; before that the API says that it is not."""

    def look() -> Any:
        status, answer = api.get(f"/v1/imports/{job['id']}/report", format=form)
        assert status == 200 or (status, answer["code"]) == (409, "REPORT_PENDING"), answer
        return answer if status == 200 else None

    link = eventually(look, what="the report")
    body = fetch(link["url"])
    assert len(body) == link["bytes"]
    assert link["uri"].startswith("s3://")
    return body


@contextmanager
def receiver(*answers: int) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """Run a local server that answers with these statuses, then 204; yield its URL and the received requests."""
    waiting, got = deque(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers.items()), body))
            self.send_response(waiting.popleft() if waiting else 204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Keep the log out of the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def versioned_bucket(s3: "S3Client", bucket: str) -> Iterator[str]:
    """Create a bucket with versions, and delete it with all that is in it at the end of the block."""
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    try:
        yield bucket
    finally:
        listed = s3.list_object_versions(Bucket=bucket)
        for one in (*listed.get("Versions", []), *listed.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=bucket)
