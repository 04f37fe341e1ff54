"""Files of the state bucket."""

import pytest

from service.domain.errors import NotFound, SourceChanged
from service.ports.state import StateFiles


def test_a_file_comes_back_with_the_etag_it_was_stored_under(state: StateFiles) -> None:
    etag = state.put("jobs/1/a.jsonl", b"0123456789")
    assert state.get("jobs/1/a.jsonl") == b"0123456789"
    assert state.get_range("jobs/1/a.jsonl", start=2, length=3, etag=etag) == b"234"
    assert state.get_range("jobs/1/a.jsonl", start=0, length=10, etag=etag) == b"0123456789"


def test_a_new_file_is_stored_once(state: StateFiles) -> None:
    assert state.put_new("list", b"first") == b"first"
    assert state.put_new("list", b"second") == b"first"
    assert state.get("list") == b"first"


def test_an_empty_file_is_a_file(state: StateFiles) -> None:
    state.put("empty", b"")
    assert state.get("empty") == b""


def test_a_file_that_was_written_again_has_no_ranges_of_the_old_one(state: StateFiles) -> None:
    etag = state.put("a", b"first")
    state.put("a", b"second")
    with pytest.raises(SourceChanged, match="read s3://state/a: the object was overwritten since"):
        state.get_range("a", start=0, length=5, etag=etag)


def test_the_same_bytes_have_the_same_etag(state: StateFiles) -> None:
    assert state.put("a", b"x") == state.put("a", b"x")


def test_a_missing_file_is_not_found(state: StateFiles) -> None:
    with pytest.raises(NotFound, match="the state bucket has no object nope"):
        state.get("nope")
    with pytest.raises(NotFound, match="the state bucket has no object nope"):
        state.get_range("nope", start=0, length=1, etag="e")


def test_files_below_a_prefix_are_deleted_some_at_a_time(state: StateFiles) -> None:
    for number in range(1_003):
        state.put(f"jobs/ij_1/manifest/{number}", b"x")
    state.put("jobs/ij_10/kept", b"x")
    rounds = 0
    while state.delete_some("jobs/ij_1/"):
        rounds += 1
    assert rounds > 1
    with pytest.raises(NotFound):
        state.get("jobs/ij_1/manifest/7")
    assert state.get("jobs/ij_10/kept") == b"x"
