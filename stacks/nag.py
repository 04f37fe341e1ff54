"""Accept cdk-nag findings on the resources that have them, each with a reason."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept each finding (`AwsSolutions-S1`, `AwsSolutions-IAM5[Resource::*]`) on `construct` and what is below it."""
    for finding, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
