"""Request and parse pages of ListObjectsV2. A parser for the page's usual form makes it fast."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from xml.etree import ElementTree as ET

from botocore.exceptions import ClientError
from botocore.utils import parse_timestamp

from service.aws.clients import Unanswered
from service.aws.s3.http.event_loop import run
from service.aws.s3.http.requests import NOTHING, Query, Requests
from service.domain.archives import archive_of, hides_archive
from service.domain.objects import ListedObject
from service.support.clock import timestamp
from service.support.parallel_listing import Fetch, Page
from service.support.usual_listing import decoded, usual_page

OPERATION = "ListObjectsV2"
ASKED = {"x-amz-optional-object-attributes": "RestoreStatus"}
"""Headers of the request: pages then tell which archived objects are restored."""
_KEY = attrgetter("key")


@dataclass(frozen=True)
class ListedPage(Page):
    token: str = ""
    """The store's continuation token; needed only if a page has no objects and more follow."""


def list_query(prefix: str, *, start_after: str = "", token: str = "") -> Query:
    """Return the query, sorted as signatures require. Keys are percent-encoded, since XML cannot hold all of them."""
    given = {"continuation-token": token, "prefix": prefix, "start-after": "" if token else start_after}
    asked = {name: value for name, value in given.items() if value} | {"encoding-type": "url", "list-type": "2"}
    return sorted(asked.items())


def fetcher(requests: Requests, bucket: str, prefix: str, headers: Mapping[str, str] = NOTHING) -> Fetch:
    """Return a function that reads the first page after a key. It raises botocore's errors."""

    def fetch(start_after: str) -> Page:
        token = ""
        while True:
            query = list_query(prefix, start_after=start_after, token=token)
            page = run(requests.get(OPERATION, bucket, "", parse_page, headers={**ASKED, **headers}, query=query))
            if page.objects or not page.more:
                break
            token = page.token
        _check_order(start_after, page.objects)
        return page

    return fetch


def _check_order(start_after: str, objects: Sequence[ListedObject]) -> None:
    """Raise an error if the order is wrong: a reader that continues after the last key would skip objects or loop."""
    keys = [start_after, *map(_KEY, objects)]
    if keys != sorted(keys) or (start_after and objects and keys[1] == start_after):
        told = {"Code": "ListingOutOfOrder", "Message": "keys are not listed in UTF-8 binary order after a given one"}
        raise ClientError({"Error": told, "ResponseMetadata": {"HTTPStatusCode": 200}}, OPERATION)  # type: ignore[typeddict-item]  # no more is asked of it


def parse_page(body: bytes) -> ListedPage:
    """Parse a page. Raises `Unanswered`, which is retried, if the body is not a complete page."""
    try:
        page = _usual(body) or _any(body)
    except (ET.ParseError, ValueError) as error:
        message = f"the answer of {len(body):,} bytes is not a page of a listing ({type(error).__name__})"
        raise Unanswered(reason=message) from error
    if page.more and not page.objects and not page.token:
        raise Unanswered(reason="an empty page of a listing says that more follow, but has no continuation token")
    return page


def _usual(body: bytes) -> ListedPage | None:
    page = usual_page(body)
    return ListedPage(page.objects, page.more, page.token) if page else None


def _any(body: bytes) -> ListedPage:
    """Parse any page, like botocore: by element names, in any order and namespace."""
    root = ET.fromstring(body)
    if _name(root) != "ListBucketResult":
        raise ValueError(_name(root))
    said = {_name(child): child.text or "" for child in root}
    decode = decoded if said.get("EncodingType") == "url" else str
    objects = [_object(child, decode) for child in root if _name(child) == "Contents"]
    return ListedPage(objects, said.get("IsTruncated") == "true", said.get("NextContinuationToken", ""))


def _object(contents: ET.Element, decode: Callable[[str], str]) -> ListedObject:
    """Raises `ValueError` if the key, the size or the ETag is missing."""
    said = {_name(child): child.text or "" for child in contents}
    if not (said.get("Key") and said.get("Size") and said.get("ETag", "").strip('"')):
        raise ValueError("an object lacks its key, size or ETag")
    return ListedObject(
        key=decode(said["Key"]),
        size=int(said["Size"]),
        etag=said["ETag"].strip('"'),
        modified=_time(said["LastModified"]) if "LastModified" in said else None,
        archive=archive_of(said.get("StorageClass"), restored=_is_restored(contents)),
        archive_hidden=hides_archive(said.get("StorageClass")),
    )


def _is_restored(contents: ET.Element) -> bool:
    told = [child for child in contents if _name(child) == "RestoreStatus"]
    return any(_name(one) == "IsRestoreInProgress" and one.text == "false" for status in told for one in status)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parse_timestamp(text)
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
