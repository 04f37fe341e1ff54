"""Policies of a role in another AWS account, for its owner to paste."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from service.domain.projects import Integration
from service.domain.uris import is_access_point

_WILD = re.compile(r"[*?$]")
READ_ACTIONS = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging")
COPY_ACTIONS = ("s3:PutObject", "s3:PutObjectTagging")
"""Actions that a copy needs at its destination. The service's own roles do the rest."""

DELETE_ACTIONS = ("s3:DeleteObject", "s3:DeleteObjectVersion")
"""Actions of imports that delete their sources."""


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """The roles that assume the caller's role, and the bucket that it may write to."""

    account: str
    """ARN of the account's root."""
    roles: str
    """Pattern of the ARNs of the functions' roles."""
    clips_bucket: str
    copy_roles: Collection[str] = ()
    """ARNs of the roles that may write clips."""


def trust_policy(integration: Integration, trusted: Trusted) -> dict[str, Any]:
    """Trust the account, with its roles as a condition: a role named as principal is lost when it is created again."""
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


def permission_policy(integration: Integration, trusted: Trusted) -> dict[str, Any]:
    """Allow listing and reading below the prefix, and deleting where the integration allows it; a role that may write
    clips may also write its project's clips."""
    role_arn = integration.role_arn or ""
    partition = role_arn.split(":")[1]
    by_arn = is_access_point(integration.bucket)
    bucket = integration.bucket if by_arn else f"arn:{partition}:s3:::{integration.bucket}"
    objects = f"{bucket}/object" if by_arn else bucket
    keys = _WILD.sub(lambda wild: f"${{{wild[0]}}}", integration.prefix or "") + "*"
    listing: dict[str, Any] = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket}
    if integration.prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": keys}}
    statements = [listing, {"Effect": "Allow", "Action": list(READ_ACTIONS), "Resource": f"{objects}/{keys}"}]
    if role_arn in trusted.copy_roles:
        destinations = f"arn:{partition}:s3:::{trusted.clips_bucket}/{integration.project}/*"
        statements.append({"Effect": "Allow", "Action": list(COPY_ACTIONS), "Resource": destinations})
    if integration.allow_delete:
        statements.append({"Effect": "Allow", "Action": list(DELETE_ACTIONS), "Resource": f"{objects}/{keys}"})
    return _policy(*statements)


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
