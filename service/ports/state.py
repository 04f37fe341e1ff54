"""Ports of the clock and of the files that an import keeps."""

from collections.abc import Sequence
from typing import Protocol


class Clock(Protocol):
    def __call__(self) -> str:
        """Now, in the format that `service.domain.jobs` names."""
        ...


class StateReader(Protocol):
    def get(self, key: str) -> bytes:
        """Raises `NotFound`."""
        ...


class StateFiles(StateReader, Protocol):
    """Objects in the state bucket: requests, manifests, batch lists."""

    def put(self, key: str, body: bytes) -> str:
        """Store and return the ETag."""
        ...

    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:
        """Part of the object that has this very ETag. Raises `SourceChanged` where it has another, `NotFound`."""
        ...

    def delete_some(self, prefix: str) -> bool:
        """Delete some of the objects below `prefix`; False where there were none."""
        ...


class ReportFiles(Protocol):
    """Files of reports in the state bucket, written at once or by parts."""

    @property
    def bucket(self) -> str: ...

    def put(self, key: str, body: bytes, content_type: str) -> None: ...

    def begin(self, key: str, content_type: str) -> str:
        """The id of a multipart upload."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Store part `number` (from 1; all but the last have 5 MiB or more), also again; its ETag.

        Raises `UploadLost`.
        """
        ...

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        """Raises `UploadLost`."""
        ...

    def url(self, key: str, *, seconds: int, name: str) -> str:
        """Where anyone can download the file, under `name`, for that long."""
        ...
