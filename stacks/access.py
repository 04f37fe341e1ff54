"""What a function may do, as single statements: exact actions on exact resources."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, CfnElement, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from service.imports.extrapolated import RESULT_SUFFIX
from service.integrations.manage import ROLE_NAME_PREFIX
from service.integrations.policies import COPY_ACTIONS
from stacks.function import ServiceFunction
from stacks.nag import acknowledge
from stacks.settings import DeploySettings

JOB_FILES = "jobs/*"
"""Keys of manifests, batch lists and reports in the state bucket."""


REMOVE_VERSIONS = ("DeleteObjectVersion", "GetObjectVersion")


def allow(function: ServiceFunction, actions: Sequence[str], resources: Sequence[str]) -> None:
    """Add one statement to the function's own role."""
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def use_table(function: ServiceFunction, table: dynamodb.Table, *actions: str, indexes: Sequence[str] = ()) -> None:
    """`actions` (`GetItem`, …) on the table itself, and `Query` on the named indexes."""
    allow(function, [f"dynamodb:{action}" for action in actions], [table.table_arn])
    if indexes:
        allow(function, ["dynamodb:Query"], [f"{table.table_arn}/index/{index}" for index in indexes])


def use_job_files(function: ServiceFunction, bucket: s3.Bucket, *, write: bool) -> None:
    """Read, and perhaps write, the files of jobs. `ListBucket` makes a missing key a 404: without it S3 says 403."""
    actions = ["s3:GetObject", "s3:PutObject"] if write else ["s3:GetObject"]
    allow(function, actions, [bucket.arn_for_objects(JOB_FILES)])
    allow(function, ["s3:ListBucket"], [bucket.bucket_arn])
    acknowledge(
        function.own_role,
        {files_finding(bucket, JOB_FILES): "The files of all jobs are its work; nothing else lies in this bucket."},
    )


def read_sources(function: ServiceFunction, deploy: DeploySettings, drop: s3.Bucket, *object_actions: str) -> None:
    """`object_actions` (`GetObject`, …) and listing, on the buckets of the deploy settings and on the drop bucket."""
    named = [f"arn:{Aws.PARTITION}:s3:::{bucket}" for bucket in deploy.source_buckets]
    buckets = [*named, drop.bucket_arn]
    allow(function, ["s3:ListBucket"], buckets)
    allow(function, [f"s3:{action}" for action in object_actions], [f"{arn}/*" for arn in buckets])
    if deploy.source_kms_key_arns:
        allow(function, ["kms:Decrypt"], deploy.source_kms_key_arns)
    reason = "Clips are read wherever they lie in these buckets, which the deploy settings name one by one."
    findings = [
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket}/*]" for bucket in deploy.source_buckets
    ]
    acknowledge(function.own_role, dict.fromkeys([*findings, files_finding(drop, "*")], reason))


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


def send_events(function: ServiceFunction) -> None:
    """Put events on the account's default bus."""
    bus = Stack.of(function).format_arn(service="events", resource="event-bus", resource_name="default")
    allow(function, ["events:PutEvents"], [bus])


def start_imports(function: ServiceFunction, machine: sfn.StateMachine) -> None:
    """Start executions of the import state machine."""
    allow(function, ["states:StartExecution"], [machine.state_machine_arn])


def look_at_imports(function: ServiceFunction, machine: sfn.StateMachine) -> None:
    """Ask how an execution of the import state machine stands."""
    name = machine.state_machine_name
    arn = Stack.of(machine).format_arn(
        service="states", resource="execution", resource_name=f"{name}:*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    allow(function, ["states:DescribeExecution"], [arn])
    finding = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{logical_id(machine)}.Name>:*"
    acknowledge(
        function.own_role,
        {f"AwsSolutions-IAM5[Resource::{finding}]": "An execution is named by its job: any of this one machine."},
    )


def files_finding(bucket: s3.Bucket, keys: str) -> str:
    """How cdk-nag names a statement on the objects `keys` of `bucket`."""
    return f"AwsSolutions-IAM5[Resource::<{logical_id(bucket)}.Arn>/{keys}]"


def logical_id(construct: Construct) -> str:
    """The construct's name in the template, by which cdk-nag names a finding."""
    child = construct.node.default_child
    assert isinstance(child, CfnElement)
    return str(Stack.of(construct).resolve(child.logical_id))
