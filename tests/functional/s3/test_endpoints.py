"""S3's host names beside those of botocore's endpoint rules. No sockets."""

import itertools
from typing import Any
from urllib.parse import unquote

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from service.aws.clients import PATIENT
from service.aws.s3.copy_requests import copied_from
from service.aws.s3.http.endpoints import access_point_host, in_region, is_s3_host, s3_host
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.http.requests import S3Requests
from service.aws.s3.session import own_session
from service.domain.errors import InvalidSettings
from tests.builders import an_entry

REGIONS = {
    "aws": ("us-east-1", "us-west-2", "eu-central-1", "af-south-1", "me-south-1", "ca-west-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
    "aws-eusc": ("eusc-de-east-1",),
}
KINDS = [
    (partition, region, fips, dualstack)
    for partition, regions in REGIONS.items()
    for region, fips, dualstack in itertools.product(regions, (False, True), (False, True))
    if not (fips and partition == "aws-cn")
]


@pytest.fixture(scope="module")
def session() -> botocore.session.Session:
    return botocore.session.Session()


def of_botocore(session: botocore.session.Session, region: str, fips: bool, dualstack: bool) -> str:
    """The host of a request for a bucket, without the bucket."""
    client: Any = session.create_client(
        "s3",
        region,
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(
            use_fips_endpoint=fips,
            use_dualstack_endpoint=dualstack,
            s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
        ),
    )
    url: str = client.generate_presigned_url("head_bucket", Params={"Bucket": "clips"})
    return url.removeprefix("https://clips.").partition("?")[0].rstrip("/")


@pytest.mark.parametrize(("partition", "region", "fips", "dualstack"), KINDS)
def test_hosts_are_botocores(
    session: botocore.session.Session, partition: str, region: str, fips: bool, dualstack: bool
) -> None:
    assert session.get_partition_for_region(region) == partition
    host = s3_host(region, fips=fips, dualstack=dualstack)
    assert host == of_botocore(session, region, fips, dualstack)
    assert is_s3_host(host)


@pytest.mark.parametrize(("partition", "region", "fips", "dualstack"), KINDS)
def test_another_region_has_a_host_of_the_same_kind(partition: str, region: str, fips: bool, dualstack: bool) -> None:
    other = REGIONS[partition][-1]
    assert in_region(s3_host(region, fips=fips, dualstack=dualstack), other) == s3_host(
        other, fips=fips, dualstack=dualstack
    )


@pytest.mark.parametrize("region", REGIONS["aws-cn"])
def test_china_has_no_fips(region: str) -> None:
    with pytest.raises(InvalidSettings, match="no FIPS endpoints in China"):
        s3_host(region, fips=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "storage.googleapis.com", "amazonaws.com.example.org"])
def test_other_stores_are_not_s3(host: str) -> None:
    assert not is_s3_host(host)


@pytest.mark.parametrize(("partition", "region", "fips", "dualstack"), KINDS)
def test_the_clients_own_requests_go_there(
    monkeypatch: pytest.MonkeyPatch, partition: str, region: str, fips: bool, dualstack: bool
) -> None:
    assert partition in REGIONS
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", str(fips).lower())
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", str(dualstack).lower())
    requests = own_session(connections=1).requests
    assert isinstance(requests, S3Requests)
    endpoint = requests.home.endpoint
    assert endpoint.of_bucket("clips") == (f"clips.{s3_host(region, fips=fips, dualstack=dualstack)}", "")


@pytest.mark.parametrize(("partition", "region", "fips", "dualstack"), KINDS)
def test_an_access_point_has_botocores_host(
    session: botocore.session.Session, partition: str, region: str, fips: bool, dualstack: bool
) -> None:
    arn = f"arn:{partition}:s3:{region}:111122223333:accesspoint/fleet-read"
    client: Any = session.create_client(
        "s3",
        region,
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(use_fips_endpoint=fips, use_dualstack_endpoint=dualstack),
    )
    url: str = client.generate_presigned_url("head_bucket", Params={"Bucket": arn})
    expected = url.removeprefix("https://").partition("?")[0].rstrip("/")
    assert access_point_host(arn, s3_host(region, fips=fips, dualstack=dualstack)) == expected


def test_an_access_point_s_arn_says_where_its_requests_go() -> None:
    requests = S3Requests.to(
        "https://s3.us-east-1.amazonaws.com",
        "us-east-1",
        Credentials("k", "s"),
        patience=PATIENT,
        in_flight=InFlight(1),
    )
    arn = "arn:aws:s3:eu-west-1:111122223333:accesspoint/fleet"
    place = requests.place_of(arn)
    assert place.signer.region == "eu-west-1"
    assert place.endpoint.of_bucket(arn) == ("fleet-111122223333.s3-accesspoint.eu-west-1.amazonaws.com", "")
    assert requests.place_of("fleet-x1y2-s3alias").endpoint.of_bucket("fleet-x1y2-s3alias") == (
        "fleet-x1y2-s3alias.s3.us-east-1.amazonaws.com",
        "",
    )
    assert requests.place_of("other") is requests.home


def test_a_copy_names_an_access_point_s_object() -> None:
    arn = "arn:aws:s3:eu-west-1:111122223333:accesspoint/fleet"
    headers = copied_from(an_entry(source_uri=f"s3://{arn}/a b.zip", etag="e"))
    assert unquote(headers["x-amz-copy-source"]) == f"{arn}/object/a b.zip"
