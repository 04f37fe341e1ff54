"""Sources of other stores in memory."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.objects import ListedObject
from service.domain.projects import Integration, IntegrationState
from service.domain.requests import Restore
from service.domain.uris import Location
from service.sources.port import CHUNK_BYTES, Pin, SourceObject


@dataclass
class FakeSource:
    """`objects` by key; `list` and `read` raise `errors`."""

    objects: dict[str, bytes] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    read_keys: list[str] = field(default_factory=list)

    def list_pages(self, location: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        """Like S3's listings, without checksums and headers."""
        self._fail("list")
        for key in sorted(self.objects):
            if key.startswith(location.key) and key > start_after:
                found = self._object(key)
                yield [ListedObject(key=key, size=found.size, etag=found.etag)]

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:
        assert pin is None
        assert version is None
        return self._object(location.key)

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        raise NotImplementedError

    def remove(self, location: Location, pin: Pin) -> None:
        raise NotImplementedError

    def restore(self, location: Location, archive: str, how: Restore, *, version: str | None = None) -> None:
        raise AssertionError(f"{location} is not archived ({archive}, {how}, {version})")

    def commit_of(self, location: Location) -> str | None:
        return location.revision

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:  # noqa: ARG002
        self._fail("tags")
        return {}

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        self._fail("read")
        assert pin == Pin.of(self._object(location.key))
        self.read_keys.append(location.key)
        return self.objects[location.key][start : start + length]

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        assert length <= chunk_bytes
        yield self.read(location, start, length, pin)

    def _object(self, key: str) -> SourceObject:
        return SourceObject(key=key, size=len(self.objects[key]), etag=hashlib.md5(self.objects[key]).hexdigest())

    def _fail(self, call: str) -> None:
        if call in self.errors:
            raise self.errors[call]


@dataclass
class FakeSources:
    """One source for all integrations; `check` raises `refusal`, `source_for` raises `lost`."""

    source: FakeSource = field(default_factory=FakeSource)
    refusal: Exception | None = None
    lost: Exception | None = None

    def check(self, integration: Integration, credentials: str | None) -> None:
        assert integration.with_credentials == (credentials is not None)
        if self.refusal:
            raise self.refusal

    def source_for(self, integration: Integration) -> FakeSource:
        assert integration.state is IntegrationState.READY
        if self.lost:
            raise self.lost
        return self.source
