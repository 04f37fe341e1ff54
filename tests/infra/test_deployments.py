"""Several deployments in one account and region, and deployments in every partition of AWS."""

import json
import re
from collections.abc import Callable, Iterator

from aws_cdk.assertions import Template

from stacks.clipferry import ClipferryStack
from stacks.settings import DeploySettings
from tests.infra.reading import environment, text

NAMED = {"Name", "RestApiName", "LogGroupName", "RoleName", "FunctionName", "BucketName", "TableName", "QueueName"}
NAMED |= {"TopicName", "AlarmName", "DashboardName", "StateMachineName", "SecretName", "PolicyName"}


def physical_names(template: Template) -> Iterator[tuple[str, str]]:
    """Names that the template itself gives to resources whose names are unique in an account and region."""
    for logical_id, resource in template.to_json()["Resources"].items():
        if resource["Type"] in ("AWS::ApiGateway::Authorizer", "AWS::IAM::Policy"):
            continue  # unique in their API, in their role
        for name, value in resource["Properties"].items():
            if name in NAMED:
                yield logical_id, text(value)


def test_no_name_is_shared_by_two_deployments(template: Template, other_template: Template) -> None:
    ours, theirs = dict(physical_names(template)), dict(physical_names(other_template))
    assert ours, "the log group of the state machine has a name"
    shared = {name for name in set(ours.values()) & set(theirs.values()) if "${" not in name}
    assert shared == set()


def test_secrets_metrics_and_roles_are_the_deployments_own(other_template: Template) -> None:
    env = environment(other_template, "Api")
    assert env["CLIPFERRY_INTEGRATION_SECRETS_PREFIX"] == "clipferry/Staging/integrations/"
    assert env["CLIPFERRY_TRUSTED_ROLES"].endswith(":role/Staging-*")
    assert env["POWERTOOLS_SERVICE_NAME"] == "Staging"
    (own,) = [
        alarm
        for alarm in other_template.find_resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"].get("Namespace") == "Clipferry"
    ]
    assert own["Properties"]["Dimensions"] == [{"Name": "service", "Value": "Staging"}]


def test_the_stacks_name_is_the_settings(make_stack: Callable[[DeploySettings], ClipferryStack]) -> None:
    assert make_stack(DeploySettings()).stack_name == "Clipferry"
    assert make_stack(DeploySettings(stack_name="Staging")).stack_name == "Staging"


SERVICE_PRINCIPALS = re.compile(r"[a-z.]+\.amazonaws\.com")


def test_the_template_names_no_partition_and_no_domain_of_one(other_template: Template) -> None:
    """China, GovCloud and the European Sovereign Cloud have ARNs and domains of their own."""
    rendered = json.dumps(other_template.to_json())
    assert "arn:aws" not in rendered
    services = ("apigateway", "cloudwatch", "events", "lambda", "states")
    assert set(SERVICE_PRINCIPALS.findall(rendered)) == {f"{name}.amazonaws.com" for name in services}
    assert "amazonaws.com" not in SERVICE_PRINCIPALS.sub("", rendered)
