"""Stream objects from any source into the clips bucket, in parts and with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    ChecksumMismatch,
    DestinationChanged,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.ids import MARK, SOURCE_MARK, mark_places, may_bear, source_mark
from service.domain.multipart import MAX_PARTS, STREAM_PART_BYTES, part_size
from service.domain.objects import Copied, Sent
from service.domain.requests import ImportSettings, OnExisting
from service.domain.s3_error_codes import NO_OBJECT
from service.domain.uris import Location
from service.domain.verification import given_checksum
from service.sources.digests import Digests, Kind, encoded, extended, kind_for, verdict_of
from service.sources.http import Asked, etag_of, key_of, reading
from service.sources.kept import attributes, kept_of
from service.sources.memory import Memory
from service.sources.patience import PART_SECONDS
from service.sources.port import Pin, PinnedSource, SourceObject
from service.sources.s3 import s3_error, whole_checksums
from service.support.clock import timestamp
from service.web.deadline import Deadline

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIN_PART_BYTES = 5 * 1024**2  # S3's minimum for every part but the last


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """An object to stream, and its destination key."""

    source: PinnedSource
    location: Location
    pin: Pin
    destination: str
    checksum: str | None = None
    """`KIND:base64`; the object must have this checksum."""
    destination_etag: str | None = None
    """ETag of the object that planning found at the destination."""
    in_set: bool = False

    @property
    def given(self) -> dict[str, str]:
        return given_checksum(self.checksum)

    @property
    def source_mark(self) -> str:
        return source_mark(self.pin.size, self.pin.etag, self.pin.version)

    def found(self) -> SourceObject:
        """Return the pinned source object. Raises `SourceChanged`."""
        return self.source.stat(self.location, self.pin)

    def fill(self, data: bytearray, first: int, kind: Kind) -> int:
        """Fill the buffer with the object's bytes from `first` on; return their CRC. Raises `SourceChanged`."""
        at, crc = 0, 0
        with memoryview(data) as view:
            for piece in self.source.chunks(self.location, first, len(data), self.pin):
                view[at : at + len(piece)] = piece
                crc = extended(kind, crc, piece)
                at += len(piece)
        if at != len(data):  # The rest of the buffer may hold another object's bytes.
            message = "the object is shorter than when the import was planned"
            raise SourceChanged(message, operation="read", uri=str(self.location))
        return crc


