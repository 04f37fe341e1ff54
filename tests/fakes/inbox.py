"""Uploads to the drop bucket by links, in memory. `put` does what the sender of a link's request does."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.errors import UploadGone
from service.domain.inbox import UploadedPart, composite
from service.ports.inbox import UploadedObject, UploadLink


def sha256_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


@dataclass
class FakeInboxUploads:
    bucket: str = "drop"
    objects: dict[str, tuple[bytes, UploadedObject]] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)
    links: dict[str, tuple[str, str | None, int, int, str]] = field(default_factory=dict)
    """By URL: key, upload id, part's number, size, SHA-256."""

    def put(self, link: UploadLink, body: bytes) -> int:
        """Return the status that S3 answers with."""
        key, upload_id, number, size, sha256 = self.links[link.url]
        if len(body) != size or link.headers != {"x-amz-checksum-sha256": sha256}:
            return 403
        if sha256_of(body) != sha256:
            return 400
        if upload_id is None:
            self._store(key, body, sha256)
        elif upload_id not in self.uploads:
            return 404
        else:
            self.uploads[upload_id][1][number] = body
        return 200

    def put_link(self, key: str, *, size: int, sha256: str, seconds: int) -> UploadLink:
        return self._link(key, None, 0, size, sha256, seconds)

    def begin(self, key: str) -> str:
        upload_id = f"upload-{len(self.uploads)}"
        self.uploads[upload_id] = (key, {})
        return upload_id

    def part_link(self, key: str, upload_id: str, *, number: int, size: int, sha256: str, seconds: int) -> UploadLink:
        return self._link(key, upload_id, number, size, sha256, seconds)

    def parts(self, key: str, upload_id: str, *, first: int, last: int) -> Sequence[UploadedPart]:
        there = self._parts(key, upload_id)
        return [
            UploadedPart(number=number, size=len(body), etag=f'"{number}"', sha256=sha256_of(body))
            for number, body in sorted(there.items())
            if first <= number <= last
        ]

    def complete(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> str:
        there = self._parts(key, upload_id)
        body = b"".join(there[part.number] for part in parts)
        del self.uploads[upload_id]
        return self._store(key, body, composite([part.sha256 or "" for part in parts]))

    def abort(self, key: str, upload_id: str) -> None:
        if self.uploads.get(upload_id, ("",))[0] == key:
            del self.uploads[upload_id]

    def find(self, key: str) -> UploadedObject | None:
        return self.objects[key][1] if key in self.objects else None

    def _parts(self, key: str, upload_id: str) -> dict[int, bytes]:
        at, parts = self.uploads.get(upload_id, ("", {}))
        if at != key:
            raise UploadGone("no such upload", operation="list the parts of", uri=f"s3://{self.bucket}/{key}")
        return parts

    def _store(self, key: str, body: bytes, checksum: str) -> str:
        etag = hashlib.md5(body).hexdigest()
        self.objects[key] = (body, UploadedObject(size=len(body), etag=etag, checksum=checksum))
        return etag

    def _link(self, key: str, upload_id: str | None, number: int, size: int, sha256: str, seconds: int) -> UploadLink:
        url = f"https://drop.example.com/{key}?part={number}&seconds={seconds}&nth={len(self.links)}"
        self.links[url] = (key, upload_id, number, size, sha256)
        return UploadLink(url=url, headers={"x-amz-checksum-sha256": sha256})
