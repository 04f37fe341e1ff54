import pytest

from service.domain.errors import ObjectMissing, RateLimited, SourceUnavailable
from service.sources.patience import Patience
from service.web.deadline import Deadline


def unavailable() -> SourceUnavailable:
    return SourceUnavailable("down", operation="read", uri="s3://b/k")


def limited(seconds: float | None) -> RateLimited:
    return RateLimited("busy", operation="read", uri="s3://b/k", retry_after=seconds)


def waits(*errors: Exception, **settings: float) -> tuple[list[float], bool]:
    """Return the waits, and whether the call succeeded after the errors."""
    slept: list[float] = []
    left = list(errors)

    def call() -> None:
        if left:
            raise left.pop(0)

    try:
        Patience(sleep=slept.append, jitter=lambda: 1.0, **settings)(call, "s3://b/k")  # type: ignore[arg-type]
    except SourceUnavailable:
        return slept, False
    return slept, True


def test_waits_double_up_to_a_limit() -> None:
    assert waits(*[unavailable()] * 4) == ([0.25, 0.5, 1.0, 2.0], True)
    assert waits(*[unavailable()] * 4, longest_wait=0.6) == ([0.25, 0.5, 0.6, 0.6], True)


def test_so_many_attempts_and_no_more() -> None:
    assert waits(*[unavailable()] * 5) == ([0.25, 0.5, 1.0, 2.0], False)


def test_the_store_s_own_wait_counts() -> None:
    assert waits(limited(7), limited(0), limited(None)) == ([7, 0, 1.0], True)
    assert waits(limited(20.5)) == ([], False)


def test_final_errors_are_not_tried_again() -> None:
    with pytest.raises(ObjectMissing):
        waits(ObjectMissing("gone", operation="read", uri="s3://b/k"))


def test_an_answer_that_comes_after_its_time_does_not_count() -> None:
    with pytest.raises(SourceUnavailable, match="did not answer in time"):
        Patience(request_seconds=0.0)(lambda: "late", "s3://b/k")


def test_a_request_ends_with_the_clip_that_it_belongs_to() -> None:
    """However much time the request would have for itself."""
    with Deadline(0.0) as clip, clip.used():
        inner = Deadline(60.0)
        assert inner.passed
        assert inner.ends_at == clip.ends_at
        with pytest.raises(SourceUnavailable, match="did not answer in time"):
            Patience(request_seconds=60.0)(lambda: "late", "s3://b/k")
    assert not Deadline(60.0).passed
