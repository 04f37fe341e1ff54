"""Copy an object of any source into the clips bucket: through this function, in parts, with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from service.errors import ChecksumMismatch, ObjectError, ObjectRejected, SourceUnavailable
from service.planning import MAX_PARTS
from service.schema import Copied, ImportSettings, Verification
from service.sources.digests import Digests, Kind, checksum, kind_for, verdict_by_store
from service.sources.http import Asked
from service.sources.port import ObjectSource, Pin, SourceObject
from service.sources.s3 import s3_error, whole_checksums
from service.uris import Location

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIN_PART_BYTES = 5 * 1024**2  # S3: every part but the last


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """The copy goes on where `upload_id` is given again. With a `fault`, the source failed; else the time was up."""

    upload_id: str
    parts: int
    total_parts: int
    fault: SourceUnavailable | None = None


@dataclass(frozen=True, kw_only=True)
class StreamCopy:
    """Each copy holds at most `memory_bytes` of parts, `parts_in_flight` of them at most.

    An object of more than 10,000 times `part_bytes` gets larger parts; the largest that can be copied has 10,000
    times `memory_bytes`. Each part carries a CRC that S3 compares on arrival.
    """

    client: "S3Client"
    clips_bucket: str
    part_bytes: int = 16 * 1024**2
    memory_bytes: int = 64 * 1024**2
    parts_in_flight: int = 4

    def __post_init__(self) -> None:
        if not MIN_PART_BYTES <= self.part_bytes <= self.memory_bytes:
            raise ValueError(f"part_bytes must be between {MIN_PART_BYTES} and memory_bytes")

    def copy(
        self,
        source: ObjectSource,
        location: Location,
        pin: Pin,
        destination: str,
        *,
        settings: ImportSettings,
        upload_id: str | None = None,
        begun: Callable[[str], None] = lambda _: None,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> Copied | Unfinished:
        """Copy exactly the pinned object to the key `destination`.

        `begun` gets the id of an upload that was begun, before its first part. `out_of_time` is asked before each
        part; only objects of more than one part can be unfinished. A final error ends the upload; so does a checksum
        that differs, and the destination keeps what it had.
        """
        run = _Run(self, source, location, pin, destination, settings)
        try:
            found = source.stat(location, pin)
            if pin.size <= self.part_bytes:
                if upload_id:
                    self.abort(destination, upload_id)
                return run.whole(found)
            return run.parts(found, upload_id, begun, out_of_time)
        except (ClientError, BotoCoreError) as error:
            raise s3_error(error, run.asked) from None

    def abort(self, destination: str, upload_id: str) -> None:
        """Give up an unfinished copy. One that is gone already is no error."""
        try:
            self.client.abort_multipart_upload(Bucket=self.clips_bucket, Key=destination, UploadId=upload_id)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchUpload":
                raise

    def part_size(self, size: int) -> int | None:
        """Bytes of each part but the last; None where the object is too large. The same for every invocation."""
        part = max(self.part_bytes, -(-size // MAX_PARTS))
        return part if part <= self.memory_bytes else None


@dataclass(frozen=True)
class _Span:
    number: int
    start: int
    length: int


@dataclass(frozen=True)
class _Sent:
    number: int
    etag: str
    data: bytearray | None
    """None of a part that an earlier invocation sent."""


@dataclass(frozen=True)
class _Run:
    copier: StreamCopy
    source: ObjectSource
    location: Location
    pin: Pin
    destination: str
    settings: ImportSettings

    @property
    def asked(self) -> Asked:
        return Asked(f"copy to s3://{self.copier.clips_bucket}/{self.destination} from", self.location)

    @property
    def target(self) -> dict[str, Any]:
        return {"Bucket": self.copier.clips_bucket, "Key": self.destination}

    @property
    def client(self) -> "S3Client":
        return self.copier.client

    def whole(self, found: SourceObject) -> Copied:
        data = bytearray(self.pin.size)
        self._fill(data, _Span(1, 0, self.pin.size))
        digests = Digests(found)
        digests.update(data)
        verified = self._verified(digests.verdict())
        answer = self.client.put_object(
            **self.target,
            **self._attributes(found),
            **_sum_of(kind_for(found), data),
            Body=data,  # type: ignore[arg-type]  # any buffer will do
        )
        return Copied(size=self.pin.size, etag=answer["ETag"].strip('"'), verified=verified)

    def parts(
        self,
        found: SourceObject,
        upload_id: str | None,
        begun: Callable[[str], None],
        out_of_time: Callable[[], bool],
    ) -> Copied | Unfinished:
        part = self.copier.part_size(self.pin.size)
        if part is None:
            most = MAX_PARTS * self.copier.memory_bytes
            raise self.asked.error(ObjectRejected, f"it has {self.pin.size} bytes, {most} can be copied at most")
        starts = range(0, self.pin.size, part)
        spans = [_Span(number, start, min(part, self.pin.size - start)) for number, start in enumerate(starts, 1)]
        there = self._listed(upload_id, spans) if upload_id else None
        if upload_id is None or there is None:
            upload_id, there = self._begin(found), {}
            begun(upload_id)
        digests = None if there else Digests(found)
        done: list[_Sent] = []
        try:
            for sent in self._sent(spans, there, upload_id, kind_for(found), out_of_time):
                if digests and sent.data is not None:
                    digests.update(sent.data)
                done.append(_Sent(sent.number, sent.etag, None))
            if len(done) == len(spans):
                return self._complete(found, upload_id, done, digests)
            return Unfinished(upload_id=upload_id, parts=len(done), total_parts=len(spans))
        except SourceUnavailable as error:
            return Unfinished(upload_id=upload_id, parts=len(done), total_parts=len(spans), fault=error)
        except ObjectError:
            with suppress(ClientError, BotoCoreError):
                self.copier.abort(self.destination, upload_id)
            raise

    def _sent(
        self,
        spans: list[_Span],
        there: dict[int, str],
        upload_id: str,
        kind: Kind,
        out_of_time: Callable[[], bool],
    ) -> Iterator[_Sent]:
        """Parts in their order, those that were there already too, several of the others in flight.

        A part's data may be used until the next part is asked for: then its buffer is filled anew.
        """
        width = max(1, min(self.copier.parts_in_flight, self.copier.memory_bytes // spans[0].length))
        buffers: SimpleQueue[bytearray] = SimpleQueue()
        for _ in range(min(width, len(spans) - len(there))):
            buffers.put(bytearray(spans[0].length))
        waiting: deque[Future[_Sent] | _Sent] = deque()

        def first() -> Iterator[_Sent]:
            sent = _result(waiting.popleft())
            yield sent
            if sent.data is not None and len(sent.data) == spans[0].length:
                buffers.put(sent.data)

        with ThreadPoolExecutor(width) as pool:
            try:
                for span in spans:
                    if span.number in there:
                        waiting.append(_Sent(span.number, there[span.number], None))
                        continue
                    while sum(isinstance(one, Future) for one in waiting) >= width:
                        yield from first()
                    if out_of_time():
                        break
                    waiting.append(pool.submit(self._send, span, upload_id, kind, buffers))
                while waiting:
                    yield from first()
            finally:
                for one in waiting:
                    if isinstance(one, Future):
                        one.cancel()

    def _send(self, span: _Span, upload_id: str, kind: Kind, buffers: "SimpleQueue[bytearray]") -> _Sent:
        """The last part is shorter than the buffers, and has its own."""
        data = buffers.get()
        if len(data) != span.length:
            data = bytearray(span.length)
        self._fill(data, span)
        try:
            answer = self.client.upload_part(
                **self.target,
                UploadId=upload_id,
                PartNumber=span.number,
                **_sum_of(kind, data),
                Body=data,  # type: ignore[arg-type]  # any buffer will do
            )
        except (ClientError, BotoCoreError) as error:
            raise s3_error(error, self.asked) from None
        return _Sent(span.number, answer["ETag"], data)

    def _fill(self, data: bytearray, span: _Span) -> None:
        at = 0
        with memoryview(data) as view:
            for piece in self.source.chunks(self.location, span.start, span.length, self.pin):
                view[at : at + len(piece)] = piece
                at += len(piece)

    def _begin(self, found: SourceObject) -> str:
        answer = self.client.create_multipart_upload(
            **self.target, **self._attributes(found), ChecksumAlgorithm=kind_for(found), ChecksumType="FULL_OBJECT"
        )
        return answer["UploadId"]

    def _attributes(self, found: SourceObject) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if self.settings.storage_class:
            given["StorageClass"] = self.settings.storage_class
        if self.settings.keep_metadata and found.content_type:
            given["ContentType"] = found.content_type
        return given

    def _listed(self, upload_id: str, spans: list[_Span]) -> dict[int, str] | None:
        """ETags of the parts that are there in full; None where the upload is gone."""
        lengths = {span.number: span.length for span in spans}
        pages = self.client.get_paginator("list_parts").paginate(**self.target, UploadId=upload_id)
        try:
            return {
                part["PartNumber"]: part["ETag"]
                for page in pages
                for part in page.get("Parts", [])
                if lengths.get(part["PartNumber"]) == part["Size"]
            }
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchUpload":
                return None
            raise

    def _complete(self, found: SourceObject, upload_id: str, done: list[_Sent], digests: Digests | None) -> Copied:
        request: dict[str, Any] = {
            "UploadId": upload_id,
            "MultipartUpload": {"Parts": [{"PartNumber": one.number, "ETag": one.etag} for one in done]},
            "ChecksumType": "FULL_OBJECT",
        }
        kind = kind_for(found)
        verified: Verification | None = None
        if digests:
            verified = self._verified(digests.verdict())
            request[f"Checksum{kind}"] = digests.sums()[kind]
        elif kind in found.checksums:
            # S3 refuses to complete where the parts are not the source's bytes.
            request[f"Checksum{kind}"] = found.checksums[kind]
        try:
            answer = self.client.complete_multipart_upload(**self.target, **request)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "BadDigest":
                self._verified(None)
            raise s3_error(error, self.asked) from None
        if not digests:
            verified = verdict_by_store(found, whole_checksums(answer))
            if verified is None:
                self.client.delete_object(**self.target)
        return Copied(size=self.pin.size, etag=answer["ETag"].strip('"'), verified=self._verified(verified))

    def _verified(self, verified: Verification | None) -> Verification:
        if verified is None:
            raise self.asked.error(ChecksumMismatch, "its bytes have another checksum than the store says")
        return verified


def _sum_of(kind: Kind, data: bytearray) -> dict[str, Any]:
    return {f"Checksum{kind}": checksum(kind, data)}


def _result(one: "Future[_Sent] | _Sent") -> _Sent:
    return one if isinstance(one, _Sent) else one.result()
