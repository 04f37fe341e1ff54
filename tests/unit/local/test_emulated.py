"""The emulator's S3 keeps CRCs of whole objects: combined out of those of their parts."""

import base64
import os
import zlib

import google_crc32c
import pytest

from local.emulated.checksums import combined

SUMS = {"CRC32": zlib.crc32, "CRC32C": lambda data: google_crc32c.extend(0, data)}


@pytest.mark.parametrize("kind", SUMS)
@pytest.mark.parametrize("sizes", [(1,), (5_000, 1), (0, 777, 0), (4_096, 4_096, 3)])
def test_the_crc_of_a_whole_is_that_of_its_parts_combined(kind: str, sizes: tuple[int, ...]) -> None:
    def encoded(data: bytes) -> str:
        return base64.b64encode(SUMS[kind](data).to_bytes(4, "big")).decode()

    parts = [os.urandom(size) for size in sizes]
    assert combined(kind, [(encoded(part), len(part)) for part in parts]) == encoded(b"".join(parts))
