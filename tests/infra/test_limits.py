"""Settings that make a template which AWS would refuse are refused at synth, with a sentence."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk.assertions import Template

from stacks.clipferry import ClipferryStack
from stacks.limits import too_large
from stacks.settings import DeploySettings
from tests.infra.conftest import COPY_ROLES, KMS_KEY

SHORT_NAMES = tuple(f"b{number:03}" for number in range(400))
"""1,999 characters in `source_buckets`, which its own limit allows."""


def problems(template: Template) -> list[str]:
    return list(too_large(template.to_json(), "Clipferry"))


def test_an_ordinary_deployment_fits(template: Template, local_template: Template) -> None:
    assert problems(template) == problems(local_template) == []


@pytest.mark.parametrize(
    ("deploy", "listing"),
    [
        (DeploySettings(source_buckets=SHORT_NAMES), {"PipelineWatch"}),
        (DeploySettings(source_kms_key_arns=tuple(f"{KMS_KEY[:-36]}{number:036}" for number in range(130))), set()),
    ],
    ids=["buckets", "keys"],
)
def test_more_names_than_a_policy_may_have_are_refused_with_a_sentence(
    make_stack: Callable[[DeploySettings], ClipferryStack], deploy: DeploySettings, listing: set[str]
) -> None:
    found = problems(Template.from_stack(make_stack(deploy)))
    roles = {sentence.split()[2].partition("Role")[0] for sentence in found}
    assert roles == {"ApiApi", "PipelinePlan", "PipelineCopy", *listing}
    assert all("characters of policies: name fewer source_buckets and source_kms_key_arns" in one for one in found)


def test_many_names_that_fit_are_not_refused(make_stack: Callable[[DeploySettings], ClipferryStack]) -> None:
    assert problems(Template.from_stack(make_stack(DeploySettings(source_buckets=SHORT_NAMES[:150])))) == []


def test_the_longest_names_that_the_settings_allow_fit_the_functions_environments(
    make_stack: Callable[[DeploySettings], ClipferryStack],
) -> None:
    deploy = DeploySettings(
        stack_name="S" * 24,
        source_buckets=tuple(f"{number:02}-{'n' * 60}" for number in range(30)),
        copy_roles=COPY_ROLES[:1],
        use_fips_endpoints=True,
        use_dualstack_endpoints=True,
        hf_endpoint="https://" + "h" * 60,
    )
    template = Template.from_stack(make_stack(deploy)).to_json()
    assert not [sentence for sentence in too_large(template, deploy.stack_name) if "environment" in sentence]


def a_template(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"Data": {"Type": "AWS::S3::Bucket"}, "It": {"Type": kind, "Properties": properties}}}


@pytest.mark.parametrize(("size", "refused"), [(4_096, False), (4_097, True)])
def test_an_environment_is_counted_in_bytes(size: int, refused: bool) -> None:
    variables = {"NAME": {"Fn::Join": ["", ["é" * 10, {"Ref": "Data"}, "x" * (size - 4 - 20 - 63)]]}}
    template = a_template("AWS::Lambda::Function", Environment={"Variables": variables})
    found = list(too_large(template, "Clipferry"))
    assert bool(found) is refused
    assert not refused or "the environment of the function It would have some 4,097 of 4,096 bytes" in found[0]


@pytest.mark.parametrize(("size", "refused"), [(10_240, False), (10_241, True)])
def test_policies_are_counted_as_json_without_white_space(size: int, refused: bool) -> None:
    def document(length: int) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "x" * length}
        return {"Version": "2012-10-17", "Statement": [statement]}

    beside = len(json.dumps(document(0), separators=(",", ":")))
    policy = document(size - beside)
    found = list(too_large(a_template("AWS::IAM::Policy", Roles=[{"Ref": "Role"}], PolicyDocument=policy), "Clipferry"))
    assert bool(found) is refused
