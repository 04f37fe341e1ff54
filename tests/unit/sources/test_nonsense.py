"""Stores with malformed answers: each adapter raises an `ObjectError`, whatever is missing or wrong."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from service.domain.errors import ObjectError
from service.domain.uris import Location
from service.sources.gcs import GcsAdapter
from service.sources.http import Asked
from service.sources.hub import HubAdapter
from service.sources.patience import Patience
from service.sources.port import Adapter, Pin
from service.sources.s3 import S3Adapter, client_config
from service.web.addresses import AddressRule

AT = {scheme: Location(scheme, "bucket", "k") for scheme in ("s3", "gs", "hf")}
ANYWHERE = AddressRule(allow_private=True)
ONCE = Patience(attempts=1)

Answer = tuple[dict[str, str], bytes]


class Raw:
    def __init__(self, body: bytes) -> None:
        self._body = [body]

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return self._body

    def read(self, *_: Any) -> bytes:
        return self._body.pop() if self._body else b""

    def close(self) -> None:
        pass


def s3(answer: Answer) -> Adapter:
    config = client_config(connections=1, path_style=False)
    client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="s", config=config)
    headers, body = answer

    def answered(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders.from_dict(headers), Raw(body))

    # The stubs do not know that what a handler returns is taken as the answer.
    client.meta.events.register("before-send.s3", answered)  # type: ignore[arg-type]
    return S3Adapter(client)


class Told:
    """An `Http` that answers to order."""

    def __init__(self, answer: Answer) -> None:
        self._headers, self._body = answer

    def send(self, *_: Any, **__: Any) -> urllib3.BaseHTTPResponse:
        from io import BytesIO

        return urllib3.HTTPResponse(BytesIO(self._body), headers=self._headers, status=200, preload_content=False)


class NoToken:
    def header(self, _asked: Asked) -> dict[str, str]:
        return {}


def gcs(answer: Answer) -> Adapter:
    return GcsAdapter(Told(answer), NoToken(), None, "https://gcs")  # type: ignore[arg-type]


def hub(answer: Answer) -> Adapter:
    return HubAdapter(rule=ANYWHERE, http=Told(answer))  # type: ignore[arg-type]


GOOD_S3 = {"Content-Length": "1", "ETag": '"e"', "Last-Modified": "Sun, 22 Nov 2026 17:00:00 GMT"}
PAGE = "<ListBucketResult><Contents>{}</Contents></ListBucketResult>"
MEMBERS = {
    "Key": "k",
    "Size": "1",
    "ETag": "e",
    "LastModified": "2026-11-22T17:00:00Z",
}
OF_GCS: dict[str, Any] = {"name": "k", "size": "1", "etag": "e", "generation": "7", "updated": "2026-11-22T17:00:00Z"}
OF_HUB: dict[str, Any] = {"type": "file", "path": "k", "size": 1, "xetHash": "e", "mtime": "2026-11-22T17:00:00Z"}
WRONG: list[Any] = [None, "", -1, [], {}, "nonsense", True]
ENDLESS = "123456789" * 5
"""A size with more digits than a row's number can have."""


def page_of(members: dict[str, str]) -> bytes:
    return PAGE.format("".join(f"<{name}>{value}</{name}>" for name, value in members.items())).encode()


def without(good: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in good.items() if other != name}


def attempts() -> list[tuple[str, Callable[[Answer], Adapter], Answer, str]]:
    found: list[tuple[str, Callable[[Answer], Adapter], Answer, str]] = []
    for name in ("Content-Length", "ETag", "Last-Modified"):
        for wrong in (None, "nonsense" if name != "ETag" else '""'):
            headers = without(GOOD_S3, name) | ({name: wrong} if wrong else {})
            found.append(("s3", s3, (headers, b""), "stat"))
    pages = [without(MEMBERS, name) for name in MEMBERS]
    pages += [MEMBERS | {name: "nonsense"} for name in ("Size", "LastModified")]
    pages.append(MEMBERS | {"Size": ENDLESS})
    found.append(("s3", s3, (GOOD_S3 | {"Content-Length": ENDLESS}, b""), "stat"))
    found += [("s3", s3, ({}, page_of(members)), "list") for members in pages]
    truncated = page_of(MEMBERS).replace(b"<Contents>", b"<IsTruncated>true</IsTruncated><Contents>")
    found.append(("s3", s3, ({}, truncated), "list"))
    found.append(("s3", s3, (without(GOOD_S3, "ETag"), b"x"), "open"))
    found.append(("s3", s3, (without(GOOD_S3, "Content-Length"), b"x"), "open"))
    for name in ("name", "size", "etag", "generation"):
        bad = [without(OF_GCS, name), *(OF_GCS | {name: wrong} for wrong in WRONG[:5] if name != "generation")]
        found += [("gs", gcs, ({}, json.dumps(one).encode()), "stat") for one in bad]
        found += [("gs", gcs, ({}, json.dumps({"items": [one]}).encode()), "list") for one in bad]
    for name in ("name", "etag"):
        bad = [OF_GCS | {name: text} for text in ("half \ud800", "k" * 4_097, "é" * 2_049)]
        found += [("gs", gcs, ({}, json.dumps({"items": [one]}).encode()), "list") for one in bad]
    for name in ("path", "xetHash"):
        bad = [OF_HUB | {name: text} for text in ("k \ud800", "k" * 4_097)]
        found += [("hf", hub, ({}, json.dumps([one]).encode()), "list") for one in bad]
    found += [("s3", s3, ({}, page_of(MEMBERS | {name: "k" * 4_097})), "list") for name in ("Key", "ETag")]
    found.append(("gs", gcs, ({}, json.dumps({"items": [OF_GCS | {"size": ENDLESS}]}).encode()), "list"))
    found.append(("hf", hub, ({}, json.dumps([OF_HUB | {"size": int(ENDLESS)}]).encode()), "list"))
    found += [("gs", gcs, ({}, said), "list") for said in (b"[]", b'"x"', b"7", b'{"items": 7}')]
    found += [("gs", gcs, ({}, said), "stat") for said in (b"[]", b'"x"', b"7")]
    for name in ("size", "xetHash"):
        bad = [without(OF_HUB, name), *(OF_HUB | {name: wrong} for wrong in WRONG[:5])]
        found += [("hf", hub, ({}, json.dumps([one]).encode()), call) for one in bad for call in ("stat", "list")]
    found += [
        ("hf", hub, ({}, json.dumps(wrong).encode()), call) for wrong in (7, [7], "x") for call in ("stat", "list")
    ]
    found += [("hf", hub, ({}, json.dumps([OF_HUB | {"mtime": 7}]).encode()), call) for call in ("stat", "list")]
    return found


@pytest.mark.parametrize(("scheme", "adapter", "answer", "call"), attempts())
def test_nonsense_is_the_stores_fault(
    scheme: str, adapter: Callable[[Answer], Adapter], answer: Answer, call: str
) -> None:
    store, at = adapter(answer), AT[scheme]
    calls: dict[str, Callable[[], object]] = {
        "stat": lambda: store.stat(at, None),
        "list": lambda: list(store.list_pages(at, start_after="", patience=ONCE)),
        "open": lambda: store.open(at, 0, 1, Pin(size=1, etag="e")),
    }
    with pytest.raises(ObjectError) as caught:
        calls[call]()
    assert "connection failed" not in str(caught.value), "it reads the answer"