@dataclass(frozen=True, kw_only=True)
class StreamCopy:
    """Streams objects up to `part_bytes` in one request, larger ones by a multipart upload that later calls can resume.

    All copies of the process share the buffers in `memory`. Each request has a CRC, which S3 checks on arrival. Errors
    are `ObjectError`s.
    """

    client: "S3Client"
    clips_bucket: str
    memory: Memory
    part_bytes: int = STREAM_PART_BYTES
    parts_in_flight: int = 3
    """Concurrent parts of one copy: 48 MiB, some 90 MB/s if a part takes half a second."""
    clip_seconds: float = PART_SECONDS
    """Total seconds to read a clip that is sent in one request."""

    def __post_init__(self) -> None:
        if not MIN_PART_BYTES <= self.part_bytes <= self.memory.total:
            raise ValueError(f"part_bytes must be between {MIN_PART_BYTES} and the memory")

    def whole(self, item: Streamed, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        """Copy the object in one request. S3 stores nothing if the bytes were damaged."""
        self._check_fits(item, item.pin.size)
        with Deadline(self.clip_seconds) as deadline, deadline.used(), self._errors(item):
            found = item.found()
            kept = self._attributes(item, found, settings, mark)
            kind, digests = kind_for(found, item.given), Digests(found, item.given)
            data = self.memory.take(item.pin.size)
            try:
                crc = item.fill(data, 0, kind)
                digests.update(data, crc)
                verified = self._verified(item, found, digests.sums())
                with self._condition(item, settings) as condition:
                    answer = self.client.put_object(
                        **self._target(item),
                        **kept,
                        **condition,
                        **_named(kind, crc),
                        Body=data,  # type: ignore[arg-type]  # any buffer works
                    )
            finally:
                self.memory.give(data)
            note = kept_of(found, settings).note
            with reading(self._asked(item)):
                return Copied(size=item.pin.size, etag=etag_of(answer["ETag"]), verified=verified, note=note)

    def begin(self, item: Streamed, settings: ImportSettings, *, mark: str | None = None) -> str:
        """Create a multipart upload; return its id."""
        self._check_fits(item, part_size(item.pin.size, part_bytes=self.part_bytes))
        with self._errors(item):
            found = item.found()
            answer = self.client.create_multipart_upload(
                **self._target(item),
                **self._attributes(item, found, settings, mark),
                ChecksumAlgorithm=kind_for(found, item.given),
                ChecksumType="FULL_OBJECT",
            )
            with reading(self._asked(item)):
                return key_of(answer["UploadId"])

    def send(
        self,
        item: Streamed,
        upload_id: str,
        spans: Mapping[int, tuple[int, int]],
        *,
        whole: bool,
        check: Callable[[], object],
        advanced: Callable[[], None],
    ) -> Sent:
        """Send parts, as described at `StreamCopier.send_parts`."""
        self._check_fits(item, max(last - first + 1 for first, last in spans.values()))
        with self._errors(item):
            found = item.found()
        kind = kind_for(found, item.given)
        digests = Digests(found, item.given) if whole else None
        sending = _Sending(self.memory, digests, advanced)
        with ThreadPoolExecutor(self.parts_in_flight) as pool:
            try:
                for number, (first, last) in sorted(spans.items()):
                    data = sending.buffer(last - first + 1, self.parts_in_flight)
                    try:
                        check()
                        part = pool.submit(self._send, item, upload_id, number, first, kind, data)
                    except BaseException:
                        self.memory.give(data)
                        raise
                    sending.flight.append(_Part(number, data, part))
                sending.land_all()
            except BaseException:
                sending.land_all()
                raise
        return Sent(etags=sending.etags, digests=digests.sums() if digests else None)

    def _send(
        self, item: Streamed, upload_id: str, number: int, first: int, kind: Kind, data: bytearray
    ) -> tuple[str, int]:
        """Send one part; return its ETag and its CRC."""
        crc = item.fill(data, first, kind)
        with self._errors(item):
            answer = self.client.upload_part(
                **self._target(item),
                UploadId=upload_id,
                PartNumber=number,
                **_named(kind, crc),
                Body=data,  # type: ignore[arg-type]  # any buffer works
            )
        with reading(self._asked(item)):
            return etag_of(answer["ETag"]), crc

    def complete(
        self,
        item: Streamed,
        upload_id: str,
        etags: Sequence[str],
        settings: ImportSettings,
        digests: Mapping[str, str] | None,
    ) -> Copied:
        """Complete the upload. If the whole checksum is known, S3 gets it and rejects an object that differs."""
        with self._errors(item):
            found, sums = item.found(), digests or {}
            self._verified(item, found, sums)
            kind = kind_for(found, item.given)
            known = {**found.checksums, **item.given, **sums}
            parts: Any = [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in enumerate(etags, 1)]
            try:
                with self._condition(item, settings) as condition:
                    answer = self.client.complete_multipart_upload(
                        **self._target(item),
                        **condition,
                        UploadId=upload_id,
                        MultipartUpload={"Parts": parts},
                        ChecksumType="FULL_OBJECT",
                        **({f"Checksum{kind}": known[kind]} if kind in known else {}),  # type: ignore[arg-type]
                    )
            except ClientError as error:
                if _code(error) == "BadDigest":
                    raise self._mismatch(item) from None
                raise
            return replace(self._kept(item, found, sums, answer), note=kept_of(found, settings).note)

    @contextmanager
    def _condition(self, item: Streamed, settings: ImportSettings) -> Iterator[dict[str, Any]]:
        """Yield parameters: S3 then overwrites only the object that planning found. Raises `DestinationChanged`."""
        if settings.on_existing is OnExisting.OVERWRITE:
            yield {}
            return
        expected = item.destination_etag
        try:
            yield {"IfMatch": f'"{expected}"'} if expected else {"IfNoneMatch": "*"}
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
            gone = expected and _code(error) in NO_OBJECT
            if metadata["HTTPStatusCode"] != 412 and not gone:
                raise
            there = self._at_destination(item)
            raise DestinationChanged(
                operation=self._asked(item).operation,
                uri=str(item.location),
                etag=there.get("ETag", "").strip('"') if there else None,
                size=there.get("ContentLength") if there else None,
                modified=timestamp(there["LastModified"]) if there and "LastModified" in there else None,
                repeated=metadata.get("RetryAttempts", 0) > 0,
            ) from None

    def _at_destination(self, item: Streamed) -> Any:
        """Return the HEAD of the destination; None if there is no object."""
        try:
            return self.client.head_object(**self._target(item), ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def landed(self, item: Streamed, etag: str | None, mark: str | None) -> Copied | None:
        """Return the destination object if it copies the pinned one, with this ETag and mark if given; else None.

        Never remove it: another import may have written it.
        """
        with self._errors(item):
            head = self._at_destination(item)
            if head is None:
                return None
            if head.get("ContentLength") != item.pin.size:
                return None
            told = head.get("Metadata", {})
            if told.get(SOURCE_MARK) != item.source_mark:
                return None
            if mark and not may_bear(mark, told, head.get("WebsiteRedirectLocation"), in_set=item.in_set):
                return None
            if etag is not None and head.get("ETag", "").strip('"') != etag:
                return None
            try:
                found = item.found()
            except (ObjectMissing, SourceChanged):
                # The source still existed when it was copied.
                found = SourceObject(key=item.location.key, size=item.pin.size, etag=item.pin.etag)
            return self._compared(item, found, {}, head)

    def _kept(self, item: Streamed, found: SourceObject, sums: Mapping[str, str], answer: Any) -> Copied:
        """Compare the copy, also with the store's checksums. Remove it (exactly this version) if it differs."""
        copied = self._compared(item, found, sums, answer)
        if copied is None:
            version = {"VersionId": answer["VersionId"]} if answer.get("VersionId") else {}
            self.client.delete_object(**self._target(item), **version)
            raise self._mismatch(item)
        return copied

    def _compared(self, item: Streamed, found: SourceObject, sums: Mapping[str, str], answer: Any) -> Copied | None:
        with reading(self._asked(item)):
            etag = etag_of(answer["ETag"])
        verified = verdict_of(found, item.given, {**sums, **whole_checksums(answer)}, etag)
        return Copied(size=item.pin.size, etag=etag, verified=verified) if verified else None

    def _verified(self, item: Streamed, found: SourceObject, sums: Mapping[str, str]) -> Verification:
        verified = verdict_of(found, item.given, sums)
        if verified is None:
            raise self._mismatch(item)
        return verified

    def _mismatch(self, item: Streamed) -> ObjectError:
        whose = "its line in the manifest" if item.checksum else "its zip" if item.location.zip else "the store"
        return self._asked(item).error(ChecksumMismatch, f"its bytes do not match the checksum from {whose}")

    def _check_fits(self, item: Streamed, part: int) -> None:
        if part > self.memory.total:
            most = MAX_PARTS * self.memory.total
            message = f"its {item.pin.size:,} bytes need parts of {part:,} bytes, more than the memory of"
            message += f" {self.memory.total:,} bytes allows: at most {most:,} bytes can be streamed"
            raise self._asked(item).error(ObjectRejected, message)

    def _attributes(
        self, item: Streamed, found: SourceObject, settings: ImportSettings, mark: str | None
    ) -> dict[str, Any]:
        tags = self._tags(item) if settings.keep_tags else {}
        in_metadata, redirect = mark_places(mark, in_set=item.in_set)
        own = {SOURCE_MARK: item.source_mark} | ({MARK: in_metadata} if in_metadata else {})
        made = attributes(found, tags, settings, own=own)
        return made | {"WebsiteRedirectLocation": redirect} if redirect else made

    def _tags(self, item: Streamed) -> Mapping[str, str]:
        """Return the tags; none if reading them is denied. An import needs only listing and reading at a source."""
        try:
            return item.source.tags(item.location, item.pin)
        except AccessDenied:
            return {}

    def _target(self, item: Streamed) -> dict[str, Any]:
        return {"Bucket": self.clips_bucket, "Key": item.destination}

    def _asked(self, item: Streamed) -> Asked:
        return Asked(f"copy to s3://{self.clips_bucket}/{item.destination} from", item.location)

    @contextmanager
    def _errors(self, item: Streamed) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            asked, code = self._asked(item), _code(error)
            if code == "NoSuchUpload":
                raise asked.error(UploadGone, "the multipart upload no longer exists") from None
            if code == "BadDigest":
                raise asked.error(SourceUnavailable, "its bytes arrived damaged at S3") from None
            raise s3_error(error, asked) from None


@dataclass(frozen=True)
class _Part:
    number: int
    data: bytearray
    sent: Future[tuple[str, int]]


@dataclass
class _Sending:
    """Parts in flight. They finish in order, so that the digests see the bytes in order."""

    memory: Memory
    digests: Digests | None
    advanced: Callable[[], None]
    flight: deque[_Part] = field(default_factory=deque)
    etags: dict[int, str] = field(default_factory=dict)

    def buffer(self, size: int, most: int) -> bytearray:
        """Return a buffer for one more part, `most` in flight. Wait for other copies only with no part in flight."""
        while self.flight:
            found = self.memory.try_take(size) if len(self.flight) < most else None
            if found is not None:
                return found
            self.land()
        return self.memory.take(size)

    def land(self) -> None:
        """Wait for the oldest part; raise its error."""
        part = self.flight.popleft()
        try:
            self.etags[part.number], crc = part.sent.result()
            if self.digests:
                self.digests.update(part.data, crc)
        finally:
            self.memory.give(part.data)
        self.advanced()

    def land_all(self) -> None:
        """Wait for all parts, also if some fail; then raise the first error."""
        try:
            while self.flight:
                self.land()
        finally:
            if self.flight:
                self.land_all()


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def _named(kind: Kind, crc: int) -> dict[str, Any]:
    return {f"Checksum{kind}": encoded(crc)}
