"""The emulator's gateway compresses answers as API Gateway does."""

import gzip

import pytest

from local.emulated.gateway import compressed

JSON = {"content-type": "application/json"}
BODY = b"x" * 2_000


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate", "deflate, GZIP;q=0.5", "*", "br, *;q=0.1"])
def test_an_answer_is_compressed_for_those_who_accept_gzip(accepted: str) -> None:
    status, headers, body = compressed(200, JSON, BODY, accepted=accepted, smallest=1_024)
    assert (status, headers["Content-Encoding"], gzip.decompress(body)) == (200, "gzip", BODY)


@pytest.mark.parametrize(
    ("accepted", "smallest"),
    [("", 1_024), ("identity", 1_024), ("deflate, br", 1_024), ("gzip;q=0", 1_024), ("gzip", 2_001), ("gzip", None)],
)
def test_an_answer_is_left_as_it_is_for_others(accepted: str, smallest: int | None) -> None:
    assert compressed(200, JSON, BODY, accepted=accepted, smallest=smallest) == (200, JSON, BODY)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_no_content_type(status: int) -> None:
    assert compressed(status, JSON, b"", accepted="gzip", smallest=0) == (status, {}, b"")
