"""Copy objects of any source into the clips bucket: through this process, in parts, with bounded memory."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from service.domain.ids import MARK, SOURCE_MARK
from service.domain.multipart import MAX_PARTS, STREAM_PART_BYTES, part_size
from service.domain.objects import Copied, Sent
from service.domain.requests import ImportSettings, OnExisting
from service.domain.uris import Location
from service.domain.verification import given_checksum
from service.sources.digests import Digests, Kind, encoded, extended, kind_for, verdict_of
from service.sources.http import Asked, etag_of, key_of, reading
from service.sources.kept import attributes
from service.sources.memory import Memory
from service.sources.patience import PART_SECONDS
from service.sources.port import ObjectSource, Pin, SourceObject
from service.sources.s3 import s3_error, whole_checksums
from service.support.clock import timestamp
from service.web.deadline import Deadline

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIN_PART_BYTES = 5 * 1024**2  # S3: every part but the last


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """What is copied, and to which key."""

    source: ObjectSource
    location: Location
    pin: Pin
    destination: str
    checksum: str | None = None
    """`KIND:base64` that the object must have."""
    destination_etag: str | None = None
    """Of the object that planning found at the destination."""

    @property
    def given(self) -> dict[str, str]:
        return given_checksum(self.checksum)

    @property
    def source_mark(self) -> str:
        """Tells this very object from all others at its location."""
        facts = json.dumps([self.pin.size, self.pin.etag, self.pin.version])
        return hashlib.sha256(facts.encode()).hexdigest()[:32]

    def found(self) -> SourceObject:
        """Raises `SourceChanged`."""
        return self.source.stat(self.location, self.pin)

    def fill(self, data: bytearray, first: int, kind: Kind) -> int:
        """With the object's bytes from the first on; their CRC. Raises `SourceChanged`."""
        at, crc = 0, 0
        with memoryview(data) as view:
            for piece in self.source.chunks(self.location, first, len(data), self.pin):
                view[at : at + len(piece)] = piece
                crc = extended(kind, crc, piece)
                at += len(piece)
        if at != len(data):  # The buffer may have another object's bytes.
            raise SourceChanged("it is shorter than planned", operation="read", uri=str(self.location))
        return crc


