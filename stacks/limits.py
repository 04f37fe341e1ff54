"""Check a synthesized template against AWS's limits that long settings can exceed, before anything is deployed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

ENVIRONMENT_BYTES = 4_096
"""Names and values of a function's variables together (Lambda's quotas)."""

INLINE_POLICY_CHARACTERS = 10_240
MANAGED_POLICY_CHARACTERS = 6_144
"""Inline policies of one role together, and one managed policy, without white space (IAM's quotas).

The CDK moves whole statements to managed policies where they would not fit inline.
"""

_PSEUDO = {"AWS::Partition": 10, "AWS::Region": 14, "AWS::AccountId": 12, "AWS::URLSuffix": 16}
"""The longest values that CloudFormation puts in these places: `aws-us-gov`, `ap-southeast-1`, …"""

_REF_IS_ARN = {"AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine", "AWS::SNS::Topic"}
_BUCKET_NAME = 63
_ARN_BESIDE_NAMES = 70
"""Characters of an ARN beside the resource's name: partition, service, region, account, type."""

_RANDOM_PART = 16
"""What CloudFormation adds to a generated name: a random part and hyphens."""


def too_large(template: Mapping[str, Any], stack_name: str) -> Iterator[str]:
    """A sentence for each function, policy and role that AWS would refuse. Generated names are estimated, high."""
    resources: Mapping[str, Any] = template["Resources"]
    sizes = _Sizes(resources, stack_name)
    inline: Counter[str] = Counter()
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Function":
            variables = properties.get("Environment", {}).get("Variables", {})
            size = sum(len(key.encode()) + sizes.of(value) for key, value in variables.items())
            if size > ENVIRONMENT_BYTES:
                yield (
                    f"the environment of the function {name} would have some {size:,} of {ENVIRONMENT_BYTES:,} bytes: "
                    "name fewer or shorter buckets and roles in source_buckets and copy_roles"
                )
        elif resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            size = sizes.of(properties["PolicyDocument"], rendered=True)
            managed = resource["Type"] == "AWS::IAM::ManagedPolicy"
            if managed and size > MANAGED_POLICY_CHARACTERS:
                yield _too_many_names(f"the policy {name}", size, MANAGED_POLICY_CHARACTERS)
            for role in properties["Roles"]:
                inline[role["Ref"]] += 0 if managed else size
    for role, size in inline.items():
        if size > INLINE_POLICY_CHARACTERS:
            yield _too_many_names(f"the role {role}", size, INLINE_POLICY_CHARACTERS)


def _too_many_names(what: str, size: int, limit: int) -> str:
    return (
        f"{what} would have some {size:,} of {limit:,} characters of policies: name fewer source_buckets and "
        "source_kms_key_arns"
    )


class _Sizes:
    def __init__(self, resources: Mapping[str, Any], stack_name: str) -> None:
        self._resources, self._stack_name = resources, stack_name

    def of(self, value: Any, *, rendered: bool = False) -> int:
        """Bytes of a text with CloudFormation's functions in it, or characters of the JSON that it is rendered to."""
        if isinstance(value, str):
            return len(value.encode()) + 2 * rendered
        if isinstance(value, list):
            return sum(self.of(item, rendered=rendered) + rendered for item in value) + rendered
        if not isinstance(value, Mapping):
            return len(str(value))
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function in ("Ref", "Fn::GetAtt"):
                return self._resolved(function, argument) + 2 * rendered
            if function == "Fn::Join":
                separator, parts = argument
                return sum(self.of(part) for part in parts) + len(separator) * (len(parts) - 1) + 2 * rendered
            if function in ("Fn::Select", "Fn::Split"):
                return self.of(argument[-1])
        # An object: quotes and a colon for each key, commas and braces.
        return sum(len(key) + 4 + self.of(item, rendered=True) for key, item in value.items()) + 1

    def _resolved(self, function: str, argument: Any) -> int:
        if function == "Ref" and argument in _PSEUDO:
            return _PSEUDO[argument]
        name = argument if function == "Ref" else argument[0]
        kind = self._resources.get(name, {}).get("Type")
        bucket = kind == "AWS::S3::Bucket"
        names = _BUCKET_NAME if bucket else len(self._stack_name) + len(name) + _RANDOM_PART
        is_arn = function == "Fn::GetAtt" or kind in _REF_IS_ARN
        return names + _ARN_BESIDE_NAMES if is_arn else names
