"""Many streamed copies at once with little memory, and sending that ends in the middle. No network."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Barrier, Event, Lock, Thread
from time import sleep
from typing import Any

import pytest

from service.domain.errors import SourceChanged
from service.domain.multipart import copy_parts
from service.domain.objects import Sent
from service.domain.requests import ImportSettings
from service.domain.uris import Location
from service.sources.digests import encoded, extended
from service.sources.memory import Memory
from service.sources.port import CHUNK_BYTES, Pin, SourceObject
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy, Streamed

GUARD_SECONDS = 30.0
"""A schedule that hangs is a test that fails."""
NOTHING: Callable[[], None] = lambda: None  # noqa: E731


@dataclass
class Counted(Memory):
    """Notes the most that was held at once."""

    size: int
    most: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.size, reused=MIN_PART_BYTES)

    def _buffer(self, size: int) -> bytearray:
        found = super()._buffer(size)
        self.most = max(self.most, self.total - self._free)
        return found


@dataclass
class Pattern:
    """Objects whose bytes are the numbers of their parts; `on_read` gets the first byte of each read."""

    size: int
    on_read: Callable[[int], None] = lambda _first: None

    @property
    def pin(self) -> Pin:
        return Pin(size=self.size, etag="e" * 64)

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:  # noqa: ARG002
        return SourceObject(key=location.key, size=self.size, etag="e" * 64)

    def tags(self, location: Location, pin: Pin) -> dict[str, str]:  # noqa: ARG002
        return {}

    def chunks(self, location: Location, start: int, length: int, pin: Pin) -> Iterator[bytes]:  # noqa: ARG002
        self.on_read(start)
        for at in range(0, length, CHUNK_BYTES):
            yield bytes([start // MIN_PART_BYTES]) * min(CHUNK_BYTES, length - at)


@dataclass
class Landing:
    """The requests of the copies to S3."""

    sizes: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    lock: Lock = field(default_factory=Lock)
    before_part: Callable[[int], None] = lambda _number: None

    def put_object(self, *, Key: str, Body: bytearray, **_: Any) -> dict[str, str]:  # noqa: N803
        with self.lock:
            self.sizes[Key][0] = len(Body)
        return {"ETag": '"whole"'}

    def upload_part(self, *, Key: str, PartNumber: int, Body: bytearray, **_: Any) -> dict[str, str]:  # noqa: N803
        self.before_part(PartNumber)
        with self.lock:
            self.sizes[Key][PartNumber] = len(Body)
        return {"ETag": f'"{PartNumber}"'}


def a_copier(landing: Landing, parts: int, **changes: Any) -> StreamCopy:
    memory = Counted(parts * MIN_PART_BYTES)
    given: dict[str, Any] = {"clips_bucket": "clips", "part_bytes": MIN_PART_BYTES, "memory": memory} | changes
    return StreamCopy(client=landing, **given)  # type: ignore[arg-type]


def an_item(source: Pattern, key: str) -> Streamed:
    return Streamed(source=source, location=Location("gs", "b", key), pin=source.pin, destination=key)  # type: ignore[arg-type]


def send(
    copier: StreamCopy,
    source: Pattern,
    key: str,
    check: Callable[[], object] = NOTHING,
    advanced: Callable[[], None] = NOTHING,
) -> Sent:
    spans = dict(enumerate(copy_parts(source.size, part_bytes=MIN_PART_BYTES), 1))
    return copier.send(an_item(source, key), "u", spans, whole=True, check=check, advanced=advanced)


def all_end(*calls: Callable[[], object]) -> None:
    """Side by side. Daemons, so that a schedule that hangs ends with the test."""
    threads = [Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GUARD_SECONDS)
    assert not [thread for thread in threads if thread.is_alive()]


@pytest.mark.parametrize("parts", [1, 3])
def test_many_copies_at_once_end_with_little_memory(parts: int) -> None:
    """All begin together, so that with room for fewer buffers than copies each would hold one and wait for another."""
    landing = Landing()
    copier = a_copier(landing, parts)
    together = Barrier(12)
    source = Pattern(4 * MIN_PART_BYTES + 7)

    def large(number: int) -> None:
        together.wait(GUARD_SECONDS)
        send(copier, source, f"large{number}")

    def small(number: int) -> None:
        together.wait(GUARD_SECONDS)
        copier.whole(an_item(Pattern(number * 1000), f"small{number}"), ImportSettings())

    all_end(*(partial(large if number % 2 else small, number) for number in range(12)))
    assert landing.sizes == {f"small{n}": {0: n * 1000} for n in range(0, 12, 2)} | {
        f"large{n}": dict.fromkeys(range(1, 5), MIN_PART_BYTES) | {5: 7} for n in range(1, 12, 2)
    }
    assert isinstance(copier.memory, Counted)
    assert copier.memory.most <= copier.memory.total
    assert copier.memory.try_take(copier.memory.total) is not None, "all of it came back"


def test_a_long_copy_gives_way_to_one_that_waits() -> None:
    """The second copy asks while the first, of 20 parts, holds all the memory: it lands long before the first ends."""
    landing, waiting = Landing(), Event()
    copier = a_copier(landing, 1)
    seen: list[int] = []

    def note(number: int) -> None:
        if number == 2:
            waiting.set()
            while not copier.memory.waiting:
                time.sleep(0.001)
        seen.append(len(landing.sizes["second"]))

    landing.before_part = note

    def second() -> None:
        waiting.wait(GUARD_SECONDS)
        copier.whole(an_item(Pattern(MIN_PART_BYTES), "second"), ImportSettings())

    all_end(lambda: send(copier, Pattern(20 * MIN_PART_BYTES), "first"), second)
    assert seen == [0, 0] + [1] * 18


def test_what_is_under_way_ends_and_counts_before_the_time_is_up() -> None:
    landing = Landing()
    copier = a_copier(landing, 4)
    checks, advances = [0], [0]

    def check() -> None:
        checks[0] += 1
        if checks[0] == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        send(copier, Pattern(6 * MIN_PART_BYTES), "k", check, lambda: advances.__setitem__(0, advances[0] + 1))
    assert sorted(landing.sizes["k"]) == [1, 2]
    assert advances == [2]
    assert copier.memory.try_take(copier.memory.total) is not None


def test_a_part_s_error_goes_before_the_end_of_the_time_and_nothing_is_under_way_then() -> None:
    landing, failed = Landing(), Event()
    copier = a_copier(landing, 4)
    checks = [0]

    def fail_first(first: int) -> None:
        if first == 0:
            failed.set()
            raise SourceChanged("another", operation="read", uri="u")
        failed.wait(GUARD_SECONDS)

    def check() -> None:
        checks[0] += 1
        if checks[0] == 4:
            raise TimeoutError

    with pytest.raises(SourceChanged):
        send(copier, Pattern(6 * MIN_PART_BYTES, fail_first), "k", check)
    assert set(landing.sizes["k"]) == {2, 3}
    assert copier.memory.try_take(copier.memory.total) is not None


def test_a_source_that_sends_too_little_lands_nothing_of_what_the_buffer_had() -> None:
    @dataclass
    class Short(Pattern):
        def chunks(self, location: Location, start: int, length: int, pin: Pin) -> Iterator[bytes]:
            return super().chunks(location, start, length - 1, pin)

    landing = Landing()
    copier = a_copier(landing, 2)
    with pytest.raises(SourceChanged, match="shorter than when the import was planned"):
        copier.whole(an_item(Short(100), "k"), ImportSettings())
    with pytest.raises(SourceChanged, match="shorter than when the import was planned"):
        send(copier, Short(2 * MIN_PART_BYTES), "k")
    assert not landing.sizes
    assert copier.memory.try_take(copier.memory.total) is not None


def test_parts_of_one_copy_are_in_flight_together_but_not_more_than_allowed() -> None:
    landing = Landing()
    copier = a_copier(landing, 8, parts_in_flight=3)
    together = Barrier(3)
    landing.before_part = lambda _number: together.wait(GUARD_SECONDS)  # type: ignore[assignment]
    sent = send(copier, Pattern(6 * MIN_PART_BYTES), "k")
    assert list(sent.etags.values()) == list("123456")
    assert isinstance(copier.memory, Counted)
    assert copier.memory.most == 3 * MIN_PART_BYTES


def test_the_digests_are_of_all_bytes_in_their_order() -> None:
    """Though the first part is the last to be sent."""
    landing, later = Landing(), Barrier(3)

    def first_is_last(number: int) -> None:
        later.wait(GUARD_SECONDS)
        while number == 1 and len(landing.sizes["k"]) < 2:
            sleep(0.001)

    landing.before_part = first_is_last
    copier, source = a_copier(landing, 4), Pattern(3 * MIN_PART_BYTES)
    expected = encoded(extended("CRC32C", 0, b"".join(bytes([n]) * MIN_PART_BYTES for n in range(3))))
    assert send(copier, source, "k").digests == {"CRC32C": expected}
    landing.before_part = lambda _number: None
    some = copier.send(an_item(source, "k"), "u", {1: (0, 99)}, whole=False, check=NOTHING, advanced=NOTHING)
    assert some.digests is None
