"""Integrations without a region use the one that answers in the deployment's partition."""

import boto3
import pytest

from service.sources.roles import S3Role, copying_by_role, s3_with_role
from service.sources.s3 import S3Keys, s3_with_keys
from service.web.addresses import AddressRule

ROLE = S3Role(role_arn="arn:aws:iam::222222222222:role/clipferry-x", external_id="e")
KEYS = S3Keys(access_key_id="a", secret_access_key="s")


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("eu-central-1", "us-east-1"),
        ("us-gov-west-1", "us-gov-west-1"),
        ("cn-north-1", "cn-north-1"),
    ],
)
def test_a_bucket_is_looked_for_in_the_partition_of_the_function(
    monkeypatch: pytest.MonkeyPatch, own: str, expected: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", own)
    sts = boto3.client("sts", aws_access_key_id="a", aws_secret_access_key="s", region_name=own)
    made = [
        s3_with_keys(KEYS, rule=AddressRule()).client,
        s3_with_role(ROLE, sts=sts).client,
        copying_by_role(ROLE, sts=sts, clips_region=own).reads,
    ]
    assert [client.meta.region_name for client in made] == [expected] * 3
