"""A fake S3 endpoint that only answers, to measure clients: every object exists, copies succeed after a fixed time.

`python -m benchmarks.stub --port 0 --objects 3000 --copy-ms 30 --page-ms 0 --refuse-percent 0` prints `{"port": n}` and
serves on 127.0.0.1 until it is stopped. Pages of a listing take `--page-ms`; `--refuse-percent` of the copies get 503
SlowDown at random. `GET /?counts` returns the answered requests by kind (`{"COPY": 3, …}`) and the stub's own CPU
seconds (`cpu_seconds`), so that a run can show that the stub was not the bottleneck; `GET /?reset` resets the counts.

Every bucket holds the keys `clips/000000000.zip`, … and every copy of them. Each object has 1,024 bytes or, with
`--body FILE`, the bytes of that file; a GET returns its range after `--copy-ms`. The stub checks no signature, bucket
or key. It also acts as a DynamoDB table, which accepts every write and counts them by operation, and as Google Cloud
Storage: it gives every service account a token, and lists a bucket by the JSON API, with what a page costs as for S3.
"""

import argparse
import asyncio
import json
import random
import time
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from pathlib import Path
from urllib.parse import parse_qs, unquote

PAGE = 1_000
SIZE = 1_024
PREFIX = "clips/"
MODIFIED = "Sun, 22 Nov 2026 17:00:00 GMT"
_COPIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LastModified>2026-11-22T17:00:00.000Z</LastModified><ETag>%s</ETag></CopyObjectResult>"
)

_REFUSED = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def etag_of(number: int) -> str:
    """Return an ETag that looks like an MD5."""
    return f"{number:032x}"


class Clock:
    """Delays answers and sends them in the order in which they are due, with one timer for all."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop, self._seconds = loop, seconds
        self._waiting: deque[tuple[float, asyncio.WriteTransport, bytes]] = deque()

    def later(self, transport: asyncio.WriteTransport, answer: bytes) -> None:
        if not self._seconds:
            transport.write(answer)
            return
        due = self._loop.time() + self._seconds
        self._waiting.append((due, transport, answer))
        if len(self._waiting) == 1:
            self._loop.call_at(due, self._send)

    def _send(self) -> None:
        now = self._loop.time() + 0.0005
        while self._waiting and self._waiting[0][0] <= now:
            _, transport, answer = self._waiting.popleft()
            if not transport.is_closing():
                transport.write(answer)
        if self._waiting:
            self._loop.call_at(self._waiting[0][0], self._send)


class Store:
    def __init__(self, objects: int, copies: Clock, pages: Clock, refused: float, body: bytes = bytes(SIZE)) -> None:
        self.objects, self.copies, self.pages, self.refused, self.body = objects, copies, pages, refused, body
        self.random = random.Random(1)
        self.counts: Counter[str] = Counter()
        self._cpu = time.process_time()
        self._pages: dict[tuple[int, int, str], bytes] = {}
        self._google_pages: dict[tuple[int, int], bytes] = {}

    def told(self) -> bytes:
        return json.dumps({**self.counts, "cpu_seconds": round(time.process_time() - self._cpu, 3)}).encode()

    def reset(self) -> bytes:
        self.counts.clear()
        self._cpu = time.process_time()
        return b"{}"

    def page(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        """Return a page of ListObjectsV2, or of ListObjects for old clients. Cached: its cost affects no client."""
        after = (query.get("continuation-token") or query.get("start-after") or query.get("marker") or [""])[0]
        prefix = query.get("prefix", [""])[0]
        encoded = query.get("encoding-type", [""])[0]
        if not (PREFIX.startswith(prefix) or prefix.startswith(PREFIX)):
            return _listing(bucket, prefix, [], "", encoded, len(self.body))
        first = bisect_right(range(self.objects), after, key=key_of)
        last = min(first + int(query.get("max-keys", [str(PAGE)])[0]), self.objects)
        known = self._pages.get((first, last, encoded))
        if known is None:
            more = key_of(last - 1) if last < self.objects else ""
            known = _listing(bucket, PREFIX, list(range(first, last)), more, encoded, len(self.body))
            self._pages[first, last, encoded] = known
        return known

    def google_page(self, query: dict[str, list[str]]) -> bytes:
        """Return a page of Google's `objects.list`, cached as well. A page token is the last key."""
        token, offset = query.get("pageToken"), query.get("startOffset")
        keys = range(self.objects)
        first = bisect_right(keys, token[0], key=key_of) if token else 0
        if offset:
            first = max(first, bisect_left(keys, offset[0], key=key_of))
        last = min(first + int(query.get("maxResults", [str(PAGE)])[0]), self.objects)
        known = self._google_pages.get((first, last))
        if known is None:
            more = {"nextPageToken": key_of(last - 1)} if last < self.objects else {}
            items = [_google_item(number, len(self.body)) for number in range(first, last)]
            known = self._google_pages[first, last] = json.dumps({"items": items} | more).encode()
        return known


def _google_item(number: int, size: int) -> dict[str, str]:
    return {
        "name": key_of(number),
        "size": str(size),
        "etag": "CJ+/vbbW8ocDEAE=",
        "generation": str(1_732_000_000_000_000 + number),
        "updated": "2026-11-22T17:00:00.000Z",
        "md5Hash": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "crc32c": "AAAAAA==",
    }


