"""Threads beside the copies: one reads the batch's state, one writes rows."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from service.domain.clips import ClipRow, ClipStatus
from service.domain.manifest import BatchState
from service.domain.requests import ImportSettings
from service.imports.copying.rows import RowWriter
from service.imports.copying.watch import BatchWatch

PATIENCE_SECONDS = 20.0


def state(*, cancelled: bool = False) -> BatchState:
    return BatchState(recorded=False, cancel_requested=cancelled, settings=ImportSettings())


def row(ordinal: int) -> ClipRow:
    return ClipRow(ordinal=ordinal, status=ClipStatus.COPIED)


def test_the_state_is_known_at_once_and_read_again() -> None:
    again = threading.Event()
    answers = [state(), state(cancelled=True)]

    def read() -> BatchState:
        if len(answers) == 1:
            again.set()
        return answers.pop(0) if len(answers) > 1 else answers[0]

    with BatchWatch(read, seconds=0.001) as watch:
        assert again.wait(PATIENCE_SECONDS)
        while not watch.state.cancel_requested:
            pass


def test_a_first_read_that_fails_is_raised() -> None:
    def read() -> BatchState:
        raise RuntimeError("throttled")

    with pytest.raises(RuntimeError, match="throttled"), BatchWatch(read):
        pass


def test_a_failed_read_leaves_the_last_state_until_that_is_stale() -> None:
    now, failed = 0.0, threading.Semaphore(0)
    reads = iter([state(cancelled=True)])

    def read() -> BatchState:
        try:
            return next(reads)
        except StopIteration:
            failed.release()
            raise RuntimeError("throttled") from None

    with BatchWatch(read, seconds=0.001, stale_seconds=60, monotonic=lambda: now) as watch:
        for _ in range(2):  # the second failure begins after the first was noted
            assert failed.acquire(timeout=PATIENCE_SECONDS)
        assert watch.state.cancel_requested
        now = 61.0
        with pytest.raises(RuntimeError, match="throttled"):
            assert watch.state


def test_rows_are_written_as_they_come_and_the_rest_at_the_end() -> None:
    written: list[Sequence[ClipRow]] = []
    first = threading.Event()

    def write(rows: Sequence[ClipRow]) -> Sequence[ClipRow]:
        written.append(rows)
        first.set()
        return [replace(one, code="HELD") for one in rows[:1]]

    with RowWriter(write, rows_a_write=2, seconds=1_000) as rows:
        rows.add([row(0), row(1)])
        assert first.wait(PATIENCE_SECONDS), "while others are copied"
        rows.add([row(2)])
    assert [[one.ordinal for one in some] for some in written] == [[0, 1], [2]]
    assert {ordinal: one.code for ordinal, one in rows.held.items()} == {0: "HELD", 2: "HELD"}


def test_few_rows_wait_only_for_a_while() -> None:
    written = threading.Event()

    def write(rows: Sequence[ClipRow]) -> Sequence[ClipRow]:
        written.set()
        return rows

    with RowWriter(write, seconds=0.001) as rows:
        rows.add([row(0)])
        assert written.wait(PATIENCE_SECONDS)


def test_a_write_that_fails_ends_copying() -> None:
    failed = threading.Event()

    def write(_rows: Sequence[ClipRow]) -> Sequence[ClipRow]:
        failed.set()
        raise RuntimeError("throttled")

    def copy() -> None:
        with RowWriter(write, rows_a_write=1) as rows:
            rows.add([row(0)])
            assert failed.wait(PATIENCE_SECONDS)
            while True:
                rows.add([row(1)])

    with pytest.raises(RuntimeError, match="throttled"):
        copy()


def test_rows_are_written_also_where_copying_raises() -> None:
    written: list[ClipRow] = []

    def write(rows: Sequence[ClipRow]) -> Sequence[ClipRow]:
        written.extend(rows)
        return rows

    def copy() -> None:
        with RowWriter(write) as rows:
            rows.add([row(0)])
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        copy()
    assert written == [row(0)]
