"""Wrap an adapter: retry transient errors, and resume a read that was cut, pinned to the same object."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from service.domain.errors import SourceChanged, SourceUnavailable
from service.domain.objects import ListedObject
from service.domain.requests import Restore
from service.domain.uris import Location
from service.sources.patience import Patience, check_pace
from service.sources.port import CHUNK_BYTES, Adapter, Pin, SourceObject
from service.web.deadline import Deadline


@dataclass(frozen=True)
class PatientSource:
    adapter: Adapter
    patience: Patience = field(default_factory=Patience)

    def list_pages(self, location: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        return self.adapter.list_pages(location, start_after=start_after, patience=self.patience)

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        return self.adapter.list_as_of(location, as_of, start_after=start_after, only=only, patience=self.patience)

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:
        found = self.patience(lambda: self.adapter.stat(location, pin.version if pin else version), str(location))
        if pin and not pin.holds(found):
            message = "the object changed since the import was planned"
            raise SourceChanged(message, operation="inspect", uri=str(location))
        return found

    def restore(self, location: Location, archive: str, how: Restore, *, version: str | None = None) -> None:
        self.patience(lambda: self.adapter.restore(location, archive, how, version), str(location))

    def commit_of(self, location: Location) -> str | None:
        return self.patience(lambda: self.adapter.commit_of(location), str(location))

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:
        return self.patience(lambda: self.adapter.tags(location, pin.version), str(location))

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        return b"".join(self.chunks(location, start, length, pin))

    def remove(self, location: Location, pin: Pin) -> None:
        self.patience(lambda: self.adapter.remove(location, pin), str(location))

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        """Yield pieces and resume after errors. Only errors in a row count: each piece that arrives resets the count.

        All pieces together take at most `Patience.part_seconds`.
        """
        at, end, failures = start, min(start + length, pin.size), 0
        with Deadline(self.patience.part_seconds) as deadline:
            while at < end:
                try:
                    with deadline.used():
                        opened = self.adapter.open(location, at, end - at, pin)
                    with closing(opened) as body:
                        while at < end:
                            piece = body.read(min(chunk_bytes, end - at))
                            if not piece or deadline.passed:
                                raise _cut(location, at, end)
                            at, failures = at + len(piece), 0
                            yield piece
                except SourceUnavailable as error:
                    failures += 1
                    check_pace(deadline, error)
                    self.patience.wait(failures, error)
                    check_pace(deadline, error)


def _cut(location: Location, at: int, end: int) -> SourceUnavailable:
    return SourceUnavailable(f"the answer ended early, at byte {at:,} of {end:,}", operation="read", uri=str(location))
