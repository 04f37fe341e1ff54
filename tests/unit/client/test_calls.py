"""The SDK has a call for every operation of `/v1`, and reads every answer that the API documents."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import httpx

from clipferry.resources.base import Resource
from lambdas.api import app
from lambdas.examples.answers import ANSWERS
from lambdas.reference import document
from tests.unit.client.service import BASE_URL, FakeService

OPERATIONS = {
    f"{verb.upper()} {path}"
    for path, verbs in json.loads(document(app))["paths"].items()
    if path.startswith("/v1/")
    for verb in verbs
}
ABORTED = "POST /v1/uploads/abort"
PARTS = {"POST /v1/uploads", "POST /v1/uploads/parts", "POST /v1/uploads/complete"}
"""`uploads.file` sends these; tests/unit/client/test_uploads.py shows it."""


def operation_of(request: httpx.Request) -> str:
    path = request.url.path.removeprefix(httpx.URL(BASE_URL).path)
    asked = f"{request.method} {path}"
    return next(one for one in sorted(OPERATIONS) if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), asked))


def arguments_of(call: Any, folder: Path) -> dict[str, Any]:
    """Something for each required argument, by its type's name."""
    given: dict[str, Any] = {"Path": folder / "report.csv", "Settings": {}, "bool": True, "str": "id-1"}
    needed = [one for one in inspect.signature(call).parameters.values() if one.default is one.empty]
    kinds = {one.name: getattr(one.annotation, "__name__", str(one.annotation)) for one in needed}
    return {one.name: given[kinds[one.name]] for one in needed if one.kind is not one.VAR_KEYWORD}


def test_every_operation_has_a_call_that_reads_the_documented_answer(tmp_path: Path) -> None:
    asked: set[str] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        operation = operation_of(request)
        asked.add(operation)
        return httpx.Response(200, json=ANSWERS.get(operation))

    client = FakeService(*[answer] * 100).client()
    resources = {name: one for name, one in vars(client).items() if isinstance(one, Resource)}
    for name, resource in resources.items():
        for verb, call in inspect.getmembers(resource, inspect.ismethod):
            by_files = (name, verb) in {("imports", "download"), ("imports", "download_report"), ("uploads", "file")}
            if verb.startswith("_") or by_files or (name, verb) == ("uploads", "put"):
                continue
            found = call(**arguments_of(call, tmp_path))
            if inspect.isgenerator(found):
                assert list(found)
    assert asked == OPERATIONS - PARTS
    assert ABORTED in asked
