"""cdk-nag findings that stay, each acknowledged on the resource that has it, with the reason."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept each finding (`AwsSolutions-S1`, `AwsSolutions-IAM5[Resource::*]`) on `construct` and what is below it."""
    for finding, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
