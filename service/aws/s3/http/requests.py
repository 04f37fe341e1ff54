"""Send S3's frequent requests (for every clip or page of a listing) with our own client (decision 60).

botocore sends all others. Both raise botocore's errors, so `clients.object_error` maps those of both.
"""

import random
import re
from asyncio import sleep
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import unescape

from botocore.exceptions import ClientError

from service.aws.clients import Patience, Unanswered, Untaken, is_passing
from service.aws.s3.http.connections import MAX_ANSWER_BYTES, Answer, Broken, Connections, Endpoint
from service.aws.s3.http.endpoints import is_s3_host, region_of
from service.aws.s3.http.rate_limiter import InFlight, NoTurn
from service.aws.s3.http.sigv4 import HEADER_ENCODING, Signer
from service.domain.s3_error_codes import LIMITED
from service.domain.uris import is_access_point

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

FIRST_BACKOFF, FIRST_BACKOFF_REFUSED, LONGEST_BACKOFF = 1.0, 0.25, 20.0
"""Maximum seconds before a request's second try; each further wait is twice as long, all with full jitter. After a
refusal the rate limiter lowers the rate for all requests, so the refused one itself need not wait long."""
_REFUSED = LIMITED | {"ServiceUnavailable", "503"}
_ELSEWHERE = frozenset(
    {
        *("301", "302", "307", "400", "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed"),
        "IllegalLocationConstraintException",
    }
)
"""Codes for a bucket in another region, the last one where either region is an opt-in region; botocore follows it too.
A HEAD signed for the wrong region is answered only with 400."""
_RESULT = re.compile(rb"<Copy(?:Object|Part)Result[ >]")
_LEAF = re.compile(r"<(\w+)>([^<]*)</\1>")
"""Parses a copy's result in 3 µs; an XML parser takes 17, of some 130 µs that a copy costs."""
_QUOTES = {"&quot;": '"'}


Query = Sequence[tuple[str, str]]
Read = TypeVar("Read")
NOTHING: Mapping[str, str] = MappingProxyType({})


def of_version(version: str | None) -> Query:
    """Return the query that names an object's version."""
    return (("versionId", version),) if version else ()


class CopyAnswer(NamedTuple):
    """Elements of the XML (`{"ETag": …, "ChecksumCRC32": …}`), and the version of the new object."""

    result: Mapping[str, str]
    version: str | None = None


class Requests(Protocol):
    """Requests to S3 with one identity. Header names are lower case, query parameters sorted.

    All raise botocore's `ClientError` or `BotoCoreError`.
    """

    async def put(
        self, operation: str, bucket: str, key: str, headers: Mapping[str, str], query: Query = ()
    ) -> CopyAnswer:
        """Copy: a PUT without a body, to the clips bucket's region."""
        ...

    async def head(self, bucket: str, key: str, headers: Mapping[str, str], query: Query = ()) -> Mapping[str, str]:
        """Return the answer's headers."""
        ...

    async def get(
        self,
        operation: str,
        bucket: str,
        key: str,
        read: Callable[[bytes], Read],
        *,
        headers: Mapping[str, str] = NOTHING,
        query: Query = (),
        most: float = MAX_ANSWER_BYTES,
    ) -> Read:
        """Return `read` of the answer's body, of at most `most` bytes. If `read` raises `Unanswered`, the request is
        retried."""
        ...


@dataclass(frozen=True)
class Place:
    """Endpoint and signer for the requests to a bucket."""

    endpoint: Endpoint
    signer: Signer


