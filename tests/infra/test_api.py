"""The REST API: who needs a key, and what API Gateway says by itself."""

import json
import re
import string
from typing import Any

import pytest
from aws_cdk.assertions import Template

from local.config import ROOT
from service.projects.rate_keys import rate_key_of
from service.support.response_headers import GATEWAY_HEADERS
from tests.infra.reading import properties, text

OPEN = {"ApiRestopenapijsonGET", "ApiRestdocsGET", "ApiRestappGET", "ApiRestappproxyGET"}


def test_every_method_needs_a_key_but_pages_without_data(template: Template) -> None:
    methods = properties(template, "AWS::ApiGateway::Method")
    assert {name for name, method in methods.items() if method["AuthorizationType"] == "NONE"} == OPEN
    guarded = {name: method for name, method in methods.items() if name not in OPEN}
    assert set(guarded) == {"ApiRestproxyANY"} | {name.removesuffix("GET") + "ANY" for name in OPEN}
    assert {(method["AuthorizationType"], text(method["AuthorizerId"])) for method in guarded.values()} == {
        ("CUSTOM", "${ApiAuthorizer}")
    }


def test_each_project_has_a_rate_by_the_key_that_the_authorizer_names(template: Template) -> None:
    (rest,) = properties(template, "AWS::ApiGateway::RestApi").values()
    assert rest["ApiKeySourceType"] == "AUTHORIZER", "what a caller sends in X-API-Key names no plan's key"
    methods = properties(template, "AWS::ApiGateway::Method")
    assert {name for name, method in methods.items() if method.get("ApiKeyRequired")} == set(methods) - OPEN
    (plan,) = properties(template, "AWS::ApiGateway::UsagePlan").values()
    assert plan["Throttle"] == {"RateLimit": 25, "BurstLimit": 50}
    assert "Quota" not in plan
    assert len(plan["ApiStages"]) == 1
    keys = properties(template, "AWS::ApiGateway::ApiKey")
    named = {rate_key_of("Clipferry", project) for project in (None, *(f"p{number}" for number in range(1_000)))}
    assert named == {key["Value"] for key in keys.values()}
    in_plan = properties(template, "AWS::ApiGateway::UsagePlanKey").values()
    assert {text(key["KeyId"]) for key in in_plan} == {f"${{{name}}}" for name in keys}


def test_two_deployments_in_a_region_have_different_keys(template: Template, other_template: Template) -> None:
    values = [
        {key["Value"] for key in properties(one, "AWS::ApiGateway::ApiKey").values()}
        for one in (template, other_template)
    ]
    assert not values[0] & values[1]


def test_the_open_pages_are_only_read(template: Template) -> None:
    methods = properties(template, "AWS::ApiGateway::Method")
    assert {methods[name]["HttpMethod"] for name in OPEN} == {"GET"}
    assert {item["PathPart"] for item in properties(template, "AWS::ApiGateway::Resource").values()} == {
        "{proxy+}",
        "openapi.json",
        "docs",
        "app",
    }


def test_the_authorizer_is_asked_every_time_whichever_header_has_the_key(template: Template) -> None:
    (authorizer,) = properties(template, "AWS::ApiGateway::Authorizer").values()
    assert (authorizer["Type"], authorizer["AuthorizerResultTtlInSeconds"]) == ("REQUEST", 0)
    assert not authorizer.get("IdentitySource")
    assert "${ApiAuthorize.Arn}" in text(authorizer["AuthorizerUri"])


