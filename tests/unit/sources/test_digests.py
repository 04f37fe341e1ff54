"""CRCs of parts, put together to that of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sources.digests import Digests, Kind, extended, joined
from service.sources.port import SourceObject

kinds = pytest.mark.parametrize("kind", ["CRC32C", "CRC32"])


@kinds
@given(first=st.binary(), second=st.binary())
def test_the_crc_of_two_runs_is_that_of_their_bytes(kind: Kind, first: bytes, second: bytes) -> None:
    apart = extended(kind, 0, first), extended(kind, 0, second)
    assert joined(kind, *apart, len(second)) == extended(kind, 0, first + second)


@kinds
def test_lengths_beyond_four_bytes_are_shifted_too(kind: Kind) -> None:
    """8 GiB of zeros behind a clip, put together from both ends."""
    mib, clip = 1024**2, extended(kind, 0, b"clip")
    zeros = extended(kind, 0, bytes(mib))
    at_once, one_by_one = zeros, clip
    for doubled in range(13):
        at_once = joined(kind, at_once, at_once, mib << doubled)
    for _ in range(1 << 13):
        one_by_one = joined(kind, one_by_one, zeros, mib)
    assert joined(kind, clip, at_once, mib << 13) == one_by_one


@pytest.mark.parametrize(("kind", "known"), [("CRC32C", "4waSgw=="), ("CRC32", "y/Q5Jg==")])
def test_the_sums_are_those_of_the_standards(kind: Kind, known: str) -> None:
    """The check values of their catalogue, for `123456789`."""
    data = b"123456789"
    digests = Digests(SourceObject(key="k", size=9, etag="x", checksums={kind: known}), {})
    for piece in (data[:4], b"", data[4:]):
        digests.update(piece, extended(kind, 0, piece))
    assert digests.sums() == {kind: known}
