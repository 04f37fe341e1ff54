"""Cut local files into parts, and compute their checksums: what the sync and the async uploads share."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from clipferry.errors import ApiError, ClipferryError, FileChanged, LinkExpired, kind_of
from clipferry.models.uploads import Upload, UploadLink
from clipferry.wire import TEMPORARY

ONE_REQUEST_BYTES = 16 * 1024**2
"""Files of at most this size are uploaded in one request, if the caller names no size of parts."""
WINDOW = 16
"""Parts whose links are requested at once. Links expire after minutes, so there must not be too many."""
_DIGESTS_DIFFER = (b"BadDigest", b"XAmzContentChecksumMismatch", b"XAmzContentSHA256Mismatch", b"InvalidDigest")


@dataclass(frozen=True)
class LocalFile:
    """A file as it was when its upload began."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def at(cls, path: Path) -> "LocalFile":
        """Look at a file. Raises `OSError`."""
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    def read(self, start: int, size: int) -> bytes:
        """Read a part. Raises `FileChanged` if the file is not as it was, and `OSError`."""
        with self.path.open("rb") as file:
            file.seek(start)
            body = file.read(size)
        self.check(whole=len(body) == size)
        return body

    def check(self, *, whole: bool = True) -> None:
        """Raises `FileChanged` if the file is not as it was, and `OSError`."""
        if not whole or LocalFile.at(self.path) != self:
            raise FileChanged(f"{self.path} changed while it was uploaded")


@dataclass(frozen=True)
class Piece:
    """A part of a file, with the link that takes it. `arrived` is called when the store has it."""

    file: LocalFile
    start: int
    size: int
    link: UploadLink
    arrived: Callable[[], object]


def windows(size: int, part_bytes: int) -> Iterator[Sequence[tuple[int, int, int]]]:
    """Yield (number, first byte, bytes) of all parts, `WINDOW` at a time."""
    parts = [
        (number, start, min(part_bytes, size - start)) for number, start in enumerate(range(0, size, part_bytes), 1)
    ]
    for first in range(0, len(parts), WINDOW):
        yield parts[first : first + WINDOW]


def sha256_of(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def base64_of(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def checksum_of(digests: Sequence[bytes]) -> str:
    """Return S3's checksum of an object with parts that have these SHA-256s."""
    return f"{base64_of(sha256_of(b''.join(digests)))}-{len(digests)}"


def part_bytes_of(upload: Upload) -> int:
    """Return the size of an upload's parts. Raises `ClipferryError` if the service named none."""
    if upload.part_bytes is None:
        raise ClipferryError("the service named no size of the parts")
    return upload.part_bytes


def refusal_of_store(answer: httpx.Response, file: LocalFile) -> ClipferryError | None:
    """Return the error of S3's answer to a PUT. None: send the same request again.

    The message names no URL, because links are credentials.
    """
    if answer.status_code in TEMPORARY or answer.status_code == 429:
        return None
    if answer.status_code == 403:
        return LinkExpired(f"S3 refused a link to upload {file.path}: it has expired, or S3 denies access")
    if answer.status_code == 400 and any(code in answer.content for code in _DIGESTS_DIFFER):
        return FileChanged(f"{file.path} changed while it was uploaded")
    if answer.status_code == 404:
        return upload_gone(file)
    return ClipferryError(f"S3 answered {answer.status_code} to the upload of {file.path}")


def upload_gone(file: LocalFile) -> ApiError:
    return kind_of(404)(status=404, code="UPLOAD_GONE", message=f"the upload of {file.path} is gone")
