"""Results beside the clips: stored under a condition, found with their note."""

import pytest

from service.domain.errors import SourceUnavailable
from service.ports.objects import ResultStore

KEY = "p/-/b/a b+%20/日本.zip.stationary.parquet"


def test_a_result_is_found_with_its_note(results: ResultStore) -> None:
    assert results.find(KEY) is None
    results.put(KEY, b"one", note='{"of":"e"}', replaces=None)
    found = results.find(KEY)
    assert found is not None
    assert found.note == '{"of":"e"}'
    assert results.find("another") is None


def test_a_result_replaces_what_was_known_and_nothing_else(results: ResultStore) -> None:
    results.put(KEY, b"one", note="n1", replaces=None)
    first = results.find(KEY)
    assert first
    for replaces in (None, "another"):
        with pytest.raises(SourceUnavailable):
            results.put(KEY, b"two", note="n2", replaces=replaces)
        assert results.find(KEY) == first
    results.put(KEY, b"two", note="n2", replaces=first.etag)
    second = results.find(KEY)
    assert second
    assert (second.note, second.etag == first.etag) == ("n2", False)


def test_a_result_that_is_gone_is_not_replaced(results: ResultStore) -> None:
    with pytest.raises(SourceUnavailable):
        results.put(KEY, b"two", note="n2", replaces="e")
    assert results.find(KEY) is None
