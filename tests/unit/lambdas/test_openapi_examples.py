"""The OpenAPI document has an example of each body and answer that fits its schema, and describes its groups."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from lambdas.reference import VERBS
from local.config import ROOT
from stacks.settings import DeploySettings
from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import CLIP_FIELDS, JOB_FIELDS
from tests.unit.lambdas.test_openapi import openapi, operations


def examples(content: dict[str, Any]) -> Iterator[Any]:
    yield from (one["value"] for one in content.get("examples", {}).values())


def content_of(one: dict[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = one.get("content", {}).get("application/json", {})
    return media


def test_every_body_and_every_answer_has_an_example_that_fits_its_schema(api: Api) -> None:
    document = openapi(api)
    for (verb, path), operation in operations(document).items():
        for one in (*operation["responses"].values(), operation.get("requestBody", {})):
            media = content_of(one)
            shown = list(examples(media))
            assert shown or not media, f"{verb} {path}"
            for example in shown:
                whole = media["schema"] | {"components": document["components"]}
                jsonschema_rs.validator_for(whole).validate(example)


def test_errors_are_shown_with_a_code_that_exists(api: Api) -> None:
    known = set(re.findall(r"`([A-Z_0-9]+)`", (ROOT / "docs" / "reference" / "codes.md").read_text()))
    for operation in operations(openapi(api)).values():
        for status, one in operation["responses"].items():
            if not status.startswith("2"):
                assert {example["code"] for example in examples(content_of(one))} <= known


def test_imports_have_an_example_of_each_kind_of_source(api: Api) -> None:
    body = operations(openapi(api))["post", "/v1/imports"]["requestBody"]
    shown = list(examples(content_of(body)))
    kinds = {"exact_paths", "root_path", "manifest_uri", "sets"}
    assert {name for one in shown for name in one} >= kinds
    assert {one["root_path"].partition("://")[0] for one in shown if "root_path" in one} == {"s3", "gs", "hf"}


def test_an_answer_shows_every_field(api: Api) -> None:
    shown = operations(openapi(api))
    (one,) = examples(content_of(shown["get", "/v1/imports/{job_id}"]["responses"]["200"]))
    assert set(one) == JOB_FIELDS
    (page,) = examples(content_of(shown["get", "/v1/imports/{job_id}/clips"]["responses"]["200"]))
    assert set(page["clips"][0]) == CLIP_FIELDS


def test_the_groups_of_operations_are_those_that_the_document_describes(api: Api) -> None:
    document = openapi(api)
    named = {tag for one in operations(document).values() for tag in one["tags"]}
    assert {one["name"] for one in document["tags"]} == named


def test_operations_are_in_the_order_of_use(api: Api) -> None:
    paths = list(openapi(api)["paths"].items())
    needs_id = ["{" in path for path, _ in paths]
    assert needs_id == sorted(needs_id)
    for path, one in paths:
        assert [verb for verb in VERBS if verb in one] == list(one), path


def test_the_deployment_that_it_shows_has_the_default_settings(api: Api) -> None:
    shown = operations(openapi(api))
    (one,) = examples(content_of(shown["get", "/v1/deployment"]["responses"]["200"]))
    settings, named = DeploySettings(), {"clips_bucket", "drop_bucket", "source_buckets"}
    chosen = {name: getattr(settings, name) for name in one if name not in named}
    assert {name: one[name] for name in chosen} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in chosen.items()
    }
