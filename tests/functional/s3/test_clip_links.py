"""Links to clips, as botocore signs them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from service.aws.clients import s3_client
from service.aws.s3.clip_links import S3ClipLinks


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> S3ClipLinks:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return S3ClipLinks(s3_client(connections=1, virtual_hosts=True), "clips")


def test_a_link_reads_one_object_as_the_named_type_for_so_long(links: S3ClipLinks) -> None:
    url = urlsplit(links.clip_url("demo/-/a b/ü.mp4", seconds=300, content_type="video/mp4"))
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert (url.path, asked["X-Amz-Expires"]) == ("/demo/-/a%20b/%C3%BC.mp4", "300")
    assert asked["response-content-type"] == "video/mp4"
    assert asked["X-Amz-SignedHeaders"] == "host", "a browser may add any Range"
    assert "response-content-disposition" not in asked


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a.zip", "attachment; filename=\"a.zip\"; filename*=UTF-8''a.zip"),
        ('ü"\r\n.zip', "attachment; filename=\"____.zip\"; filename*=UTF-8''%C3%BC%22%0D%0A.zip"),
    ],
)
def test_a_download_has_the_clips_name_whatever_it_is(links: S3ClipLinks, name: str, disposition: str) -> None:
    asked = parse_qs(urlsplit(links.clip_url("k", seconds=60, name=name)).query)
    assert asked["response-content-disposition"] == [disposition]


def test_the_origin_is_that_of_the_links(links: S3ClipLinks) -> None:
    assert links.clip_url("k", seconds=60).startswith(f"{links.origin}/k?")
    assert links.origin.startswith("https://clips.s3.")
