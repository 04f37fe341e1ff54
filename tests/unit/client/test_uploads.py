"""Uploads of local files with the SDK."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest

from clipferry.errors import ConnectionFailed, FileChanged, LinkExpired, NotFound
from clipferry.models.uploads import Upload
from tests.unit.client.inbox import Inbox

PART = 1_000
BODY = os.urandom(3 * PART + 1)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.zip"
    path.write_bytes(BODY)
    return path


@pytest.mark.parametrize("body", [b"", b"clip"])
def test_a_small_file_takes_one_request_to_each(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(body)
    inbox, counted = Inbox(), list[int]()
    done = inbox.client().uploads.file(tmp_path / "a.zip", "2026/a.zip", progress=counted.append)
    assert (done.uri, done.etag, counted) == ("s3://drop/inbox/demo/2026/a.zip", "etag", [len(body)])
    assert inbox.objects == {"2026/a.zip": body}
    assert len(inbox.asked) == len(inbox.puts) == 1
    assert inbox.keys_sent == [None], "S3 never sees the API key"


def test_a_large_file_is_sent_in_parts(large: Path) -> None:
    inbox, begun, counted = Inbox(), list[Upload](), list[int]()
    done = inbox.client().uploads.file(large, "a", part_bytes=PART, begun=begun.append, progress=counted.append)
    assert (inbox.objects, done.etag, counted) == ({"a": BODY}, "etag-1", [PART, PART, PART, 1])
    assert [upload.upload_id for upload in begun] == ["upload-0"]
    assert [number for _, number in inbox.puts] == ["1", "2", "3", "4"]


def test_the_async_client_does_the_same(large: Path) -> None:
    inbox = Inbox()

    async def upload() -> None:
        async with inbox.async_client() as client:
            await client.uploads.file(large, "a", part_bytes=PART)

    asyncio.run(upload())
    assert inbox.objects == {"a": BODY}


def test_an_upload_goes_on_with_the_parts_that_are_not_there(large: Path) -> None:
    inbox, begun = Inbox(), list[Upload]()
    inbox.refuse = lambda _place: httpx.Response(418) if len(inbox.puts) == 2 else None
    with pytest.raises(Exception, match="418"):
        inbox.client().uploads.file(large, "a", part_bytes=PART, begun=begun.append)
    inbox.refuse = lambda _place: None
    inbox.client().uploads.file(large, "a", part_bytes=PART, resume=begun[0])
    assert [number for _, number in inbox.puts] == ["1", "2", "3", "4"]
    assert inbox.objects == {"a": BODY}


@pytest.mark.parametrize("passing", [httpx.Response(503), httpx.ReadError("broken"), httpx.Response(403)])
def test_a_fault_that_passes_is_tried_again(large: Path, passing: httpx.Response | Exception) -> None:
    """403: the link has expired, and another one is requested."""
    inbox = Inbox()
    faults = iter([passing, passing])
    inbox.refuse = lambda _place: next(faults, None)
    counted: list[int] = []
    inbox.client().uploads.file(large, "a", part_bytes=PART, progress=counted.append)
    assert (inbox.objects, sum(counted)) == ({"a": BODY}, len(BODY))


@pytest.mark.parametrize(
    ("lasting", "error"),
    [
        (httpx.Response(503), ConnectionFailed),
        (httpx.ReadError("https://drop.example/?X-Amz-Signature=secret"), ConnectionFailed),
        (httpx.Response(403), LinkExpired),
        (httpx.Response(400, content=b"<Code>BadDigest</Code>"), FileChanged),
        (httpx.Response(404), NotFound),
    ],
)
def test_a_fault_that_lasts_is_an_error_with_a_code(
    large: Path, lasting: httpx.Response | Exception, error: type[Exception]
) -> None:
    inbox = Inbox()
    inbox.refuse = lambda _place: lasting
    with pytest.raises(error) as caught:
        inbox.client().uploads.file(large, "a", part_bytes=PART)
    assert "drop.example" not in str(caught.value), "a link is a credential"
    assert inbox.objects == {}


def test_a_file_that_changes_between_its_parts_is_not_completed(large: Path) -> None:
    inbox = Inbox()

    def change(_place: str) -> None:
        large.write_bytes(BODY + b"more")

    inbox.refuse = change
    with pytest.raises(FileChanged, match=r"large\.zip"):
        inbox.client().uploads.file(large, "a", part_bytes=PART)
    assert not [one for one in inbox.asked if one["path"].endswith("complete")]


def test_an_upload_is_aborted() -> None:
    inbox = Inbox()
    inbox.parts["u"] = {}
    inbox.client().uploads.abort("a", "u")
    assert inbox.parts == {}
