"""Domain errors as HTTP answers."""

import json
from typing import Any

import pytest

from lambdas.http import error_response, retry_after_of, status_of, validation_detail
from service.domain import errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest, 422),
        (errors.InvalidUri, 422),
        (errors.InvalidCursor, 400),
        (errors.BodyTooLarge, 413),
        (errors.NotFound, 404),
        (errors.Forbidden, 403),
        (errors.IdempotencyConflict, 409),
        (errors.CannotAccess, 403),
        (errors.LimitExceeded, 422),
        (errors.PreflightUnknown, 502),
        (errors.InvalidSettings, 500),
        (errors.BatchIncomplete, 500),
        (errors.WorkflowUnavailable, 500),
        (errors.UploadIncomplete, 409),
        (errors.UploadTooLarge, 422),
        (errors.ClipferryError, 500),
    ],
)
def test_every_error_that_a_route_can_raise_has_its_status(error: type[errors.ClipferryError], status: int) -> None:
    assert status_of(error("because")) == status


OTHERWISE = (errors.SourceUnavailable, errors.DestinationChanged, errors.UploadGone)


@pytest.mark.parametrize(
    "error",
    [
        *(
            kind("because", operation="copy", uri="u")
            for kind in errors.ObjectError.__subclasses__()
            if kind not in OTHERWISE
        ),
        errors.DestinationChanged(operation="copy", uri="u", etag=None, size=None),
    ],
)
def test_errors_of_single_objects_are_not_for_callers_of_the_api(error: errors.ObjectError) -> None:
    assert status_of(error) == 500


def test_an_upload_that_is_gone_is_for_the_caller_who_named_it() -> None:
    assert status_of(errors.UploadGone("because", operation="complete", uri="u")) == 404


@pytest.mark.parametrize("error", [errors.SourceUnavailable, errors.RateLimited])
def test_callers_may_ask_again_where_a_store_did_not_answer(error: type[errors.ObjectError]) -> None:
    raised = error("because", operation="remove", uri="u")
    assert (status_of(raised), retry_after_of(raised)) == (503, 5)


def test_callers_may_ask_again_where_the_table_was_busy() -> None:
    raised = errors.TableBusy("because")
    assert (status_of(raised), retry_after_of(raised)) == (503, 5)


def test_every_outcome_has_a_code_of_its_own_but_for_missing_and_forbidden_objects() -> None:
    def below(kind: type[errors.ClipferryError]) -> list[type[errors.ClipferryError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    codes = [kind.code for kind in below(errors.ClipferryError)]
    shared = {"NOT_FOUND", "CANNOT_ACCESS"}
    assert {code for code in codes if codes.count(code) > 1} == shared
    assert all(code.isupper() for code in codes)


def test_an_error_has_a_sentence_and_a_code() -> None:
    response = error_response(status_of(errors.NotFound("x")), "NOT_FOUND", "there is no ü")
    assert response.status_code == 404
    assert json.loads(str(response.body)) == {"detail": "there is no ü", "code": "NOT_FOUND"}


def found(*location: str | int, message: str = "wrong", kind: str = "string_type") -> dict[str, Any]:
    return {"type": kind, "loc": location, "msg": message, "input": None}


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        ([found("body", "exact_paths", 3)], "exact_paths[3]: wrong"),
        ([found("body", "a", 1, "b")], "a[1].b: wrong"),
        ([found("body")], "body: wrong"),
        ([found("query", "limit"), found("query", "status")], "limit: wrong; status: wrong"),
        ([found("body", str(n)) for n in range(5)], "0: wrong; 1: wrong; 2: wrong (and 2 more)"),
    ],
)
def test_validation_errors_read_as_one_sentence_with_their_places(problems: list[dict[str, Any]], text: str) -> None:
    assert validation_detail(problems) == text


def test_a_body_that_is_no_json_is_told_where_it_goes_wrong() -> None:
    problem = found("body", 7, kind="json_invalid") | {"ctx": {"error": "Expecting value"}}
    assert validation_detail([problem]) == "the body is not JSON: Expecting value at character 7"
