"""The benchmarks' large objects, which every tool streams."""

from io import BufferedReader

import pytest

from benchmarks.run import MIB, Repeated


@pytest.mark.parametrize("size", [0, 1, MIB, 2 * MIB + 7])
def test_a_large_object_is_one_mebibyte_repeated(size: int) -> None:
    piece = BufferedReader(Repeated(MIB)).read()
    assert len({piece[at : at + 8] for at in range(0, MIB, 8)}) == MIB // 8
    assert BufferedReader(Repeated(size)).read() == (piece * 3)[:size]
