"""What the owner of a bucket in another AWS account has to allow: the policies of the role, to be pasted."""

import re
from dataclasses import dataclass
from typing import Any

from service.schema import Integration

_WILD = re.compile(r"[*?$]")
READ_ACTIONS = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging")


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """Who assumes roles: functions of this deployment."""

    account: str
    """ARN of the account's root."""
    roles: str
    """Pattern of the ARNs of the functions' roles."""


def trust_policy(integration: Integration, trusted: Trusted) -> dict[str, Any]:
    """Names the account and, as a condition, its roles: a role named as principal is lost when it is made anew."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": trusted.account},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"sts:ExternalId": integration.external_id},
                "ArnLike": {"aws:PrincipalArn": trusted.roles},
            },
        }
    )


def permission_policy(integration: Integration) -> dict[str, Any]:
    """Listing and reading below the prefix, and nothing else."""
    partition = (integration.role_arn or "").split(":")[1]
    bucket = f"arn:{partition}:s3:::{integration.bucket}"
    keys = _WILD.sub(lambda wild: f"${{{wild[0]}}}", integration.prefix or "") + "*"
    listing: dict[str, Any] = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket}
    if integration.prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": keys}}
    return _policy(listing, {"Effect": "Allow", "Action": list(READ_ACTIONS), "Resource": f"{bucket}/{keys}"})


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
