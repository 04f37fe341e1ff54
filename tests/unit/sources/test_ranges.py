"""Long listings of S3 and Google are listed by concurrent ranges of keys, those of other stores page after page."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service.domain.errors import SourceUnavailable
from service.domain.uris import Location
from service.sources.gcs import GcsAdapter
from service.sources.http import Asked
from service.sources.objects import SourceObjects
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import Adapter
from service.sources.s3 import S3Adapter

KEYS = sorted(f"clips/day-{number % 7}/{number:05}.zip" for number in range(1_000))
PAGE = 5
AT = Location("s3", "clips", "clips/")


@dataclass
class S3:
    """The listing of S3, with an empty page before each that follows a token."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    refused_after: str = "~"

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        token = request.get("ContinuationToken")
        if token and not token.startswith("full"):
            return {"KeyCount": 0, "NextContinuationToken": f"full{token}"}
        first = int(token.removeprefix("full")) if token else bisect_right(KEYS, request.get("StartAfter", ""))
        if first and KEYS[first - 1] >= self.refused_after:
            raise SourceUnavailable("busy", operation="list", uri=str(AT))
        contents = [
            {"Key": key, "Size": 1, "ETag": '"e"', "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
            for key in KEYS[first : first + PAGE]
        ]
        more = {"NextContinuationToken": str(first + PAGE)} if first + PAGE < len(KEYS) else {}
        return {"Contents": contents, "KeyCount": len(contents), **more}

    @property
    def guessed(self) -> bool:
        """Whether a request began between two keys, as ranges do."""
        return any(asked.get("StartAfter", KEYS[0]) not in KEYS for asked in self.asked)


class Google(GcsAdapter):
    asked: list[str] = []  # noqa: RUF012  # the adapter is frozen

    def _json(self, url: str, asked: Asked) -> Any:  # noqa: ARG002
        query = parse_qs(urlsplit(url).query)
        self.asked.append(query.get("startOffset", [KEYS[0]])[0])
        token = query.get("pageToken")
        first = int(token[0]) if token else bisect_left(KEYS, query.get("startOffset", [""])[0])
        fields = {"size": "1", "etag": "e", "generation": "1", "updated": "2026-01-01T00:00:00Z"}
        more = {"nextPageToken": str(first + PAGE)} if first + PAGE < len(KEYS) else {}
        return {"items": [{"name": key, **fields} for key in KEYS[first : first + PAGE]], **more}


@pytest.fixture(autouse=True)
def _no_listing_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("list-")]


def listed(adapter: Adapter, start_after: str = "") -> list[str]:
    source = SourceObjects(source=PatientSource(adapter, Patience(attempts=1)))
    return [found.key for page in source.list_pages(AT, start_after=start_after) for found in page]


@pytest.mark.parametrize("start_after", ["", KEYS[333]])
def test_s3_is_listed_by_ranges_in_order(start_after: str) -> None:
    client = S3()
    assert listed(S3Adapter(client), start_after) == [key for key in KEYS if key > start_after]  # type: ignore[arg-type]
    assert client.guessed


def test_a_store_with_s3_s_api_is_listed_page_after_page() -> None:
    client = S3()
    assert listed(S3Adapter(client, of_aws=False)) == KEYS  # type: ignore[arg-type]
    assert not client.guessed
    assert not any("StartAfter" in asked for asked in client.asked)


@pytest.mark.parametrize(("of_google", "guesses"), [(True, True), (False, False)])
def test_google_is_listed_by_ranges_in_order(*, of_google: bool, guesses: bool) -> None:
    Google.asked = []
    google = Google(None, None, "https://storage.example.com", of_google=of_google)  # type: ignore[arg-type]
    assert listed(google) == KEYS
    assert any(asked not in KEYS for asked in Google.asked) is guesses


def test_an_error_comes_after_all_pages_before_it() -> None:
    source = PatientSource(S3Adapter(S3(refused_after=KEYS[500])), Patience(attempts=1))  # type: ignore[arg-type]
    found: list[str] = []

    def read() -> None:
        for page in source.list_pages(AT):
            found.extend(item.key for item in page)

    with pytest.raises(SourceUnavailable):
        read()
    assert found == KEYS[: len(found)]
    assert 50 <= len(found) <= 505
