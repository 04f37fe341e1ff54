"""Ports of the clock and of an import's files."""

from collections.abc import Sequence
from typing import Protocol


class Clock(Protocol):
    def __call__(self) -> str:
        """Return the current time, in the format of `service.domain.jobs`."""
        ...


class StateReader(Protocol):
    def get(self, key: str) -> bytes:
        """Raises `NotFound`."""
        ...


class StateFiles(StateReader, Protocol):
    """Objects in the state bucket: requests, manifests, batch lists."""

    def put(self, key: str, body: bytes) -> str:
        """Store the object and return its ETag."""
        ...

    def put_new(self, key: str, body: bytes) -> bytes:
        """Store the object unless there is one; return the stored bytes, which another caller may have written."""
        ...

    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:
        """Return part of the object with this ETag. Raises `SourceChanged` if it has another one, `NotFound`."""
        ...

    def delete_some(self, prefix: str) -> bool:
        """Delete some of the objects below `prefix`. False if there were none."""
        ...


class ReportFiles(Protocol):
    """Files of reports in the state bucket, written at once or by multipart upload."""

    @property
    def bucket(self) -> str: ...

    def put(self, key: str, body: bytes, content_type: str) -> None: ...

    def begin(self, key: str, content_type: str) -> str:
        """Create a multipart upload; return its id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Store part `number` (from 1; all but the last have 5 MiB or more) and return its ETag. Safe to repeat.

        Raises `UploadLost`.
        """
        ...

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        """Raises `UploadLost`."""
        ...

    def url(self, key: str, *, seconds: int, name: str) -> str:
        """Return a URL from which anyone can download the file, as `name`, for that long."""
        ...
