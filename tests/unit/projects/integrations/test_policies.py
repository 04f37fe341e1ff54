"""The policies to paste: the external id and the deployment's roles, the bucket and its prefix, nothing else."""

from service.domain.projects import IntegrationType
from service.projects.integrations.policies import (
    COPY_ACTIONS,
    DELETE_ACTIONS,
    READ_ACTIONS,
    Trusted,
    permission_policy,
    trust_policy,
)
from tests.builders import PROJECT, an_integration

WRITER = "arn:aws:iam::123456789012:role/clipferry-writer"
TRUSTED = Trusted(
    account="arn:aws:iam::111111111111:root",
    roles="arn:aws:iam::111111111111:role/Clipferry-*",
    clips_bucket="clips",
    copy_roles=(WRITER,),
)


def test_the_trust_policy_demands_the_external_id_and_the_deployments_roles() -> None:
    role = an_integration(type=IntegrationType.S3_ROLE, external_id="e" * 32)
    assert trust_policy(role, TRUSTED) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": TRUSTED.account},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"sts:ExternalId": "e" * 32},
                    "ArnLike": {"aws:PrincipalArn": TRUSTED.roles},
                },
            }
        ],
    }


def test_the_permission_policy_reaches_the_prefix_only() -> None:
    arn = "arn:aws-cn:iam::123456789012:role/clipferry-a"
    role = an_integration(type=IntegrationType.S3_ROLE, role_arn=arn, prefix="a*b?/$c/")
    listing, reading = permission_policy(role, TRUSTED)["Statement"]
    keys = "a${*}b${?}/${$}c/*"
    assert listing == {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws-cn:s3:::fleet",
        "Condition": {"StringLike": {"s3:prefix": keys}},
    }
    assert reading == {"Effect": "Allow", "Action": list(READ_ACTIONS), "Resource": f"arn:aws-cn:s3:::fleet/{keys}"}


def test_an_access_point_has_its_objects_below_object() -> None:
    point = "arn:aws:s3:eu-west-1:123456789012:accesspoint/fleet"
    role = an_integration(bucket=point, prefix="a/", role_arn="arn:aws:iam::123456789012:role/clipferry-a")
    listing, reading = permission_policy(role, TRUSTED)["Statement"]
    assert (listing["Resource"], reading["Resource"]) == (point, f"{point}/object/a/*")


def test_without_a_prefix_it_reaches_the_bucket() -> None:
    arn = "arn:aws:iam::123456789012:role/clipferry-a"
    listing, reading = permission_policy(an_integration(role_arn=arn), TRUSTED)["Statement"]
    assert "Condition" not in listing
    assert reading["Resource"] == "arn:aws:s3:::fleet/*"


def test_a_role_that_may_write_clips_writes_those_of_its_project() -> None:
    reading = permission_policy(an_integration(role_arn=f"{WRITER}-not"), TRUSTED)["Statement"]
    writing = permission_policy(an_integration(role_arn=WRITER), TRUSTED)["Statement"]
    assert writing[:-1] == reading
    assert writing[-1] == {
        "Effect": "Allow",
        "Action": list(COPY_ACTIONS),
        "Resource": f"arn:aws:s3:::clips/{PROJECT}/*",
    }


def test_only_an_integration_that_allows_it_may_delete() -> None:
    role = an_integration(role_arn="arn:aws:iam::123456789012:role/clipferry-a", prefix="a/", allow_delete=True)
    *_, deleting = permission_policy(role, TRUSTED)["Statement"]
    assert deleting == {"Effect": "Allow", "Action": list(DELETE_ACTIONS), "Resource": "arn:aws:s3:::fleet/a/*"}
