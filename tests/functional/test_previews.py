"""A preview on real clients: what it asks of S3, how long it bears with it, and that it writes nothing."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from service.aws.clients import A_CALLER_WAITS, s3_client
from service.aws.s3.storage import S3Storage
from service.domain.errors import SourceUnavailable
from service.domain.requests import ImportSettings
from service.domain.settings_limits import SettingsLimits
from service.imports.previews.preview import PreviewPorts, preview
from service.imports.previews.result import Preview
from service.support.clock import utc_now
from tests.builders import (
    CLIPS_BUCKET,
    DEPLOYMENT,
    PROJECT,
    SOURCE_BUCKET,
    World,
    import_list,
    import_prefix,
    own_access,
)
from tests.fakes.faults import Faults
from tests.fakes.jobs import FakeJobs
from tests.functional.botorequests import boto_session

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def client(s3: "S3Client") -> "S3Client":  # noqa: ARG001  # which makes the buckets
    return s3_client(connections=4, patience=A_CALLER_WAITS)


@pytest.fixture
def asked(client: "S3Client") -> list[str]:
    """The requests that are made, by operation and bucket."""
    requests: list[str] = []

    def record(model: "OperationModel", params: dict[str, str], **_event: object) -> None:
        requests.append(f"{model.name} {params['Bucket']}")

    client.meta.events.register("provide-client-params.s3", record)
    return requests


def look(client: "S3Client", uris: list[str] | None = None) -> Preview:
    storage = S3Storage(own=boto_session(client), clips_bucket=CLIPS_BUCKET)
    ports = PreviewPorts(
        clock=utc_now,
        access=own_access(storage, FakeJobs(Faults())),
        clips_bucket=CLIPS_BUCKET,
        limits=SettingsLimits(max_concurrency=40),
        max_clips=10_000,
        seconds=60,
        deployment=DEPLOYMENT,
        defaults=ImportSettings(),
        slow=World().slow_requests,
    )
    request = import_list(uris) if uris else import_prefix(f"s3://{SOURCE_BUCKET}/p/")
    return preview(request, project=PROJECT, ports=ports)


def test_a_prefix_takes_two_listings(client: "S3Client", asked: list[str]) -> None:
    for number in range(3):
        client.put_object(Bucket=SOURCE_BUCKET, Key=f"p/{number}.zip", Body=b"x")
    body = {"Bucket": SOURCE_BUCKET, "Key": "p/0.zip"}
    client.copy_object(Bucket=CLIPS_BUCKET, Key=f"{PROJECT}/-/{SOURCE_BUCKET}/p/0.zip", CopySource=body)  # type: ignore[arg-type]
    asked.clear()
    found = look(client)
    assert (found.count, found.outcome.to_copy.count, found.outcome.to_skip.count) == (3, 2, 1)
    assert sorted(asked) == [f"ListObjectsV2 {CLIPS_BUCKET}", f"ListObjectsV2 {SOURCE_BUCKET}"]


def test_a_uri_takes_two_heads(client: "S3Client", asked: list[str]) -> None:
    client.put_object(Bucket=SOURCE_BUCKET, Key="a.zip", Body=b"x")
    asked.clear()
    found = look(client, [f"s3://{SOURCE_BUCKET}/a.zip", f"s3://{SOURCE_BUCKET}/gone.zip"])
    assert set(found.outcome.to_fail.by_code) == {"NOT_FOUND"}
    assert sorted(asked) == [f"HeadObject {CLIPS_BUCKET}", *[f"HeadObject {SOURCE_BUCKET}"] * 2]


def test_a_client_for_a_waiting_caller_times_out_early(client: "S3Client") -> None:
    """Both tries of a call that hangs, and the second between them, end before API Gateway does."""
    config: Any = client.meta.config  # its options are attributes that the stubs do not name
    assert (config.connect_timeout, config.read_timeout) == (2, 4)
    assert config.retries["total_max_attempts"] == 2
    assert 2 * (config.connect_timeout + config.read_timeout) + 1 + 8 < 29


def test_a_source_that_does_not_answer_is_unavailable_after_two_tries(client: "S3Client") -> None:
    tries = []

    def silent(**_event: object) -> None:
        tries.append(1)
        raise ReadTimeoutError(endpoint_url="https://s3")

    client.meta.events.register("before-send.s3", silent)
    with pytest.raises(SourceUnavailable):
        look(client)
    assert len(tries) == 2