def key_of(number: int) -> str:
    return f"{PREFIX}{number:09d}.zip"


def _listing(bucket: str, prefix: str, numbers: list[int], more: str, encoded: str, size: int) -> bytes:
    items = "".join(
        f"<Contents><Key>{key_of(number)}</Key><LastModified>2026-11-22T17:00:00.000Z</LastModified>"
        f"<ETag>&quot;{etag_of(number)}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for number in numbers
    )
    token = f"<NextContinuationToken>{more}</NextContinuationToken><NextMarker>{more}</NextMarker>" if more else ""
    encoding = f"<EncodingType>{encoded}</EncodingType>" if encoded else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(numbers)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"{encoding}<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{token}{items}</ListBucketResult>"
    ).encode()


class Connection(asyncio.Protocol):
    def __init__(self, store: Store) -> None:
        self.store, self._unread = store, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head = self._unread[:end]
            length = int(_header(head, b"content-length") or 0)
            if len(self._unread) < end + 4 + length:
                return
            self._unread = self._unread[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        method, target, _ = head[: head.index(b"\r\n")].split(b" ", 2)
        store = self.store
        if method == b"PUT":
            if store.random.random() < store.refused:
                store.counts["REFUSED"] += 1
                self.transport.write(_http(_REFUSED, b"Content-Type: application/xml\r\n", status=b"503 Slow Down"))
                return
            store.counts["COPY" if _header(head, b"x-amz-copy-source") else "PUT"] += 1
            etag = _header(head, b"x-amz-copy-source-if-match") or b'"%s"' % etag_of(0).encode()
            store.copies.later(self.transport, _http(_COPIED % etag, b"Content-Type: application/xml\r\n"))
            return
        if method == b"POST" and target == b"/token":  # Google's
            token = b'{"access_token":"stub","expires_in":3600,"token_type":"Bearer"}'
            self.transport.write(_http(token, b"Content-Type: application/json\r\n"))
            return
        if method == b"POST":  # DynamoDB's
            operation = (_header(head, b"x-amz-target") or b"POST").decode().rpartition(".")[2]
            store.counts[operation] += 1
            self.transport.write(_http(b'{"UnprocessedItems":{}}', b"Content-Type: application/x-amz-json-1.0\r\n"))
            return
        path, _, query_text = target.decode().partition("?")
        query = parse_qs(query_text, keep_blank_values=True)
        if "counts" in query or "reset" in query:
            self.transport.write(_http(store.told() if "counts" in query else store.reset(), b""))
        elif method == b"HEAD":
            store.counts["HEAD"] += 1
            digits = unquote(path).rpartition("/")[2].removesuffix(".zip")
            if not digits.isdigit():
                self.transport.write(_http(b"", b"", status=b"404 Not Found"))
                return
            digest = etag_of(int(digits))
            about = f'ETag: "{digest}"\r\nLast-Modified: {MODIFIED}\r\nContent-Type: application/zip\r\n'
            store.copies.later(self.transport, _http(b"", about.encode(), length=len(store.body)))
        elif path.startswith("/storage/v1/b/"):
            store.counts["LIST"] += 1
            store.pages.later(self.transport, _http(store.google_page(query), b"Content-Type: application/json\r\n"))
        elif "list-type" in query or "prefix" in query or "delimiter" in query:
            store.counts["LIST"] += 1
            answer = store.page(path.strip("/").split("/")[0], query)
            store.pages.later(self.transport, _http(answer, b"Content-Type: application/xml\r\n"))
        else:
            store.counts[method.decode()] += 1
            first, _, last = (_header(head, b"range") or b"bytes=0-").removeprefix(b"bytes=").partition(b"-")
            part = store.body[int(first) : int(last) + 1 if last else None]
            store.copies.later(self.transport, _http(part, b"", status=b"206 Partial Content"))


def _header(head: bytes, name: bytes) -> bytes | None:
    at = head.lower().find(b"\r\n" + name + b":")
    if at < 0:
        return None
    end = head.find(b"\r\n", at + 2)
    return head[at + len(name) + 3 : end if end >= 0 else None].strip()


def _http(body: bytes, headers: bytes, *, length: int | None = None, status: bytes = b"200 OK") -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\nx-amz-request-id: STUB\r\nContent-Length: %d\r\n%s\r\n%s" % (status, size, headers, body)


async def serve(port: int, objects: int, copy_seconds: float, page_seconds: float, refused: float, body: bytes) -> None:
    loop = asyncio.get_running_loop()
    store = Store(objects, Clock(loop, copy_seconds), Clock(loop, page_seconds), refused, body)
    server = await loop.create_server(lambda: Connection(store), "127.0.0.1", port, backlog=1_024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--copy-ms", type=float, default=30.0)
    parser.add_argument("--page-ms", type=float, default=0.0)
    parser.add_argument("--refuse-percent", type=float, default=0.0)
    parser.add_argument("--body", type=Path, help="file with the content of every object")
    given = parser.parse_args()
    body = given.body.read_bytes() if given.body else bytes(SIZE)
    refused = given.refuse_percent / 100
    asyncio.run(serve(given.port, given.objects, given.copy_ms / 1e3, given.page_ms / 1e3, refused, body))


if __name__ == "__main__":
    main()
