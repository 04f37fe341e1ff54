"""The emulator takes a usage plan's key from the authorizer's answer, where the API says so."""

import http.client
import json
import urllib.parse

import pytest

from local.config import ACCOUNT, REGION
from tests.servers.emulated import Emulated

AUTHORIZER = """
def handler(event, context):
    asked = {name.lower(): value for name, value in event["headers"].items()}
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
    answer = {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    return answer | {"usageIdentifierKey": asked["name"]} if "name" in asked else answer
"""
ANSWERING = """
def handler(event, context):
    return {"statusCode": 200, "body": "{}"}
"""
FIRST, SECOND = "a" * 20, "b" * 20


@pytest.fixture(scope="module")
def path(emulator: Emulated) -> str:
    """Return the path of a stage whose plan lets each of two keys send two requests at once, then one in 1,000 s."""
    client = emulator.client("apigateway")
    api_id = client.create_rest_api(name="keys", apiKeySource="AUTHORIZER")["id"]
    (root,) = client.get_resources(restApiId=api_id)["items"]
    prefix = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    authorizer = client.create_authorizer(
        restApiId=api_id,
        name="keys",
        type="REQUEST",
        authorizerUri=f"{prefix}{emulator.function(AUTHORIZER)}/invocations",
        authorizerResultTtlInSeconds=0,
    )["id"]
    at = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "GET"}
    client.put_method(**at, authorizationType="CUSTOM", authorizerId=authorizer, apiKeyRequired=True)
    uri = f"{prefix}{emulator.function(ANSWERING)}/invocations"
    client.put_integration(**at, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    client.create_deployment(restApiId=api_id, stageName="prod")
    plan = client.create_usage_plan(
        name="keys", apiStages=[{"apiId": api_id, "stage": "prod"}], throttle={"rateLimit": 0.001, "burstLimit": 2}
    )["id"]
    for value in (FIRST, SECOND):
        key = client.create_api_key(name=value, value=value, enabled=True)["id"]
        client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return f"/_aws/execute-api/{api_id}/prod/"


def asked(emulator: Emulated, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(emulator.url).netloc, timeout=30)
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_authorizer_names_the_key_whose_rate_counts(emulator: Emulated, path: str) -> None:
    assert [asked(emulator, path, name=FIRST) for _ in range(4)] == [200, 200, 429, 429]
    assert asked(emulator, path, name=SECOND) == 200


def test_a_key_that_the_caller_sends_counts_for_nothing(emulator: Emulated, path: str) -> None:
    assert asked(emulator, path, **{"x-api-key": FIRST}) == 403
    assert asked(emulator, path, name="unknown", **{"x-api-key": FIRST}) == 403


def test_a_rest_api_of_a_template_has_its_key_source(emulator: Emulated) -> None:
    """The bare emulator's CloudFormation drops it from a new API."""
    rest = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "templated", "ApiKeySourceType": "AUTHORIZER"}}
    templates = emulator.client("cloudformation")
    templates.create_stack(StackName="templated", TemplateBody=json.dumps({"Resources": {"Rest": rest}}))
    templates.get_waiter("stack_create_complete").wait(StackName="templated", WaiterConfig={"Delay": 1})
    (made,) = [one for one in emulator.client("apigateway").get_rest_apis()["items"] if one["name"] == "templated"]
    assert made["apiKeySource"] == "AUTHORIZER"
