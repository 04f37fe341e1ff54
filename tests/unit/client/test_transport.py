"""Attempts, errors, and requests that must not be repeated."""

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from clipferry import (
    ApiError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    NotFound,
    ServerError,
    Throttled,
    TooLarge,
    Unauthorized,
    UnexpectedAnswer,
)
from clipferry.wire import ATTEMPTS, BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, MAX_BODY_BYTES, backoff, path_of
from tests.unit.client.service import KEY, FakeService, job, page, refusal

LOST = httpx.ReadTimeout("too late")
NOT_SENT = httpx.ConnectError("refused")


def test_the_key_is_only_in_its_header() -> None:
    service = FakeService(job())
    client = service.client()
    client.imports.get("ij_1")
    sent = service.requests[0]
    assert sent.headers["x-api-key"] == KEY
    assert KEY not in str(sent.url)
    assert "authorization" not in sent.headers
    assert KEY not in repr(client.where)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, TooLarge),
        (418, ApiError),
        (422, Invalid),
        (429, Throttled),
        (501, ServerError),
    ],
)
def test_each_status_has_its_error_class(status: int, kind: type[ApiError]) -> None:
    service = FakeService(*[refusal(status, "CODE", "a sentence")] * ATTEMPTS)
    with pytest.raises(kind) as caught:
        service.client().imports.get("ij_1")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.message, error.request_id) == (status, "CODE", "a sentence", "request-1")


def test_a_refusal_that_is_not_json_is_an_error() -> None:
    service = FakeService(httpx.Response(403, text="<html>proxy says no</html>"))
    with pytest.raises(Forbidden, match="proxy says no") as caught:
        service.client().imports.get("ij_1")
    assert (caught.value.code, caught.value.request_id) == ("", None)


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=[]), {"id": 1}])
def test_an_answer_of_another_program_is_an_error(answer: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        FakeService(answer).client().imports.get("ij_1")


def test_a_redirect_is_not_followed_with_the_key() -> None:
    service = FakeService(httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(ApiError, match="302"):
        service.client().imports.get("ij_1")
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "trouble", [LOST, NOT_SENT, refusal(500, "INTERNAL"), refusal(503, ""), refusal(429, "THROTTLED")]
)
def test_temporary_errors_are_retried(trouble: Any) -> None:
    service = FakeService(trouble, trouble, job())
    assert service.client().imports.get("ij_1").id == "ij_1"
    assert len(service.slept) == 2


def test_attempts_are_limited() -> None:
    service = FakeService(*[NOT_SENT] * ATTEMPTS)
    with pytest.raises(ConnectionFailed, match="refused"):
        service.client().imports.get("ij_1")
    assert len(service.requests) == ATTEMPTS
    service = FakeService(refusal(503, ""))
    with pytest.raises(ServerError):
        service.client(attempts=1).imports.get("ij_1")
    assert not service.slept


def test_all_attempts_of_a_call_have_one_idempotency_key() -> None:
    service = FakeService(LOST, refusal(500, "INTERNAL"), job(), job())
    client = service.client()
    client.imports.create(root_path="s3://clips/")
    client.imports.create(root_path="s3://clips/")
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert len({request.content for request in service.requests}) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.imports.create(root_path="s3://clips/", idempotency_key="mine"),
        lambda client: client.imports.retry("ij_1", idempotency_key="mine"),
        lambda client: client.settings.create("n", {}, idempotency_key="mine"),
        lambda client: client.integrations.create(type="hf_bucket", name="n", bucket="a/b", idempotency_key="mine"),
    ],
)
def test_an_idempotency_key_can_be_given(call: Any) -> None:
    service = FakeService(refusal(422, "INVALID_REQUEST"))
    with pytest.raises(Invalid):
        call(service.client())
    assert service.requests[0].headers["idempotency-key"] == "mine"


UNSAFE = [
    lambda client: client.keys.create("demo", "n"),
    lambda client: client.integrations.test("in_1"),
    lambda client: client.imports.replay_webhook("ij_1"),
    lambda client: client.watches.replay_webhook("wa_1"),
]


@pytest.mark.parametrize("call", UNSAFE)
@pytest.mark.parametrize(("trouble", "error"), [(LOST, ConnectionFailed), (refusal(502, "INTERNAL"), ServerError)])
def test_unsafe_requests_are_not_repeated(call: Any, trouble: Any, error: type[Exception]) -> None:
    service = FakeService(trouble)
    with pytest.raises(error):
        call(service.client())
    assert len(service.requests) == 1


