"""Grants on the credentials and roles of integrations."""

from aws_cdk import ArnFormat, Aws, Stack
from constructs import Construct

from service.projects.integrations.manage import ROLE_NAME_PREFIX
from stacks.access import allow
from stacks.function import ServiceFunction
from stacks.nag import acknowledge

INTEGRATION_ROLES = f"arn:{Aws.PARTITION}:iam::*:role/{ROLE_NAME_PREFIX}*"


def integration_secrets_prefix(scope: Construct) -> str:
    """The prefix of the names of integrations' secrets, which has the stack's name."""
    return f"clipferry/{Stack.of(scope).stack_name}/integrations/"


def use_integration_secrets(function: ServiceFunction, *actions: str) -> None:
    """Allow `actions` (`GetSecretValue`, …) on the credentials of integrations, and on no other secret."""
    stack = Stack.of(function)
    names = f"{integration_secrets_prefix(function)}*"
    arn = stack.format_arn(
        service="secretsmanager", resource="secret", resource_name=names, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    allow(function, [f"secretsmanager:{action}" for action in actions], [arn])
    finding = f"arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:{names}"
    reason = "It uses the credentials of all projects' integrations; other secrets have other names."
    acknowledge(function.own_role, {f"AwsSolutions-IAM5[Resource::{finding}]": reason})


def assume_integration_roles(function: ServiceFunction) -> None:
    """Allow to assume roles of any account whose name has the prefix, and which trust this account."""
    allow(function, ["sts:AssumeRole"], [INTEGRATION_ROLES])
    finding = f"arn:<AWS::Partition>:iam::*:role/{ROLE_NAME_PREFIX}*"
    reason = "Callers name the accounts; the name of a role shows that it is meant for this."
    acknowledge(function.own_role, {f"AwsSolutions-IAM5[Resource::{finding}]": reason})


def read_by_integrations(function: ServiceFunction) -> None:
    """Allow to open sources with the credentials and roles of integrations."""
    use_integration_secrets(function, "GetSecretValue")
    assume_integration_roles(function)
