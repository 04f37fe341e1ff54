"""CopyObject and UploadPartCopy by a client of their own: the requests that every clip costs (decision 60).

All else goes by boto3. Errors are botocore's, so that `clients.object_error` names both clients' faults.
"""

import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import unescape

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import Patience, is_passing
from service.aws.connections import Answer, Broken, Connections, Endpoint
from service.aws.pressure import InFlight, NoTurn
from service.aws.sigv4 import HEADER_ENCODING, Signer

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

LONGEST_BACKOFF = 20.0
"""Seconds; the first is at most 1 s, each further one twice as long, all with full jitter."""
_REFUSED = {"SlowDown", "ServiceUnavailable", "503", "429", "TooManyRequests"}
_RESULT = re.compile(rb"<Copy(?:Object|Part)Result[ >]")
_LEAF = re.compile(r"<(\w+)>([^<]*)</\1>")
"""All that such a result has. A parser takes 17 µs for it, this 3: of some 130 that a copy costs."""
_QUOTES = {"&quot;": '"'}


class Unanswered(BotoCoreError):
    fmt = "S3 did not answer: {reason}"


@dataclass(frozen=True)
class CopyAnswer:
    """The answer's XML (`{"ETag": …, "ChecksumCRC32": …}`) and the version that was made."""

    result: Mapping[str, str]
    version: str | None = None


class Copier(Protocol):
    def put(
        self, operation: str, bucket: str, key: str, headers: Mapping[str, str], query: Sequence[tuple[str, str]] = ()
    ) -> CopyAnswer:
        """A request without a body. Headers in lower case, the query's parameters in order.

        Raises botocore's `ClientError` or `BotoCoreError`.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class CopyClient:
    """Passing faults are tried again, with jitter; an error in the body of a 200 is an error."""

    endpoint: Endpoint
    signer: Signer
    connections: Connections
    in_flight: InFlight
    attempts: int

    @classmethod
    def like(cls, client: "S3Client", credentials: "Credentials", *, patience: Patience, in_flight: InFlight) -> Self:
        """To the endpoint and region of a boto3 client."""
        url = urlsplit(client.meta.endpoint_url)
        tls = url.scheme == "https"
        host = url.hostname or ""
        endpoint = Endpoint(
            host=host,
            port=url.port or (443 if tls else 80),
            tls=tls,
            bucket_in_host=host.endswith((".amazonaws.com", ".amazonaws.com.cn")),
        )
        return cls(
            endpoint=endpoint,
            signer=Signer(credentials, client.meta.region_name),
            connections=Connections(endpoint.port, tls, patience),
            in_flight=in_flight,
            attempts=patience.attempts,
        )

    def put(
        self, operation: str, bucket: str, key: str, headers: Mapping[str, str], query: Sequence[tuple[str, str]] = ()
    ) -> CopyAnswer:
        host, beginning = self.endpoint.of_bucket(bucket)
        path = f"{beginning}/{quote(key, safe='/~')}"
        given = {"host": self.endpoint.named(host), **headers}
        asked = urlencode(query, quote_via=quote, safe="~")
        attempt = 1
        while True:
            try:
                return self._once(operation, host, path, asked, given)
            except NoTurn:
                raise Unanswered(reason="it was not asked, those in flight left no turn") from None
            except (ClientError, Unanswered) as error:
                if attempt == self.attempts or not is_passing(error):
                    raise
            time.sleep(random.uniform(0, min(LONGEST_BACKOFF, 2 ** (attempt - 1))))
            attempt += 1

    def _once(self, operation: str, host: str, path: str, query: str, headers: Mapping[str, str]) -> CopyAnswer:
        begun = self.in_flight.begin()
        refused = False
        try:
            answer = self.connections.exchange(host, self._request(operation, path, query, headers))
            try:
                return _answered(operation, answer)
            except ClientError as error:
                refused = error.response["Error"]["Code"] in _REFUSED or answer.status in (429, 503)
                raise
        except Broken as broken:
            raise Unanswered(reason=broken) from broken
        finally:
            self.in_flight.end(begun, refused=refused)

    def _request(self, operation: str, path: str, query: str, headers: Mapping[str, str]) -> bytes:
        """Metadata of an object is anybody's: a header that would be two is refused."""
        target = f"{path}?{query}" if query else path
        try:
            signed = self.signer.sign("PUT", path, query, headers)
            head = "\r\n".join((f"PUT {target} HTTP/1.1", *map(": ".join, signed.items())))
            request = f"{head}\r\ncontent-length: 0\r\n\r\n".encode(HEADER_ENCODING)
        except UnicodeEncodeError as error:
            raise _unsendable(operation) from error
        if head.count("\n") != len(signed) or head.count("\r") != len(signed):
            raise _unsendable(operation)
        return request


def _answered(operation: str, answer: Answer) -> CopyAnswer:
    """S3 may send its 200 before it has copied anything, then blanks, and at last what became of it."""
    if answer.status == 200 and _RESULT.search(answer.body):
        body = answer.body.decode(errors="replace")
        values = {name: unescape(value, _QUOTES) for name, value in _LEAF.findall(body)}
        if "ETag" in values:
            return CopyAnswer(values, answer.headers.get("x-amz-version-id"))
    raise _error(operation, answer, _said(answer.body.strip()))


def _said(body: bytes) -> Mapping[str, str]:
    """An error's code and message; nothing where the body is no error in XML."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError:
        return {}
    values = {child.tag.rpartition("}")[2]: child.text or "" for child in root}
    return values if root.tag.rpartition("}")[2] == "Error" else {}


def _error(operation: str, answer: Answer, said: Mapping[str, str]) -> ClientError:
    status = answer.status
    if status < 300:
        status = 500  # as botocore takes it: the request was fine, what came of it was not
    return ClientError(
        {
            "Error": {"Code": said.get("Code") or str(status), "Message": said.get("Message", "")},
            "ResponseMetadata": {
                "RequestId": answer.headers.get("x-amz-request-id") or said.get("RequestId", ""),
                "HostId": answer.headers.get("x-amz-id-2") or said.get("HostId", ""),
                "HTTPStatusCode": status,
                "HTTPHeaders": dict(answer.headers),
                "RetryAttempts": 0,
            },
        },
        operation,
    )


def _unsendable(operation: str) -> ClientError:
    return _error(operation, Answer(400, {}, b""), {"Code": "InvalidHeader", "Message": "its metadata fits no header"})
