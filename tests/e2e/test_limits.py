"""Limits of an import on the deployed stack: rounds of a batch, tolerated failures, concurrency."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from local import api as service
from local import aws
from local.stack import Stack
from service.projects.rate_keys import rate_key_of
from tests.e2e.executions import children, events
from tests.e2e.faults import reconfigured
from tests.e2e.support import all_clips, imported, landed, put_all, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

    from tests.e2e.conftest import Api


@pytest.fixture
def slow_plan(stack: Stack) -> Iterator[None]:
    """While it lasts, each project may send one request a second, and three at once."""
    client: Any = aws.session().client("apigateway", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)
    (plan,) = client.get_usage_plans()["items"]

    def limit(rate: object, burst: object) -> None:
        operations = [
            {"op": "replace", "path": f"/throttle/{name}", "value": str(value)}
            for name, value in (("rateLimit", rate), ("burstLimit", burst))
        ]
        client.update_usage_plan(usagePlanId=plan["id"], patchOperations=operations)

    limit(1, 3)
    try:
        yield
    finally:
        limit(plan["throttle"]["rateLimit"], plan["throttle"]["burstLimit"])


@pytest.mark.usefixtures("slow_plan")
def test_a_project_that_floods_the_api_is_refused_and_others_are_not(api: "Api", admin: "Api", stack: Stack) -> None:
    rivals = (unique("rival") for _ in range(100))
    rival = next(name for name in rivals if rate_key_of("", name) != rate_key_of("", stack.project))
    _, made = admin.post("/v1/keys", {"project": rival, "name": "test"})
    other = api.with_key(made["key"])
    flood = service.Api(stack.base_url, stack.api_key)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: flood.send("GET", "/v1/imports"), range(40)))
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    for answer in refused:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert (answer.status, answer.json()["code"], headers["retry-after"]) == (429, "THROTTLED", "1")
    assert other.get("/v1/imports")[0] == 200
    assert admin.get("/v1/keys")[0] == 200


MIB = 1024**2
SHORT_SECONDS = 60
"""Less than the margin that ends a round: each call takes one step and leaves the rest to the next."""


@pytest.fixture
def short_copies(functions: Any) -> Callable[[], AbstractContextManager[None]]:
    """While it lasts, a copy function's call is too short for more than one clip or part; parts have 5 MiB."""

    parts = {"CLIPFERRY_MULTIPART_THRESHOLD_BYTES": str(6 * MIB), "CLIPFERRY_PART_BYTES": str(5 * MIB)}

    def shorten() -> AbstractContextManager[None]:
        return reconfigured(functions, "lambdas.copy.handler", timeout=SHORT_SECONDS, **parts)

    return shorten


def test_a_batch_that_does_not_fit_one_call_goes_on_in_rounds(
    api: "Api",
    stack: Stack,
    s3: "S3Client",
    stepfunctions: "SFNClient",
    short_copies: Callable[[], AbstractContextManager[None]],
) -> None:
    prefix = f"{unique('rounds')}/"
    large = bytes(range(256)) * (16 * MIB // 256)
    put_all(s3, stack.source_bucket, [*((f"{prefix}{n}.zip", bytes([n])) for n in range(3)), (f"{prefix}z.zip", large)])
    with short_copies():
        job = imported(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
    assert (job["status"], job["counts"]["copied"]) == ("COMPLETED", 4), job
    clips = all_clips(api, job["id"])
    assert [landed(s3, clip) for clip in clips] == [b"\x00", b"\x01", b"\x02", large]
    assert clips[3]["etag"].endswith("-4"), "four parts"
    assert not s3.list_multipart_uploads(Bucket=stack.clips_bucket).get("Uploads")
    assert copy_calls(stepfunctions, stack, job["id"]) == 8, "three clips, four parts, the completion"


def copy_calls(stepfunctions: "SFNClient", stack: Stack, job_id: str) -> int:
    """Successful calls of the copy function, by the histories of the map's children."""
    arn = f"{stack.state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    of_all = (event for child in children(stepfunctions, arn) for event in events(stepfunctions, child))
    return sum(event["type"] == "TaskSucceeded" for event in of_all)


@pytest.mark.parametrize(
    ("tolerated", "message"),
    [({"count": 2}, "3 clips failed, 2 are tolerated"), ({"percent": 20}, "3 of 10 clips failed, 20 percent")],
)
def test_an_import_with_too_many_failures_stops_and_says_so(
    api: "Api", stack: Stack, s3: "S3Client", tolerated: dict[str, Any], message: str
) -> None:
    prefix = f"{unique('tolerated')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.zip", b"x") for n in range(7)))
    uris = [f"s3://{stack.source_bucket}/{prefix}{name}.zip" for name in ("x", "y", "z", *range(7))]
    job = imported(api, exact_paths=uris, settings={"tolerated_failures": tolerated})
    assert (job["status"], job["code"]) == ("FAILED", "TOO_MANY_FAILURES")
    assert job["message"].startswith(message)
    assert (job["counts"]["failed"], job["counts"]["cancelled"]) == (3, 7)
    assert job["settings"]["tolerated_failures"] == {"count": None, "percent": None} | tolerated
    fates = [(clip["status"], clip["code"]) for clip in all_clips(api, job["id"])]
    assert fates == [("FAILED", "NOT_FOUND")] * 3 + [("CANCELLED", "TOO_MANY_FAILURES")] * 7


def test_as_many_failures_as_are_tolerated_stop_nothing(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('tolerated')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.zip", b"x") for n in range(3)))
    uris = [f"s3://{stack.source_bucket}/{prefix}{name}.zip" for name in ("x", 0, 1, 2)]
    job = imported(api, exact_paths=uris, settings={"tolerated_failures": {"count": 1}})
    assert (job["status"], job["counts"]["copied"], job["counts"]["failed"]) == ("COMPLETED_WITH_ERRORS", 3, 1)


def test_an_import_runs_with_the_concurrency_that_it_asks_for(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('one')}.zip"
    put_all(s3, stack.source_bucket, [(key, b"x")])
    job = imported(api, exact_paths=[f"s3://{stack.source_bucket}/{key}"], settings={"max_concurrency": 1})
    assert (job["status"], job["settings"]["max_concurrency"]) == ("COMPLETED", 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_concurrency": 0},
        {"max_concurrency": 1_000_000},
        {"tolerated_failures": {}},
        {"tolerated_failures": {"count": 1, "percent": 1}},
        {"tolerated_failures": {"percent": 100.5}},
        {"tolerated_failures": {"count": -1}},
    ],
)
def test_limits_out_of_range_are_refused(api: "Api", stack: Stack, settings: dict[str, Any]) -> None:
    body = {"exact_paths": [f"s3://{stack.source_bucket}/x.zip"], "settings": settings}
    status, answer = api.post("/v1/imports", body)
    assert (status, answer["code"]) == (422, "INVALID_REQUEST"), answer