@pytest.mark.parametrize("trouble", [NOT_SENT, refusal(429, "THROTTLED")])
def test_unsafe_requests_that_did_not_arrive_are_repeated(trouble: Any) -> None:
    service = FakeService(trouble, refusal(403, "FORBIDDEN"))
    with pytest.raises(Forbidden):
        service.client().keys.create("demo", "n")
    assert len(service.requests) == 2


def test_a_preflights_unknown_error_is_not_retried() -> None:
    service = FakeService(refusal(502, "UNKNOWN_ERROR"))
    with pytest.raises(ServerError):
        service.client().imports.create(root_path="s3://clips/")


def test_retry_after_is_respected_up_to_a_limit() -> None:
    service = FakeService(refusal(429, "THROTTLED", **{"Retry-After": "7"}), job())
    service.client().imports.get("ij_1")
    assert 7 <= service.slept[0] <= 7 + BACKOFF_SECONDS
    with pytest.raises(Throttled) as caught:
        FakeService(refusal(429, "THROTTLED", **{"Retry-After": "3600"})).client().imports.get("ij_1")
    assert caught.value.retry_after == 3600


def test_pauses_are_random_and_limited() -> None:
    for attempt in range(1, 12):
        pauses = {backoff(attempt) for _ in range(50)}
        assert max(pauses) <= min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempt - 1))
        assert len(pauses) > 1


def test_a_delete_with_a_lost_answer_succeeds() -> None:
    FakeService(LOST, refusal(404, "NOT_FOUND")).client().imports.delete("ij_1")
    FakeService(refusal(503, ""), refusal(404, "NOT_FOUND")).client().keys.revoke("key_1")
    for before in ([], [NOT_SENT], [refusal(429, "THROTTLED")]):
        with pytest.raises(NotFound):
            FakeService(*before, refusal(404, "NOT_FOUND")).client().imports.delete("ij_1")


def test_a_list_that_is_too_long_is_refused_before_a_request() -> None:
    service = FakeService()
    with pytest.raises(TooLarge, match="manifest_uri") as caught:
        service.client().imports.create(exact_paths=["s3://clips/" + "x" * 1_000] * (MAX_BODY_BYTES // 1_000))
    assert caught.value.code == "BODY_TOO_LARGE"
    assert not service.requests


def test_ids_are_quoted_in_paths() -> None:
    assert path_of("imports", "a/b?c", "clips") == "/v1/imports/a%2Fb%3Fc/clips"
    for bad in ("", ".", ".."):
        with pytest.raises(ValueError, match="not an id"):
            path_of("imports", bad)


def test_pages_are_read_when_they_are_needed() -> None:
    service = FakeService(
        page("imports", [job(id="a"), job(id="b")], "c1"), page("imports", [], "c2"), page("imports", [job(id="c")])
    )
    found = service.client().imports.list()
    assert next(found).id == "a"
    assert len(service.requests) == 1
    assert [one.id for one in found] == ["b", "c"]
    assert [path for _, path in service.asked] == [
        "/v1/imports?limit=100",
        "/v1/imports?limit=100&cursor=c1",
        "/v1/imports?limit=100&cursor=c2",
    ]


def test_a_limit_bounds_rows_and_pages() -> None:
    service = FakeService(page("imports", [job(id="a")], "c1"), page("imports", [job(id="b")], "c2"))
    assert [one.id for one in service.client().imports.list(limit=2)] == ["a", "b"]
    assert [path for _, path in service.asked] == ["/v1/imports?limit=2", "/v1/imports?limit=1&cursor=c1"]
    assert not list(service.client().imports.list(limit=0))


def test_requests_are_logged_without_keys_bodies_and_signatures(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    link = {"url": "https://state.example/r.csv?X-Amz-Signature=hidden", "uri": "s3://r", "expires_at": "t", "bytes": 1}
    service = FakeService(refusal(503, ""), job(), link, httpx.Response(200, content=b"a"))
    client = service.client()
    with caplog.at_level(logging.DEBUG, "clipferry"):
        client.imports.create(root_path="s3://clips/", settings={"notify": {"webhook_url": "https://hook/?hidden"}})
        client.imports.download_report("ij_1", tmp_path / "r.csv")
    said = [record.getMessage() for record in caplog.records if record.name == "clipferry"]
    assert said[0] == "POST https://clips.example/prod/v1/imports"
    assert said[1].startswith("503 after ")
    assert said[1].endswith("request id request-1")
    assert "GET https://state.example/r.csv" in said
    assert not [line for line in said if "hidden" in line or KEY in line]
