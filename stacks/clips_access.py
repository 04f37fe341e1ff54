"""What functions may do with the clips bucket."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from service.imports.extrapolated import RESULT_SUFFIX
from service.integrations.policies import COPY_ACTIONS
from stacks.access import allow, files_finding
from stacks.function import ServiceFunction
from stacks.nag import acknowledge

REMOVE_VERSIONS = ("DeleteObjectVersion", "GetObjectVersion")


def write_clips(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Put, verify and abort copies in the clips bucket, and take them back, version by version."""
    uploads = ["AbortMultipartUpload", "ListMultipartUploadParts"]
    actions = [*uploads, "GetObject", "PutObject", "PutObjectTagging", *REMOVE_VERSIONS]
    allow(function, [f"s3:{action}" for action in actions], [clips.arn_for_objects("*")])
    listings = ["ListBucket", "ListBucketMultipartUploads", "ListBucketVersions"]
    allow(function, [f"s3:{action}" for action in listings], [clips.bucket_arn])
    acknowledge(
        function.own_role,
        {
            files_finding(
                clips, "*"
            ): "It writes the clips of every project; keys are made by the service, not by callers."
        },
    )


def let_roles_write_clips(clips: s3.Bucket, role_arns: Sequence[str]) -> None:
    """Let exactly these roles, of whatever accounts, put copies into the clips bucket.

    By a condition, since a principal that is a role's ARN must exist and is lost when the role is made anew.
    """
    if not role_arns:
        return
    accounts = sorted({":".join([*arn.split(":")[:5], "root"]) for arn in role_arns})
    clips.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ArnPrincipal(account) for account in accounts],
            actions=list(COPY_ACTIONS),
            resources=[clips.arn_for_objects("*")],
            conditions={"ArnEquals": {"aws:PrincipalArn": list(role_arns)}},
        )
    )


def take_back_clips(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Find and abort unfinished uploads, and remove what was copied for sets that did not land.

    For the latter: find the versions, read their mark (HEAD), delete them. `ListBucket` makes a missing key a 404.
    """
    allow(
        function,
        [f"s3:{action}" for action in ("AbortMultipartUpload", *REMOVE_VERSIONS)],
        [clips.arn_for_objects("*")],
    )
    listings = ["ListBucket", "ListBucketMultipartUploads", "ListBucketVersions"]
    allow(function, [f"s3:{action}" for action in listings], [clips.bucket_arn])
    acknowledge(
        function.own_role,
        {
            files_finding(
                clips, "*"
            ): "It ends the imports of every project; it removes only their uploads, and versions of their own mark."
        },
    )


def look_at_clips(function: ServiceFunction, clips: s3.Bucket) -> None:
    """See what lies in the clips bucket already: HEAD is GetObject's, a listing ListBucket's."""
    allow(function, ["s3:GetObject"], [clips.arn_for_objects("*")])
    allow(function, ["s3:ListBucket"], [clips.bucket_arn])
    acknowledge(
        function.own_role, {files_finding(clips, "*"): "It looks up the destinations of every project's clips."}
    )


def remove_videos(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Remove versions of single clips, where a caller deletes one. `look_at_clips` has told cdk-nag of the objects."""
    allow(function, ["s3:DeleteObjectVersion"], [clips.arn_for_objects("*")])
    allow(function, ["s3:ListBucketVersions"], [clips.bucket_arn])


def write_results(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Store results beside the clips, where keys end so. `If-Match` takes `GetObject` besides (`look_at_clips`)."""
    results = f"*{RESULT_SUFFIX}"
    allow(function, ["s3:PutObject"], [clips.arn_for_objects(results)])
    acknowledge(
        function.own_role, {files_finding(clips, results): "Beside the clips of every project, under this name."}
    )
