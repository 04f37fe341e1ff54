"""Links to reports name the bucket's region, where their signature is valid."""

from urllib.parse import parse_qs, urlsplit

import pytest

import lambdas.wiring.api
from lambdas.wiring.api import ApiContainer
from lambdas.wiring.state import STATE_CONNECTIONS
from service.aws import clients
from service.aws.s3.report_files import S3ReportFiles
from tests.builders import STATE_BUCKET
from tests.unit.lambdas.api import api_settings


def link(monkeypatch: pytest.MonkeyPatch, region: str) -> tuple[str, str, str]:
    """(host, path, scope of the signature)."""
    session = clients.session()
    create = session.create_client
    monkeypatch.setattr(
        session, "create_client", lambda service, **options: create(service, region_name=region, **options)
    )
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    files = S3ReportFiles(clients.s3_client(connections=1, virtual_hosts=True), "state-bucket")
    parts = urlsplit(files.url("jobs/ij_1/report/clips.csv", seconds=60, name="clips.csv"))
    query = parse_qs(parts.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    return str(parts.hostname), parts.path, query["X-Amz-Credential"][0].split("/", 2)[2]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "state-bucket.s3.us-east-1.amazonaws.com"),
        ("eu-central-1", "state-bucket.s3.eu-central-1.amazonaws.com"),
        ("af-south-1", "state-bucket.s3.af-south-1.amazonaws.com"),
        ("cn-north-1", "state-bucket.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "state-bucket.s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_link_is_signed_for_the_region_that_its_host_names(
    monkeypatch: pytest.MonkeyPatch, region: str, host: str
) -> None:
    assert link(monkeypatch, region) == (host, "/jobs/ij_1/report/clips.csv", f"{region}/s3/aws4_request")


def test_the_api_signs_such_links(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(lambdas.wiring.api, "s3_client", lambda **options: asked.append(options))
    container = ApiContainer()
    container.settings = api_settings(max_body_bytes=1_000)
    assert container.ended.files.bucket == STATE_BUCKET
    assert asked == [{"connections": STATE_CONNECTIONS, "virtual_hosts": True}]
