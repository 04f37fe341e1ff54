"""Grants on the clips bucket."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from service.domain.clip_names import RESULT_SUFFIX
from service.projects.integrations.policies import COPY_ACTIONS
from stacks.access import CORS_SECONDS, allow, files_finding
from stacks.function import ServiceFunction
from stacks.nag import acknowledge

REMOVE_VERSIONS = ("DeleteObjectVersion", "GetObjectVersion")


def write_clips(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Allow to write, verify and abort copies, and to remove them version by version."""
    uploads = ["AbortMultipartUpload", "ListMultipartUploadParts"]
    actions = [*uploads, "GetObject", "PutObject", "PutObjectTagging", *REMOVE_VERSIONS]
    allow(function, [f"s3:{action}" for action in actions], [clips.arn_for_objects("*")])
    listings = ["ListBucket", "ListBucketMultipartUploads", "ListBucketVersions"]
    allow(function, [f"s3:{action}" for action in listings], [clips.bucket_arn])
    acknowledge(
        function.own_role,
        {files_finding(clips, "*"): "It writes the clips of every project, at keys that the service makes."},
    )


def let_roles_write_clips(clips: s3.Bucket, role_arns: Sequence[str]) -> None:
    """Allow exactly these roles, of any account, to write copies.

    A condition names them: a role as principal must exist, and is lost when the role is made anew.
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


def let_pages_read_clips(clips: s3.Bucket, api_origin: str, others: Sequence[str]) -> None:
    """Let pages of these origins read clips by presigned links."""
    clips.add_cors_rule(
        id="dashboard",
        allowed_origins=[api_origin, *others],
        allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.HEAD],
        allowed_headers=["Range"],
        exposed_headers=["Accept-Ranges", "Content-Range", "ETag"],
        max_age=CORS_SECONDS,
    )


def take_back_clips(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Allow to abort unfinished uploads, and to remove the copies of sets that did not land.

    For these it finds versions, reads their mark (HEAD) and deletes them. Without `ListBucket` HEAD of a missing key is
    a 403, not a 404.
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
        {files_finding(clips, "*"): "It ends imports of every project, and removes only their uploads and versions."},
    )


def look_at_clips(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Allow to see which clips exist. `GetObject` includes HEAD, `ListBucket` listings."""
    allow(function, ["s3:GetObject"], [clips.arn_for_objects("*")])
    allow(function, ["s3:ListBucket"], [clips.bucket_arn])
    acknowledge(
        function.own_role, {files_finding(clips, "*"): "It looks up the destinations of every project's clips."}
    )


def remove_videos(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Allow to remove versions of single clips, which callers delete. Needs `look_at_clips`, for cdk-nag too."""
    allow(function, ["s3:DeleteObjectVersion"], [clips.arn_for_objects("*")])
    allow(function, ["s3:ListBucketVersions"], [clips.bucket_arn])


def write_results(function: ServiceFunction, clips: s3.Bucket) -> None:
    """Allow to write results beside clips, at keys with their suffix. `If-Match` also needs `look_at_clips`."""
    results = f"*{RESULT_SUFFIX}"
    allow(function, ["s3:PutObject"], [clips.arn_for_objects(results)])
    acknowledge(
        function.own_role,
        {files_finding(clips, results): "Results of every project have this suffix."},
    )