@dataclass(frozen=True, kw_only=True)
class StreamCopy:
    """Objects up to `part_bytes` go in one request, larger ones by an upload that any later call can go on with.

    Buffers come out of `memory`, which all copies of the process share. Each request's body carries a CRC that S3
    compares on arrival. Errors are `ObjectError`s.
    """

    client: "S3Client"
    clips_bucket: str
    memory: Memory
    part_bytes: int = STREAM_PART_BYTES
    parts_in_flight: int = 3
    """Of one copy: 48 MiB, which is some 90 MB/s where a part takes half a second."""
    clip_seconds: float = PART_SECONDS
    """Total time to read a clip that goes in one request."""

    def __post_init__(self) -> None:
        if not MIN_PART_BYTES <= self.part_bytes <= self.memory.total:
            raise ValueError(f"part_bytes must be between {MIN_PART_BYTES} and the memory")

    def whole(self, item: Streamed, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        """In one request. What is not the source's bytes never lands."""
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
                        Body=data,  # type: ignore[arg-type]  # any buffer will do
                    )
            finally:
                self.memory.give(data)
            with reading(self._asked(item)):
                return Copied(size=item.pin.size, etag=etag_of(answer["ETag"]), verified=verified)

    def begin(self, item: Streamed, settings: ImportSettings, *, mark: str | None = None) -> str:
        """The id of an upload for the object's parts."""
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
        """As `StreamCopier.send_parts` says."""
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
        """The part's ETag and its CRC."""
        crc = item.fill(data, first, kind)
        with self._errors(item):
            answer = self.client.upload_part(
                **self._target(item),
                UploadId=upload_id,
                PartNumber=number,
                **_named(kind, crc),
                Body=data,  # type: ignore[arg-type]  # any buffer will do
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
        """S3 is told the checksum that the whole must have, where it is known, and refuses to make another object."""
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
            return self._kept(item, found, sums, answer)

    @contextmanager
    def _condition(self, item: Streamed, settings: ImportSettings) -> Iterator[dict[str, Any]]:
        """Parameters by which S3 writes only over what planning found. Raises `DestinationChanged`."""
        if settings.on_existing is OnExisting.OVERWRITE:
            yield {}
            return
        expected = item.destination_etag
        try:
            yield {"IfMatch": f'"{expected}"'} if expected else {"IfNoneMatch": "*"}
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
            if metadata["HTTPStatusCode"] != 412:
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
        """The HEAD of what lies there; None where nothing does."""
        try:
            return self.client.head_object(**self._target(item), ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def landed(self, item: Streamed, etag: str | None, mark: str | None) -> Copied | None:
        """The object at the destination, if it is a copy of the pinned one; with this ETag and mark, where given."""
        with self._errors(item):
            head = self._at_destination(item)
            if head is None:
                return None
            if head.get("ContentLength") != item.pin.size:
                return None
            told = head.get("Metadata", {})
            if told.get(SOURCE_MARK) != item.source_mark or (mark is not None and told.get(MARK) != mark):
                return None
            if etag is not None and head.get("ETag", "").strip('"') != etag:
                return None
            try:
                found = item.found()
            except (ObjectMissing, SourceChanged):
                # It was there when it was copied.
                found = SourceObject(key=item.location.key, size=item.pin.size, etag=item.pin.etag)
            return self._kept(item, found, {}, head)

    def _kept(self, item: Streamed, found: SourceObject, sums: Mapping[str, str], answer: Any) -> Copied:
        """What the store says of the copy, compared too. One that is not its source is removed: this very version."""
        with reading(self._asked(item)):
            etag = etag_of(answer["ETag"])
        verified = verdict_of(found, item.given, {**sums, **whole_checksums(answer)}, etag)
        if verified is None:
            version = {"VersionId": answer["VersionId"]} if answer.get("VersionId") else {}
            self.client.delete_object(**self._target(item), **version)
            raise self._mismatch(item)
        return Copied(size=item.pin.size, etag=etag, verified=verified)

    def _verified(self, item: Streamed, found: SourceObject, sums: Mapping[str, str]) -> Verification:
        verified = verdict_of(found, item.given, sums)
        if verified is None:
            raise self._mismatch(item)
        return verified

    def _mismatch(self, item: Streamed) -> ObjectError:
        whose = "its line in the manifest" if item.checksum else "the store"
        return self._asked(item).error(ChecksumMismatch, f"its bytes have another checksum than {whose} says")

    def _check_fits(self, item: Streamed, part: int) -> None:
        if part > self.memory.total:
            most = MAX_PARTS * self.memory.total
            message = f"it has {item.pin.size} bytes and would be copied in parts of {part}, for which the memory of"
            message += f" {self.memory.total} is too small: {most} bytes can be streamed at most"
            raise self._asked(item).error(ObjectRejected, message)

    def _attributes(
        self, item: Streamed, found: SourceObject, settings: ImportSettings, mark: str | None
    ) -> dict[str, Any]:
        tags = self._tags(item) if settings.keep_tags else {}
        own = {SOURCE_MARK: item.source_mark} | ({MARK: mark} if mark else {})
        return attributes(found, tags, settings, own=own, asked=self._asked(item))

    def _tags(self, item: Streamed) -> Mapping[str, str]:
        """None where they may not be read: listing and reading are all that an import asks of a source."""
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
                raise asked.error(UploadGone, "there is no such upload") from None
            if code == "BadDigest":
                raise asked.error(SourceUnavailable, "its bytes were damaged on their way to S3") from None
            raise s3_error(error, asked) from None


@dataclass(frozen=True)
class _Part:
    number: int
    data: bytearray
    sent: Future[tuple[str, int]]


@dataclass
class _Sending:
    """Parts under way, which end in their order: so the digests see every byte in its turn."""

    memory: Memory
    digests: Digests | None
    advanced: Callable[[], None]
    flight: deque[_Part] = field(default_factory=deque)
    etags: dict[int, str] = field(default_factory=dict)

    def buffer(self, size: int, most: int) -> bytearray:
        """For one part more, `most` at a time. Waits for others' memory only when no part is under way."""
        while self.flight:
            found = self.memory.try_take(size) if len(self.flight) < most else None
            if found is not None:
                return found
            self.land()
        return self.memory.take(size)

    def land(self) -> None:
        """Wait for the first part; raise what it met."""
        part = self.flight.popleft()
        try:
            self.etags[part.number], crc = part.sent.result()
            if self.digests:
                self.digests.update(part.data, crc)
        finally:
            self.memory.give(part.data)
        self.advanced()

    def land_all(self) -> None:
        """Also where some of them fail: what one of them met is raised when none is under way any more."""
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