@dataclass(frozen=True, kw_only=True)
class S3Requests:
    """Retries transient errors with backoff and jitter. An error in the body of a 200 is an error."""

    home: Place
    connections: Connections
    in_flight: InFlight
    """Limits copies only."""
    attempts: int
    _elsewhere: dict[str, Place] = field(default_factory=dict, repr=False)
    """Places of buckets in other regions."""

    @classmethod
    def to(cls, url: str, region: str, credentials: "Credentials", *, patience: Patience, in_flight: InFlight) -> Self:
        """Make it for a botocore client's endpoint and region."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host = parts.hostname or ""
        port = parts.port or (443 if tls else 80)
        endpoint = Endpoint(host=host, port=port, tls=tls, bucket_in_host=is_s3_host(host))
        return cls(
            home=Place(endpoint, Signer(credentials, region)),
            connections=Connections(port, tls, patience),
            in_flight=in_flight,
            attempts=patience.attempts,
        )

    async def put(
        self, operation: str, bucket: str, key: str, headers: Mapping[str, str], query: Query = ()
    ) -> CopyAnswer:
        request = _Request(operation, "PUT", bucket, key, headers, query)
        return await self._asked(request, _copied, in_turn=True)

    async def head(self, bucket: str, key: str, headers: Mapping[str, str], query: Query = ()) -> Mapping[str, str]:
        return (await self._asked(_Request("HeadObject", "HEAD", bucket, key, headers, query), _found)).headers

    async def get(
        self,
        operation: str,
        bucket: str,
        key: str,
        read: Callable[[bytes], Read],
        *,
        headers: Mapping[str, str] = NOTHING,
        query: Query = (),
        most: float = MAX_ANSWER_BYTES,
    ) -> Read:
        def body(request: _Request, answer: Answer) -> Read:
            return read(_found(request, answer).body)

        return await self._asked(_Request(operation, "GET", bucket, key, headers, query, most), body)

    async def _asked(
        self, request: "_Request", read: "Callable[[_Request, Answer], Read]", *, in_turn: bool = False
    ) -> Read:
        attempt, send = 1, self._in_turn if in_turn else self._send
        doubtful = 0
        while True:
            place = self.place_of(request.bucket)
            try:
                return await send(request, place, read)
            except (ClientError, Unanswered) as error:
                if isinstance(error, ClientError) and not in_turn and await self._moved(request, place, error):
                    continue
                refused = isinstance(error, ClientError) and _is_refused(error)
                if isinstance(error, ClientError):
                    error.response["ResponseMetadata"]["RetryAttempts"] = doubtful
                if attempt == self.attempts or not is_passing(error):
                    raise
                doubtful += not refused  # S3 may have done it
                first = FIRST_BACKOFF_REFUSED if refused and not self.in_flight.is_limited else FIRST_BACKOFF
            await sleep(random.uniform(0, min(LONGEST_BACKOFF, first * 2 ** (attempt - 1))))
            attempt += 1

    def place_of(self, bucket: str) -> Place:
        """Return where the requests to a bucket go. An access point's ARN names its region."""
        found = self._elsewhere.get(bucket)
        if found is None and self.home.endpoint.bucket_in_host and is_access_point(bucket):
            found = self._elsewhere[bucket] = self._in_region(self.home, region_of(bucket))
        return found or self.home

    @staticmethod
    def _in_region(place: Place, region: str) -> Place:
        return Place(place.endpoint.in_region(region), Signer(place.signer.credentials, region))

    async def _in_turn(self, request: "_Request", place: Place, read: "Callable[[_Request, Answer], Read]") -> Read:
        try:
            slot = await self.in_flight.begin()
        except NoTurn:
            raise Untaken from None
        refused = False
        try:
            return await self._send(request, place, read)
        except ClientError as error:
            refused = _is_refused(error)
            raise
        finally:
            self.in_flight.end(slot, refused=refused)

    async def _send(self, request: "_Request", place: Place, read: "Callable[[_Request, Answer], Read]") -> Read:
        host, encoded = request.encoded(place, await place.signer.keys())
        try:
            bodiless = request.method == "HEAD"
            answer = await self.connections.exchange(host, encoded, bodiless=bodiless, most=request.most)
            return read(request, answer)
        except Broken as broken:
            raise Unanswered(reason=broken) from broken

    async def _moved(self, request: "_Request", place: Place, error: ClientError) -> bool:
        """Return whether the bucket is in another AWS region. Later requests go there."""
        if not place.endpoint.bucket_in_host or error.response["Error"]["Code"] not in _ELSEWHERE:
            return False
        region = _region_in(error)
        if region is None and request.operation != "HeadBucket":
            # The answer to a HEAD may not name the region; the HEAD of the bucket does (botocore does the same).
            try:
                await self._send(_Request("HeadBucket", "HEAD", request.bucket, "", {}, ()), place, _found)
            except ClientError as found:
                region = _region_in(found)
        if region is None or region == place.signer.region:
            return False
        self._elsewhere[request.bucket] = self._in_region(place, region)
        return True


