"""`/v1/uploads`: files by links into the project's own inbox."""

from typing import Any

import pytest

from service.domain.inbox import composite
from service.ports.inbox import UploadLink
from tests.builders import PROJECT
from tests.fakes.inbox import sha256_of
from tests.unit.lambdas.api import Api

MIB = 1024**2
FILE = bytes(range(256)) * (11 * MIB // 256)
PARTS = [FILE[start : start + 5 * MIB] for start in range(0, len(FILE), 5 * MIB)]
CHECKSUM = composite([sha256_of(part) for part in PARTS])
NAMED = [{"number": number, "sha256": sha256_of(part)} for number, part in enumerate(PARTS, 1)]


def begun(api: Api, key: str = "2026/a.zip") -> dict[str, Any]:
    """Return what all requests about the upload say."""
    status, made = api("POST", "/v1/uploads", {"key": key, "size": len(FILE), "part_bytes": 5 * MIB})
    assert (status, made["part_count"], made["link"], made["expires_at"]) == (201, 3, None, None)
    assert made["uri"] == f"s3://drop/inbox/{PROJECT}/{key}"
    return {"key": key, "upload_id": made["upload_id"], "size": len(FILE), "part_bytes": made["part_bytes"]}


def send(api: Api, of: dict[str, Any], *numbers: int) -> list[int]:
    """Ask for links to these parts and follow them; return the numbers that had one."""
    wanted = [NAMED[number - 1] for number in numbers]
    status, answer = api("POST", "/v1/uploads/parts", {**of, "parts": wanted})
    assert status == 200, answer
    linked = [part for part in answer["parts"] if part["link"]]
    for part in linked:
        assert api.world.inbox.put(UploadLink(**part["link"]), PARTS[part["number"] - 1]) == 200
    return [part["number"] for part in linked]


def test_a_file_with_its_checksum_takes_one_request(api: Api) -> None:
    body = {"key": "a b/ü.zip", "size": 4, "sha256": sha256_of(b"clip")}
    status, made = api("POST", "/v1/uploads", body)
    assert (status, made["upload_id"], made["part_bytes"], made["part_count"]) == (201, None, None, None)
    assert made["started_at"] < made["expires_at"]
    link = UploadLink(**made["link"])
    assert api.world.inbox.put(link, b"clap") == 400, "the link takes the named bytes only"
    assert api.world.inbox.put(link, b"clips") == 403
    assert api.world.inbox.put(link, b"clip") == 200
    assert api.world.inbox.objects[f"inbox/{PROJECT}/a b/ü.zip"][0] == b"clip"


def test_parts_that_are_there_get_no_second_link_and_the_file_is_their_sum(api: Api) -> None:
    of = begun(api)
    assert send(api, of, 1, 3) == [1, 3]
    assert send(api, of, 1, 2, 3) == [2]
    complete = {**of, "checksum": CHECKSUM}
    status, done = api("POST", "/v1/uploads/complete", complete)
    assert (status, done["uri"]) == (200, f"s3://drop/inbox/{PROJECT}/2026/a.zip")
    assert api.world.inbox.objects[f"inbox/{PROJECT}/2026/a.zip"][0] == FILE
    assert api("POST", "/v1/uploads/complete", complete) == (200, done), "its answer may be lost"
    assert api.refusal("POST", "/v1/uploads/parts", {**of, "parts": NAMED})[:2] == (404, "UPLOAD_GONE")


def test_a_part_that_changed_gets_a_link(api: Api) -> None:
    of = begun(api)
    send(api, of, 1, 2, 3)
    other = {"number": 2, "sha256": sha256_of(b"x" * 5 * MIB)}
    answer = api("POST", "/v1/uploads/parts", {**of, "parts": [NAMED[0], other]})[1]
    assert [part["link"] is None for part in answer["parts"]] == [True, False]


def test_an_upload_is_complete_with_all_parts_of_the_file_only(api: Api) -> None:
    of = begun(api)
    complete = {**of, "checksum": CHECKSUM}
    send(api, of, 2)
    status, code, detail = api.refusal("POST", "/v1/uploads/complete", complete)
    assert (status, code) == (409, "UPLOAD_INCOMPLETE")
    assert "2 of 3 parts are not there: 1, 3" in detail
    send(api, of, 1, 3)
    wrong = {**of, "checksum": composite([sha256_of(part) for part in reversed(PARTS)])}
    assert api.refusal("POST", "/v1/uploads/complete", wrong)[:2] == (409, "UPLOAD_INCOMPLETE")
    assert api.world.inbox.objects == {}
    assert api("POST", "/v1/uploads/complete", complete)[0] == 200


def test_another_object_at_the_key_is_not_taken_for_the_upload(api: Api) -> None:
    of = begun(api)
    api("POST", "/v1/uploads/abort", {"key": of["key"], "upload_id": of["upload_id"]})
    link = api("POST", "/v1/uploads", {"key": of["key"], "size": 4, "sha256": sha256_of(b"clip")})[1]["link"]
    api.world.inbox.put(UploadLink(**link), b"clip")
    complete = {**of, "checksum": CHECKSUM}
    assert api.refusal("POST", "/v1/uploads/complete", complete)[:2] == (404, "UPLOAD_GONE")


def test_an_aborted_upload_is_gone_and_can_be_aborted_again(api: Api) -> None:
    of = begun(api)
    for _ in range(2):
        assert api("POST", "/v1/uploads/abort", {"key": of["key"], "upload_id": of["upload_id"]})[0] == 204
    assert api.refusal("POST", "/v1/uploads/parts", {**of, "parts": NAMED})[:2] == (404, "UPLOAD_GONE")


def test_no_project_reaches_the_upload_of_another(api: Api) -> None:
    of = begun(api)
    send(api, of, 1)
    for path, body in (("parts", {**of, "parts": NAMED}), ("complete", {**of, "checksum": CHECKSUM})):
        assert api("POST", f"/v1/uploads/{path}", body, project="other")[0] == 404
    api("POST", "/v1/uploads/abort", {"key": of["key"], "upload_id": of["upload_id"]}, project="other")
    assert send(api, of, 1) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a.zip",
        "a/",
        "a//b.zip",
        "../other/a.zip",
        "a/../../other/a.zip",
        "a/./b",
        ".",
        "a\nb",
        "\ud800",
        "a\uffff",
        "é" * 510,
    ],
)
def test_a_key_stays_below_the_inbox_and_fits_s3(api: Api, key: str) -> None:
    for path, more in (
        ("", {"size": 1, "sha256": sha256_of(b"x")}),
        ("", {"size": 1}),
        ("/parts", {"upload_id": "u", "size": 1, "part_bytes": 5 * MIB, "parts": NAMED[:1]}),
        ("/complete", {"upload_id": "u", "size": 1, "part_bytes": 5 * MIB, "checksum": CHECKSUM}),
        ("/abort", {"upload_id": "u"}),
    ):
        assert api.refusal("POST", f"/v1/uploads{path}", {"key": key, **more})[:2] == (422, "INVALID_REQUEST")
    assert (api.world.inbox.uploads, api.world.inbox.links) == ({}, {})


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"size": 0}, "INVALID_REQUEST"),
        ({"size": -1}, "INVALID_REQUEST"),
        ({"size": 10**12 + 1}, "UPLOAD_TOO_LARGE"),
        ({"size": 6 * 1024**3, "sha256": sha256_of(b"x")}, "UPLOAD_TOO_LARGE"),
        ({"size": 1, "sha256": "x"}, "INVALID_REQUEST"),
        ({"size": 1, "sha256": sha256_of(b"x"), "part_bytes": 5 * MIB}, "INVALID_REQUEST"),
        ({"size": 1, "part_bytes": 5 * MIB - 1}, "INVALID_REQUEST"),
        ({"size": 10**11, "part_bytes": 5 * MIB}, "INVALID_REQUEST"),
    ],
)
def test_sizes_have_limits(api: Api, given: dict[str, Any], code: str) -> None:
    assert api.refusal("POST", "/v1/uploads", {"key": "a.zip", **given})[:2] == (422, code)
    assert (api.world.inbox.uploads, api.world.inbox.links) == ({}, {})


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"number": 4, "sha256": sha256_of(b"x")}],
        [{"number": 0, "sha256": sha256_of(b"x")}],
        [NAMED[0], NAMED[0]],
        [{"number": 1, "sha256": "x" * 44}],
        [{"number": 1 + number, "sha256": sha256_of(b"x")} for number in range(101)],
    ],
)
def test_parts_are_those_of_the_file_and_not_too_many(api: Api, parts: list[dict[str, Any]]) -> None:
    body = {**begun(api), "parts": parts}
    assert api.refusal("POST", "/v1/uploads/parts", body)[:2] == (422, "INVALID_REQUEST")


def test_a_large_file_gets_parts_of_a_size_that_is_enough(api: Api) -> None:
    made = api("POST", "/v1/uploads", {"key": "a.zip", "size": 10**12})[1]
    assert (made["part_bytes"], made["part_count"]) == (100_000_000, 10_000)
    assert api("POST", "/v1/uploads", {"key": "a.zip", "size": 20 * MIB})[1]["part_bytes"] == 16 * MIB


def test_the_admin_key_uploads_nothing(api: Api) -> None:
    body = {"key": "a.zip", "size": 1}
    assert api.refusal("POST", "/v1/uploads", body, project="")[:2] == (403, "FORBIDDEN")
