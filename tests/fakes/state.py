"""A clock that tests move, and the files of an import in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from service.domain.errors import NotFound, SourceChanged, UploadLost
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeClock:
    """Each call moves it by a millisecond, so that times differ and sort."""

    now: datetime = datetime(2026, 11, 22, 17, tzinfo=UTC)

    def __call__(self) -> str:
        self.now += timedelta(milliseconds=1)
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class FakeStateFiles:
    """ETags are MD5s, as for plain S3 objects: equal bytes have equal ETags."""

    faults: Faults = field(default_factory=Faults)
    files: dict[str, bytes] = field(default_factory=dict)
    port = "state"

    @port_call
    def put(self, key: str, body: bytes) -> str:
        self.files[key] = body
        return self.etag(key)

    @port_call
    def put_new(self, key: str, body: bytes) -> bytes:
        return self.files.setdefault(key, body)

    @port_call
    def get(self, key: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"the state bucket has no object {key}")
        return self.files[key]

    @port_call
    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"the state bucket has no object {key}")
        if self.etag(key) != etag:
            raise SourceChanged("the object was overwritten since", operation="read", uri=f"s3://state/{key}")
        return self.files[key][start : start + length]

    @port_call
    def delete_some(self, prefix: str) -> bool:
        found = [key for key in self.files if key.startswith(prefix)][:2]
        for key in found:
            del self.files[key]
        return bool(found)

    def etag(self, key: str) -> str:
        return hashlib.md5(self.files[key], usedforsecurity=False).hexdigest()


@dataclass
class FakeReportFiles:
    faults: Faults = field(default_factory=Faults)
    bucket: str = "state"
    files: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Unfinished multipart uploads: their parts by number."""
    port = "files"

    @port_call
    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.files[key], self.types[key] = body, content_type

    @port_call
    def begin(self, key: str, content_type: str) -> str:
        upload_id = f"upload{self.faults.calls['files.begin']}"
        self.uploads[upload_id], self.types[key] = {}, content_type
        return upload_id

    @port_call
    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        if upload_id not in self.uploads:
            raise UploadLost(key)
        self.uploads[upload_id][number] = body
        return f"etag{number}"

    @port_call
    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        if upload_id not in self.uploads:
            raise UploadLost(key)
        parts = self.uploads.pop(upload_id)
        self.files[key] = b"".join(parts[number] for number in range(1, len(etags) + 1))

    def url(self, key: str, *, seconds: int, name: str) -> str:
        return f"https://{self.bucket}/{key}?seconds={seconds}&name={name}"