class _Request(NamedTuple):
    operation: str
    method: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    query: Query
    most: float = MAX_ANSWER_BYTES
    """Bytes of the answer's body, at most."""

    def encoded(self, place: Place, keys: "ReadOnlyCredentials") -> tuple[str, bytes]:
        """Return host and bytes. Rejects headers with a line break, which metadata may contain."""
        host, beginning = place.endpoint.of_bucket(self.bucket)
        path = f"{beginning}/{quote(self.key, safe='/~')}"
        query = urlencode(self.query, quote_via=quote, safe="~") if self.query else ""
        target = f"{path}?{query}" if query else path
        given = {"host": place.endpoint.named(host), **self.headers}
        try:
            signed = place.signer.sign(keys, self.method, path, query, given)
            head = "\r\n".join((f"{self.method} {target} HTTP/1.1", *map(": ".join, signed.items())))
            length = "content-length: 0\r\n" if self.method == "PUT" else ""
            encoded = f"{head}\r\n{length}\r\n".encode(HEADER_ENCODING)
        except UnicodeEncodeError as error:
            raise _unsendable(self.operation) from error
        if head.count("\n") != len(signed) or head.count("\r") != len(signed):
            raise _unsendable(self.operation)
        return host, encoded


def _is_refused(error: ClientError) -> bool:
    """Return whether the store asks for fewer requests."""
    told = error.response
    return told["Error"]["Code"] in _REFUSED or told["ResponseMetadata"]["HTTPStatusCode"] in (429, 503)


def _found(request: _Request, answer: Answer) -> Answer:
    if answer.status in (200, 206):
        return answer
    raise _error(request.operation, answer, _said(answer.body.strip()))


def _copied(request: _Request, answer: Answer) -> CopyAnswer:
    """Parse a copy's answer. S3 may send its 200 before it copies, then blanks, and finally the result."""
    if answer.status == 200 and _RESULT.search(answer.body):
        body = answer.body.decode(errors="replace")
        values = {name: unescape(value, _QUOTES) if "&" in value else value for name, value in _LEAF.findall(body)}
        if values.get("ETag", "").strip('"'):
            return CopyAnswer(values, answer.headers.get("x-amz-version-id"))
    raise _error(request.operation, answer, _said(answer.body.strip()))


def _said(body: bytes) -> Mapping[str, str]:
    """Return an error's code and message; empty if the body is not an error in XML."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError:
        return {}
    values = {child.tag.rpartition("}")[2]: child.text or "" for child in root}
    return values if root.tag.rpartition("}")[2] == "Error" else {}


def _error(operation: str, answer: Answer, said: Mapping[str, str]) -> ClientError:
    status = answer.status
    if status < 300:
        status = 500  # like botocore: the request was valid, S3 failed to do it
    told: Any = {
        "Error": {**said, "Code": said.get("Code") or str(status), "Message": said.get("Message", "")},
        "ResponseMetadata": {
            "RequestId": answer.headers.get("x-amz-request-id") or said.get("RequestId", ""),
            "HostId": answer.headers.get("x-amz-id-2") or said.get("HostId", ""),
            "HTTPStatusCode": status,
            "HTTPHeaders": dict(answer.headers),
            "RetryAttempts": 0,
        },
    }
    return ClientError(told, operation)


def _region_in(error: ClientError) -> str | None:
    told: Any = error.response
    region = told["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region") or told["Error"].get("Region")
    return str(region) if region else None


def _unsendable(operation: str) -> ClientError:
    said = {"Code": "InvalidHeader", "Message": "its metadata cannot be sent in a header"}
    return _error(operation, Answer(400, {}, b""), said)
