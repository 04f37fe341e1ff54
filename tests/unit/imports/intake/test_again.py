"""A source that is unavailable for a moment is asked again while the caller waits."""

import pytest

from service.domain.errors import RateLimited, SourceUnavailable
from service.domain.jobs import JobStatus
from service.domain.requests import ImportRequest
from service.imports.access.again import Again
from tests.builders import World

BUSY = SourceUnavailable("slow down", operation="list", uri="u")


class Store:
    """Refuses some calls, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.slept, self.now = list(errors), list[float](), 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def call(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    def asked(self, *, seconds: float = 8) -> str:
        return Again(seconds=seconds, monotonic=lambda: self.now, sleep=self.sleep)(self.call)


def test_it_asks_until_the_time_is_over() -> None:
    assert Store(*[BUSY] * 5).asked() == "answer"
    store = Store(*[BUSY] * 99)
    with pytest.raises(SourceUnavailable):
        store.asked()
    assert 5 < store.now <= 8
    assert max(store.slept) <= 2


def test_without_time_it_asks_once() -> None:
    store = Store(BUSY)
    with pytest.raises(SourceUnavailable):
        store.asked(seconds=0)
    assert not store.slept


def test_it_waits_as_long_as_the_store_asks() -> None:
    store = Store(RateLimited("slow down", operation="list", uri="u", retry_after=3))
    assert store.asked() == "answer"
    assert store.slept == [3]
    store = Store(RateLimited("slow down", operation="list", uri="u", retry_after=9))
    with pytest.raises(RateLimited):
        store.asked()
    assert not store.slept


def test_an_import_is_accepted_once_its_source_answers(world: World) -> None:
    world.put_sources(3)
    errors, answer = [BUSY] * 4, world.storage.list_pages

    def busy(*args: object, **options: object) -> object:
        if errors:
            raise errors.pop()
        return answer(*args, **options)  # type: ignore[arg-type]

    world.storage.list_pages = busy  # type: ignore[method-assign,assignment]
    assert world.submit_prefix().status is JobStatus.PENDING
    assert not errors


def test_a_manifest_is_accepted_once_its_store_answers(world: World) -> None:
    world.storage.put_body("source", "m.csv", b"uri\ns3://source/a.zip\n")
    world.storage.fail_stat["m.csv"] = [BUSY] * 4
    assert world.submit(ImportRequest(manifest_uri="s3://source/m.csv")).status is JobStatus.PENDING