def test_the_stage_is_throttled_logged_measured_and_traced(template: Template) -> None:
    (stage,) = properties(template, "AWS::ApiGateway::Stage").values()
    assert (stage["StageName"], stage["TracingEnabled"]) == ("prod", True)
    settings = method_settings(stage)["/*", "*"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (50, 100)
    assert (settings["MetricsEnabled"], settings["DataTraceEnabled"], settings["LoggingLevel"]) == (
        True,
        False,
        "ERROR",
    )


def test_access_logs_are_json_without_headers_or_bodies(template: Template) -> None:
    (stage,) = properties(template, "AWS::ApiGateway::Stage").values()
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    assert fields["status"] == "$context.status"
    assert not [value for value in fields.values() if "header" in value or "body" in value]
    assert text(stage["AccessLogSetting"]["DestinationArn"]).endswith(":log-group:${ApiAccessLogs}")


def test_a_region_without_a_role_for_api_logs_gets_one_that_stays(template: Template) -> None:
    (account,) = template.find_resources("AWS::ApiGateway::Account").values()
    assert account["DeletionPolicy"] == "Retain"


def test_a_region_that_has_a_role_for_api_logs_keeps_it(other_template: Template) -> None:
    other_template.resource_count_is("AWS::ApiGateway::Account", 0)
    assert not [name for name in properties(other_template, "AWS::IAM::Role") if "CloudWatch" in name]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("ACCESS_DENIED", "401", "UNAUTHORIZED"),
        ("UNAUTHORIZED", "401", "UNAUTHORIZED"),
        ("INVALID_API_KEY", "503", "KEY_NOT_CHECKED"),
        ("THROTTLED", "429", "THROTTLED"),
        ("QUOTA_EXCEEDED", "429", "THROTTLED"),
        ("REQUEST_TOO_LARGE", "413", "BODY_TOO_LARGE"),
        ("MISSING_AUTHENTICATION_TOKEN", "404", "NOT_FOUND"),
        ("DEFAULT_4XX", None, "BAD_REQUEST"),
        ("DEFAULT_5XX", None, "INTERNAL"),
    ],
)
def test_api_gateway_answers_in_the_shape_of_the_service(
    template: Template, kind: str, status: str | None, code: str
) -> None:
    answer = gateway_responses(template)[kind]
    assert answer.get("StatusCode") == status
    # The value of messageString at run time: a sentence in quotation marks.
    body = answer["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"Bad"')
    parsed = json.loads(body)
    assert set(parsed) == {"detail", "code"}
    assert parsed["code"] == code
    assert set(parsed["code"]) <= set(string.ascii_uppercase + "_")


def test_throttled_callers_learn_when_to_come_back(template: Template) -> None:
    headers = gateway_responses(template)["THROTTLED"]["ResponseParameters"]
    assert headers["gatewayresponse.header.Retry-After"] == "'1'"


def test_what_api_gateway_says_has_the_security_headers_of_the_service(template: Template) -> None:
    for answer in gateway_responses(template).values():
        given = answer["ResponseParameters"]
        assert {"X-Content-Type-Options", "Strict-Transport-Security", "X-Frame-Options"} <= set(GATEWAY_HEADERS)
        for name, value in GATEWAY_HEADERS.items():
            assert given[f"gatewayresponse.header.{name}"] == f"'{value}'"


def test_answers_are_compressed_for_clients_that_ask(template: Template) -> None:
    (rest,) = properties(template, "AWS::ApiGateway::RestApi").values()
    assert rest["MinimumCompressionSize"] == 1_024
    assert "BinaryMediaTypes" not in rest, "base64 bodies would take a third of Lambda's 6 MB"


def test_the_open_pages_have_a_throttle_of_their_own(template: Template) -> None:
    (stage,) = properties(template, "AWS::ApiGateway::Stage").values()
    settings = method_settings(stage)
    throttles = {"/~1docs": (2, 10), "/~1openapi.json": (2, 10), "/~1app": (20, 100), "/~1app~1{proxy+}": (20, 100)}
    for path, throttle in throttles.items():
        limits = settings[path, "GET"]
        assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == throttle
        assert (limits["MetricsEnabled"], limits["DataTraceEnabled"], limits["LoggingLevel"]) == (True, False, "ERROR")


def test_the_page_of_the_deployment_shows_the_outputs_that_the_template_has(template: Template) -> None:
    page = (ROOT / "docs" / "start" / "deploy.md").read_text("utf-8")
    shown = re.findall(r"^Clipferry\.(\w+) = ", page, re.MULTILINE)
    assert shown == sorted(template.to_json()["Outputs"])


def test_the_outputs_are_the_names_that_scripts_know(template: Template) -> None:
    outputs = template.to_json()["Outputs"]
    assert set(outputs) == {
        "BaseUrl",
        "DashboardUrl",
        "ApiId",
        "StageName",
        "AdminSecretArn",
        "TableName",
        "ClipsBucketName",
        "DropBucketName",
        "StateBucketName",
        "StateMachineArn",
        "UploadQueueUrl",
        "UploadDlqUrl",
    }
    url = text(outputs["BaseUrl"]["Value"])
    assert url == "https://${ApiRest}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod"
    assert text(outputs["DashboardUrl"]["Value"]) == f"{url}/app/"


def test_no_page_of_another_origin_may_call_the_api_unless_a_setting_names_it(
    template: Template, other_template: Template
) -> None:
    header = "gatewayresponse.header.Access-Control-Allow-Origin"
    assert "ApiRestproxyOPTIONS" not in properties(template, "AWS::ApiGateway::Method")
    assert all(header not in answer["ResponseParameters"] for answer in gateway_responses(template).values())
    preflight = properties(other_template, "AWS::ApiGateway::Method")["ApiRestproxyOPTIONS"]
    (answer,) = preflight["Integration"]["IntegrationResponses"]
    given = answer["ResponseParameters"]
    assert given["method.response.header.Access-Control-Allow-Origin"] == "'https://tools.example.com'"
    assert "X-API-Key" in given["method.response.header.Access-Control-Allow-Headers"]
    assert preflight["AuthorizationType"] == "NONE"
    assert all(answer["ResponseParameters"][header] == "'*'" for answer in gateway_responses(other_template).values())


def method_settings(stage: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["ResourcePath"], item["HttpMethod"]): item for item in stage["MethodSettings"]}


def gateway_responses(template: Template) -> dict[str, dict[str, Any]]:
    found = properties(template, "AWS::ApiGateway::GatewayResponse").values()
    return {item["ResponseType"]: item for item in found}


def test_an_authorizer_that_fails_is_a_503_that_says_when_to_try_again(template: Template) -> None:
    found = gateway_responses(template)["AUTHORIZER_FAILURE"]
    assert found["StatusCode"] == "503"
    assert found["ResponseParameters"]["gatewayresponse.header.Retry-After"] == "'5'"
    assert json.loads(found["ResponseTemplates"]["application/json"])["code"] == "KEY_NOT_CHECKED"
