"""How long a connection waits: silence counts from the request, or from the last byte that came. In virtual time."""

import asyncio
import gc
import tracemalloc
from weakref import ref

import pytest

from benchmarks.simulation.clock import run_virtually
from service.aws.clients import Patience
from service.aws.s3.http.connections import Answer, Broken, Connection

PATIENCE = Patience(connect_seconds=5, read_seconds=60, attempts=1)
HEAD, BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", b"done"


class NoWire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True


def connected() -> tuple[Connection, NoWire]:
    connection, wire = Connection(asyncio.get_running_loop(), PATIENCE), NoWire()
    connection.connection_made(wire)
    return connection, wire


async def asked(connection: Connection, *pieces: tuple[float, bytes]) -> Answer:
    """The answer whose pieces come after so many seconds each."""
    answer = asyncio.create_task(connection.exchange(b"a request"))
    for seconds, piece in pieces:
        await asyncio.sleep(seconds)
        connection.data_received(piece)
    return await answer


async def broken_after(connection: Connection, *pieces: tuple[float, bytes]) -> float:
    began = asyncio.get_running_loop().time()
    with pytest.raises(Broken, match="no answer in time"):
        await asked(connection, *pieces)
    return asyncio.get_running_loop().time() - began


def test_each_request_has_its_own_time_and_a_connection_may_be_idle() -> None:
    async def use() -> float:
        connection, _ = connected()
        for idle in (0, 50, 59, 61, 1_000):
            await asyncio.sleep(idle)
            assert (await asked(connection, (59, HEAD + BODY))).body == BODY
            assert connection.is_open
        await asyncio.sleep(30)
        return await broken_after(connection)

    assert run_virtually(use()) == 60


def test_what_still_arrives_is_waited_for() -> None:
    async def use() -> float:
        connection, _ = connected()
        assert (await asked(connection, (59, HEAD), (59, BODY[:2]), (59, BODY[2:]))).body == BODY
        return await broken_after(connection, (10, HEAD), (40, BODY[:2]))

    assert run_virtually(use()) == 110


def test_an_idle_connection_keeps_no_body() -> None:
    body = bytes(1024**2)

    async def use() -> int:
        connection, _ = connected()
        tracemalloc.start()
        try:
            await asked(connection, (1, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)), (1, body))
            await asyncio.sleep(1)  # the loop forgets the answer, too
            assert connection.is_usable()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert run_virtually(use()) < len(body) // 2


def test_a_closed_connection_leaves_no_timer_that_would_keep_it() -> None:
    async def use() -> tuple[bool, bool]:
        connection, wire = connected()
        await asked(connection, (1, HEAD + BODY))
        connection.close()
        left = ref(connection)
        del connection
        gc.collect()
        return wire.aborted, left() is None

    assert run_virtually(use()) == (True, True)
