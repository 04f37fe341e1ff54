"""Whether a bucket sends its events to EventBridge: the exact calls, and what keeps events away."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from service.aws.s3.bucket_events import S3BucketEvents

ACCOUNT = "111122223333"
ASKED = {"Bucket": "fleet", "ExpectedBucketOwner": ACCOUNT}


@pytest.fixture
def stubbed() -> Iterator[tuple[S3BucketEvents, Stubber]]:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        yield S3BucketEvents(client, account=ACCOUNT), stub
        stub.assert_no_pending_responses()


def test_a_bucket_that_sends_its_events_has_no_problem(stubbed: tuple[S3BucketEvents, Stubber]) -> None:
    events, stub = stubbed
    stub.add_response("head_bucket", {"BucketRegion": "eu-west-1"}, ASKED)
    stub.add_response("get_bucket_notification_configuration", {"EventBridgeConfiguration": {}}, ASKED)
    assert events.problem("fleet") is None


def test_a_bucket_without_eventbridge_is_told_how_to_switch_it_on(stubbed: tuple[S3BucketEvents, Stubber]) -> None:
    events, stub = stubbed
    stub.add_response("head_bucket", {}, ASKED)
    stub.add_response("get_bucket_notification_configuration", {"TopicConfigurations": []}, ASKED)
    assert "Properties > Event notifications > Amazon EventBridge" in (events.problem("fleet") or "")


def test_a_bucket_in_another_region_sends_its_events_there(stubbed: tuple[S3BucketEvents, Stubber]) -> None:
    events, stub = stubbed
    stub.add_response("head_bucket", {"BucketRegion": "us-east-1"}, ASKED)
    assert events.problem("fleet") == "fleet sends its events to us-east-1, and this deployment is in eu-west-1"


def test_a_bucket_of_another_account_denies_and_a_busy_s3_is_no_answer(
    stubbed: tuple[S3BucketEvents, Stubber],
) -> None:
    events, stub = stubbed
    stub.add_client_error("head_bucket", "403", "Forbidden", 403, expected_params=ASKED)
    assert "cannot look at the notifications of fleet" in (events.problem("fleet") or "")
    stub.add_client_error("head_bucket", "SlowDown", "slow", 503, expected_params=ASKED)
    with pytest.raises(ClientError):
        events.problem("fleet")
