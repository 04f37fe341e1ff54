"""What functions may do with the credentials and roles of integrations."""

from aws_cdk import ArnFormat, Aws, Stack
from constructs import Construct

from service.integrations.manage import ROLE_NAME_PREFIX
from stacks.access import allow
from stacks.function import ServiceFunction
from stacks.nag import acknowledge

INTEGRATION_ROLES = f"arn:{Aws.PARTITION}:iam::*:role/{ROLE_NAME_PREFIX}*"


def integration_secrets_prefix(scope: Construct) -> str:
    """What the names of integrations' secrets begin with; the stack's own."""
    return f"clipferry/{Stack.of(scope).stack_name}/integrations/"


def use_integration_secrets(function: ServiceFunction, *actions: str) -> None:
    """`actions` (`GetSecretValue`, …) on the credentials of integrations, and on no other secret."""
    stack = Stack.of(function)
    names = f"{integration_secrets_prefix(function)}*"
    arn = stack.format_arn(
        service="secretsmanager", resource="secret", resource_name=names, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    allow(function, [f"secretsmanager:{action}" for action in actions], [arn])
    finding = f"arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:{names}"
    reason = "The credentials of all projects' integrations are its work; other secrets have other names."
    acknowledge(function.own_role, {f"AwsSolutions-IAM5[Resource::{finding}]": reason})


def assume_integration_roles(function: ServiceFunction) -> None:
    """Roles of other accounts that trust this one and say so by their name."""
    allow(function, ["sts:AssumeRole"], [INTEGRATION_ROLES])
    finding = f"arn:<AWS::Partition>:iam::*:role/{ROLE_NAME_PREFIX}*"
    reason = "Which accounts there are is the callers' to say; the name shows that a role is meant for this."
    acknowledge(function.own_role, {f"AwsSolutions-IAM5[Resource::{finding}]": reason})


def read_by_integrations(function: ServiceFunction) -> None:
    """Open sources by what their projects saved."""
    use_integration_secrets(function, "GetSecretValue")
    assume_integration_roles(function)
