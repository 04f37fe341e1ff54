"""When a copy counts as its source."""

from itertools import product

import pytest

from service.domain.clips import Verification
from service.domain.verification import compare_checksums, etags_agree, verdict

MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("source", "copy", "agree"),
    [
        (MD5, MD5, True),
        (MD5, MD5[::-1], False),
        (f"{MD5}-3", f"{MD5}-3", False),
        (f"{MD5}-3", MD5, False),
        (f"{MD5[:30]}-3", f"{MD5[:30]}-3", False),
        ("abc", "abc", False),
        ("", "", False),
    ],
)
def test_only_equal_plain_md5s_agree(source: str, copy: str, agree: bool) -> None:
    assert etags_agree(source, copy) is agree


@pytest.mark.parametrize(
    ("source", "copy", "equal"),
    [
        ({"CRC64NVME": "a"}, {"CRC64NVME": "a"}, True),
        ({"CRC64NVME": "a"}, {"CRC64NVME": "b"}, False),
        ({"CRC64NVME": "a"}, {"CRC32": "a"}, None),
        ({}, {"CRC32": "a"}, None),
        ({"CRC32": "a"}, {}, None),
        ({}, {}, None),
        ({"SHA256": "a-3"}, {"SHA256": "a-3"}, None),
        ({"SHA256": "a-3"}, {"SHA256": "b"}, None),
        ({"SHA256": "a"}, {"SHA256": "b-3"}, None),
        ({"CRC32": "a-3", "SHA1": "s"}, {"CRC32": "b-3", "SHA1": "s"}, True),
        ({"CRC32": "a-3", "SHA1": "s"}, {"CRC32": "b", "SHA1": "t"}, False),
        ({"CRC32": "a", "CRC64NVME": "n"}, {"CRC64NVME": "n", "SHA1": "s"}, True),
    ],
)
def test_checksums_are_compared_kind_by_kind_and_composites_left_out(
    source: dict[str, str], copy: dict[str, str], equal: bool | None
) -> None:
    assert compare_checksums(source, copy) is equal
    assert compare_checksums(copy, source) is equal


def test_a_checksum_outweighs_etags_and_nothing_is_no_mismatch() -> None:
    found = {(etags, sums): verdict(etags=etags, checksums=sums) for etags, sums in product((True, False), repeat=2)}
    assert found == {
        (True, True): Verification.CHECKSUM,
        (False, True): Verification.CHECKSUM,
        (True, False): None,
        (False, False): None,
    }
    assert verdict(etags=True, checksums=None) is Verification.ETAG
    assert verdict(etags=False, checksums=None) is Verification.UNVERIFIABLE
