"""Hints after errors and completions fit the situation."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.client.conftest import Run
from tests.unit.client.service import clip, counts, job, page, refusal

TOTAL = {"count": 0, "bytes": 0}
ESTIMATE = {
    "cost": dict.fromkeys(("s3_requests", "lambda", "step_functions", "dynamodb", "total"), 0.0),
    "storage_per_month": 0.0,
    "seconds": 1,
    "currency": "USD",
    "price_region": "us-east-1",
    "prices_as_of": "2026-01-01",
}


def previewed(count: int, *, complete: bool = True) -> dict[str, Any]:
    """A preview of `count` clips."""
    nothing: dict[str, Any] = TOTAL | {"by_code": {}}
    outcome = {"to_copy": TOTAL | {"count": count}, "to_skip": nothing, "to_fail": nothing, "problems": []}
    found = {"root_path": "s3://a/", "count": count, "bytes": 0, "keys": [], "by_extension": {}, "sample": []}
    return found | {"complete": complete, "outcome": outcome, "estimate": ESTIMATE}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("status ij_1", "clipferry imports list"),
        ("integrations show in_1", "clipferry integrations list"),
        ("presets show es_1", "clipferry presets list"),
        ("settings show es_1", "clipferry presets list"),
        ("folders show fd_1 --scope user", "clipferry folders list"),
        ("keys revoke key_1 --yes", "clipferry keys list"),
        ("clips list ij_1", "clipferry imports list"),
        ("clips show ij_1-0", "clipferry clips list IMPORT"),
        ("webhooks replay ij_1", "clipferry imports list"),
    ],
)
def test_a_missing_thing_is_listed_by_its_own_verb(run: Run, command: str, said: str) -> None:
    before = [page("folders", [])] if command.startswith("folders") else []
    found = run(command, *before, refusal(404, "NOT_FOUND", "none"))
    assert (found.exit_code, f"next:  `{said}`" in found.stderr) == (1, True), found.stderr


@pytest.mark.parametrize(
    "answer",
    [
        refusal(404, "NOT_FOUND"),
        httpx.Response(403, json={"message": "Missing Authentication Token"}),
        httpx.Response(200),
    ],
)
def test_a_base_url_with_the_apis_own_path_is_recognized(run: Run, answer: httpx.Response) -> None:
    found = run("login --base-url https://clips.example/prod/v1", answer, stdin="cf_key")
    assert found.exit_code != 0
    assert "clipferry login --base-url https://clips.example/prod`" in found.stderr


@pytest.mark.parametrize("status", [403, 404])
def test_an_answer_of_another_service_asks_for_the_right_url(run: Run, status: int) -> None:
    answer = httpx.Response(status, json={"message": "Missing Authentication Token"})
    found = run("status ij_1", answer)
    assert found.stderr.splitlines()[0] == "error: Missing Authentication Token"
    assert "it must be the BaseUrl of `cdk deploy`" in found.stderr
    doctor = run("doctor", answer).stdout
    assert "service: Missing Authentication Token" in doctor
    assert "it must be the BaseUrl" in doctor


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        (
            "import --prefix s3://a/ --after x",
            "filters.modified_after is 'x'",
            "filters.modified_after is --after here",
        ),
        ("imports list --after x", "created_after is 'x': use ISO 8601", "created_after is --after here"),
        ("import --prefix s3://a/ --destination x", "settings.destination has a field 'x'", None),
        ("import --prefix s3://a/", "an object is missing", None),
    ],
)
def test_a_refused_field_is_named_by_its_option(run: Run, command: str, message: str, hint: str | None) -> None:
    said = run(command, refusal(422, "INVALID_REQUEST", message)).stderr.splitlines()[1:]
    assert said == ([f"next:  {hint}"] if hint else [])


def test_an_answer_of_xml_or_html_is_shown_without_its_tags(run: Run) -> None:
    found = run("status ij_1", httpx.Response(404, text="<?xml version='1.0'?>\n<Error><Code>NoSuchBucket</Code>"))
    assert found.stderr.splitlines()[0] == "error: NoSuchBucket"
    assert "it must be the BaseUrl of `cdk deploy`" in found.stderr


def test_a_key_that_login_cannot_use_is_not_answered_with_login(run: Run) -> None:
    found = run("login --base-url https://clips.example/prod", refusal(401, "UNAUTHORIZED"), stdin="cf_key")
    assert (found.exit_code, "clipferry keys create" in found.stderr) == (3, True)
    assert "`clipferry login`" not in found.stderr


def test_a_source_that_cannot_be_opened_is_not_blamed_on_its_name(run: Run) -> None:
    wrong = refusal(403, "CANNOT_ACCESS", "the store does not know the credentials")
    assert "`clipferry integrations test in_1`" in run("import --prefix s3://a/ --integration in_1", wrong).stderr
    assert "`clipferry integrations list`" in run("import --prefix s3://a/", wrong).stderr


def test_a_clip_without_a_copy_is_explained(run: Run) -> None:
    found = run("clips link ij_1-0", refusal(409, "CLIP_NOT_THERE", "the clip has no copy"))
    assert (found.exit_code, "next:  `clipferry clips show ij_1-0`" in found.stderr) == (1, True)


def test_hints_name_the_import(run: Run) -> None:
    for name in ("ij_1", r"ij\1"):
        assert f"`clipferry status {name}`" in run(["cancel", name], refusal(409, "ALREADY_ENDED")).stderr


@pytest.mark.parametrize(
    ("ended", "said", "not_said"),
    [
        (job("CANCELLED", counts=counts(copied=1, cancelled=2)), ["--status CANCELLED", "Copy the rest"], ["--failed"]),
        (
            job("CANCELLED", counts=counts(failed=1, cancelled=2)),
            ["--status CANCELLED", "--failed", "Copy the rest"],
            [],
        ),
        (
            job("COMPLETED_WITH_ERRORS", counts=counts(copied=1, failed=2)),
            ["clipferry imports failures ij_1", "--failed", "Try again"],
            ["CANCELLED"],
        ),
        (job("FAILED", counts=counts(), code="SOURCE_CHANGED"), ["clipferry retry ij_1"], ["--failed"]),
        (job(), [], ["clipferry"]),
    ],
)
def test_the_hints_fit_the_end_of_an_import(run: Run, ended: Any, said: list[str], not_said: list[str]) -> None:
    found = run("status ij_1 --watch", ended, ended, page("clips", [clip(0, "FAILED")]))
    assert [text for text in said if text not in found.stderr] == []
    assert [text for text in not_said if text in found.stderr] == []


EMPTY = job(
    code="NO_CLIPS", counts=counts(), message="there is nothing to import in s3://clips/", filters={"include": []}
)


def test_an_empty_import_says_how_many_objects_the_filters_reject(run: Run) -> None:
    found = run("import --prefix s3://clips/ --include *.zip --watch", job("PENDING"), EMPTY, previewed(7))
    assert (found.exit_code, found.stdout.splitlines()[-1]) == (0, "0 of 7 objects pass the filters")
    assert found.service.body() == {"root_path": "s3://clips/"}


@pytest.mark.parametrize(
    ("options", "answers", "said"),
    [
        ("--include *.zip", [previewed(7)], "0 of 7 objects pass the filters"),
        ("--include *.zip", [previewed(7, complete=False)], "0 of at least 7 objects pass the filters"),
        ("--include *.zip", [previewed(0)], "there is no object below s3://clips/"),
        ("--include *.zip", [refusal(500, "INTERNAL")], "no object of s3://clips/ passes the filters"),
        ("", [], "there is no object below s3://clips/"),
    ],
)
@pytest.mark.parametrize("verb", ["preview", "import"])
def test_fail_if_empty_is_an_error_before_anything_is_imported(
    run: Run, verb: str, options: str, answers: list[Any], said: str
) -> None:
    found = run(f"{verb} --prefix s3://clips/ {options} --fail-if-empty", previewed(0), *answers)
    assert (found.exit_code, f"error: {said}\n" in found.stderr) == (7, True), found.stderr
    assert {path for _, path in found.service.asked} == {"/v1/previews"}
    as_json = run(f"{verb} --prefix s3://clips/ {options} --fail-if-empty --json", previewed(0), *answers)
    assert json.loads(as_json.stderr)["error"]["code"] == "NOTHING_FOUND"


def test_an_empty_preview_says_why(run: Run) -> None:
    found = run("preview --prefix s3://clips/ --include *.zip", previewed(0), previewed(7))
    assert (found.exit_code, found.stderr) == (0, "0 of 7 objects pass the filters\n")


def test_fail_if_empty_imports_what_there_is(run: Run) -> None:
    for found in (previewed(3), previewed(0, complete=False)):
        assert run("import --prefix s3://clips/ --fail-if-empty", found, job()).exit_code == 0
    answers = [previewed(0, complete=False), job(), EMPTY, previewed(7)]
    late = run("import --prefix s3://clips/ --fail-if-empty --watch", *answers)
    assert (late.exit_code, "0 of 7 objects" in late.stdout) == (7, True)


@pytest.mark.parametrize("place", ["--json import --bogus", "import --bogus --json", "import -o json --min-size x"])
def test_usage_errors_are_json_where_results_are(run: Run, place: str) -> None:
    found = run(place)
    error = json.loads(found.stderr)["error"]
    assert (found.exit_code, found.stdout, error["code"]) == (2, "", "USAGE")
    assert set(error) == {"code", "message", "status", "request_id", "next"}
    assert error["message"]


def test_usage_errors_are_a_sentence_and_a_hint(run: Run) -> None:
    found = run("import")
    assert found.stderr.splitlines() == [
        "error: say what to import, one way: URIs, --from, --prefix, --manifest or --sets",
        "next:  `clipferry import --help` lists the options",
    ]
    assert run("nothing").exit_code == 2
