"""Grants for functions: exact actions on exact resources, one statement each."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, CfnElement, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from service.aws.dynamodb.keys_of_rows import AUDIT
from service.aws.s3.inbox_uploads import CHECKSUM_HEADER
from service.domain.service_buckets import INBOX
from service.domain.uris import is_access_point
from stacks.function import ServiceFunction
from stacks.nag import acknowledge
from stacks.settings import DeploySettings

WRITES = ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")
"""Actions that write rows. In transactions IAM checks those of each part."""

CORS_SECONDS = 3_600
"""How long a browser may keep the answer to a preflight request."""

JOB_FILES = "jobs/*"
"""Keys of manifests, batch lists and reports in the state bucket."""


def allow(function: ServiceFunction, actions: Sequence[str], resources: Sequence[str]) -> None:
    """Add one statement to the function's own role."""
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def use_table(
    function: ServiceFunction,
    table: dynamodb.Table,
    *actions: str,
    indexes: Sequence[str] = (),
    adds_to_audit: bool = False,
) -> None:
    """Allow `actions` (`GetItem`, …) on the table itself, and `Query` on the named indexes.

    None of them may change or delete a row of the audit, and only functions that add to it may put one (decision 84).
    """
    allow(function, [f"dynamodb:{action}" for action in actions], [table.table_arn])
    writes = [action for action in actions if action in WRITES and not (adds_to_audit and action == "PutItem")]
    if writes:
        function.add_to_role_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=[f"dynamodb:{action}" for action in writes],
                resources=[table.table_arn],
                # One row of the audit is enough to deny a request with several rows.
                conditions={"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [f"{AUDIT}*"]}},
            )
        )
    if indexes:
        allow(function, ["dynamodb:Query"], [f"{table.table_arn}/index/{index}" for index in indexes])


def use_job_files(function: ServiceFunction, bucket: s3.Bucket, *, read: bool = True, write: bool = False) -> None:
    """Allow to read, or to write, the files of jobs. With `ListBucket` a missing key is a 404, not a 403."""
    actions = {"s3:GetObject": read, "s3:PutObject": write}
    allow(function, [action for action, wanted in actions.items() if wanted], [bucket.arn_for_objects(JOB_FILES)])
    if read:
        allow(function, ["s3:ListBucket"], [bucket.bucket_arn])
    acknowledge(
        function.own_role,
        {files_finding(bucket, JOB_FILES): "It works on the files of all jobs; the bucket holds nothing else."},
    )


def read_sources(
    function: ServiceFunction, deploy: DeploySettings, drop: s3.Bucket, *object_actions: str, versions: bool = False
) -> None:
    """Allow `object_actions` (`GetObject`, …) and listing on the source buckets and the drop bucket.

    `versions`: allow also to list versions of objects, and to see whether the buckets keep any.
    """
    points, arns = _access_points(deploy), _source_arns(deploy)
    # One statement for all: a policy has room for the buckets' names only a few times.
    seeing = ["ListBucketVersions", "GetBucketVersioning"] if versions else []
    allow(function, [f"s3:{action}" for action in ("ListBucket", *seeing)], [*points, *arns, drop.bucket_arn])
    buckets = [*arns, drop.bucket_arn]
    objects = [*(f"{arn}/object/*" for arn in points), *(f"{arn}/*" for arn in buckets)]
    allow(function, [f"s3:{action}" for action in object_actions], objects)
    if deploy.source_kms_key_arns:
        allow(function, ["kms:Decrypt"], deploy.source_kms_key_arns)
    reason = "Clips may be anywhere in these buckets, which the deploy settings name one by one."
    findings = [f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]" for name in _bucket_names(deploy)]
    findings += [f"AwsSolutions-IAM5[Resource::{arn}/object/*]" for arn in points]
    acknowledge(function.own_role, dict.fromkeys([*findings, files_finding(drop, "*")], reason))


def delete_sources(function: ServiceFunction, deploy: DeploySettings) -> None:
    """Allow to delete objects of the buckets that the deploy settings name for this: the current version only on the
    condition that it has a given ETag, any other version by its id.

    S3 asks for `GetObject` where a condition names an ETag, and for the HEAD before. With `ListBucket` an object that
    is gone is a 404.
    """
    named = set(deploy.delete_source_buckets)
    points = [arn for arn in _access_points(deploy) if arn in named]
    buckets = [name for name in _bucket_names(deploy) if name in named]
    if not named:
        return
    arns = [f"arn:{Aws.PARTITION}:s3:::{name}" for name in buckets]
    objects = [*(f"{arn}/object/*" for arn in points), *(f"{arn}/*" for arn in arns)]
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["s3:DeleteObject"], resources=objects, conditions={"Null": {"s3:if-match": "false"}}
        )
    )
    allow(function, ["s3:DeleteObjectVersion", "s3:GetObject"], objects)
    allow(function, ["s3:ListBucket"], [*points, *arns])
    reason = "Copied objects may be anywhere in these buckets, which the deploy settings name one by one."
    findings = [f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]" for name in buckets]
    findings += [f"AwsSolutions-IAM5[Resource::{arn}/object/*]" for arn in points]
    acknowledge(function.own_role, dict.fromkeys(findings, reason))


def restore_sources(function: ServiceFunction, deploy: DeploySettings) -> None:
    """Allow to restore archived objects of the buckets that the deploy setting `restore_buckets` names."""
    points = [f"{name}/object/*" for name in deploy.restore_buckets if is_access_point(name)]
    names = [name for name in deploy.restore_buckets if not is_access_point(name)]
    if named := [*points, *(f"arn:{Aws.PARTITION}:s3:::{name}/*" for name in names)]:
        allow(function, ["s3:RestoreObject"], named)


def list_sources(function: ServiceFunction, deploy: DeploySettings) -> None:
    """Allow to list the source buckets."""
    if named := [*_access_points(deploy), *_source_arns(deploy)]:
        allow(function, ["s3:ListBucket"], named)


def look_at_notifications(function: ServiceFunction, deploy: DeploySettings) -> None:
    """Allow to see whether the source buckets send their events to EventBridge."""
    if named := _source_arns(deploy):
        allow(function, ["s3:GetBucketNotification"], named)


def _source_arns(deploy: DeploySettings) -> list[str]:
    return [f"arn:{Aws.PARTITION}:s3:::{bucket}" for bucket in _bucket_names(deploy)]


def _bucket_names(deploy: DeploySettings) -> list[str]:
    return [bucket for bucket in deploy.source_buckets if not is_access_point(bucket)]


def _access_points(deploy: DeploySettings) -> list[str]:
    """The ARNs of access points among the source buckets."""
    return [bucket for bucket in deploy.source_buckets if is_access_point(bucket)]


def let_callers_upload(function: ServiceFunction, drop: s3.Bucket) -> None:
    """Allow what links to upload files need: S3 takes them for requests of the function that signed them."""
    keys = f"{INBOX}*"
    actions = ("AbortMultipartUpload", "ListMultipartUploadParts", "PutObject")
    allow(function, [f"s3:{action}" for action in actions], [drop.arn_for_objects(keys)])
    acknowledge(
        function.own_role,
        {files_finding(drop, keys): "Each project uploads below its own inbox; the service checks which key is whose."},
    )


def let_pages_upload(drop: s3.Bucket, api_origin: str) -> None:
    """Let pages of this origin, and no other, send files and parts by the links of the API (decision 122).

    Each link signs its checksum, the one header beside the browser's own.
    """
    drop.add_cors_rule(
        id="dashboard",
        allowed_origins=[api_origin],
        allowed_methods=[s3.HttpMethods.PUT],
        allowed_headers=[CHECKSUM_HEADER],
        exposed_headers=["ETag", CHECKSUM_HEADER],
        max_age=CORS_SECONDS,
    )


def find_later_uploads(function: ServiceFunction, drop: s3.Bucket) -> None:
    """Allow to list the versions of uploads, so that no older upload replaces a later one."""
    allow(function, ["s3:ListBucketVersions"], [drop.bucket_arn])


def remove_uploads(function: ServiceFunction, drop: s3.Bucket) -> None:
    """Allow to remove uploads, each only on the condition that it has a given ETag, and no version for good.

    S3 asks for `GetObject` where a condition names an ETag. With `ListBucket` an upload that is gone is a 404.
    """
    uploads = drop.arn_for_objects("*")
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["s3:DeleteObject"], resources=[uploads], conditions={"Null": {"s3:if-match": "false"}}
        )
    )
    allow(function, ["s3:GetObject"], [uploads])
    allow(function, ["s3:ListBucket"], [drop.bucket_arn])
    acknowledge(function.own_role, {files_finding(drop, "*"): "It removes imported uploads of every project."})


def look_at_queues(function: ServiceFunction, queues: Sequence[sqs.Queue]) -> None:
    """Allow to count the messages of these queues."""
    allow(function, ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], [queue.queue_arn for queue in queues])


def look_at_alarms(function: ServiceFunction) -> None:
    """Allow to see alarms. CloudWatch scopes a request for a prefix of names to all alarms, composite ones included."""
    allow(function, ["cloudwatch:DescribeAlarms"], ["*"])
    reason = "CloudWatch answers a request for the stack's alarms, by a prefix of their names, only where * is allowed."
    acknowledge(function.own_role, {"AwsSolutions-IAM5[Resource::*]": reason})


def send_events(function: ServiceFunction) -> None:
    """Allow to put events on the account's default bus."""
    bus = Stack.of(function).format_arn(service="events", resource="event-bus", resource_name="default")
    allow(function, ["events:PutEvents"], [bus])


def start_imports(function: ServiceFunction, machine: sfn.StateMachine) -> None:
    """Allow to start executions of the state machine."""
    allow(function, ["states:StartExecution"], [machine.state_machine_arn])


def look_at_imports(function: ServiceFunction, machine: sfn.StateMachine) -> None:
    """Allow to read the status of executions of the state machine."""
    name = machine.state_machine_name
    arn = Stack.of(machine).format_arn(
        service="states", resource="execution", resource_name=f"{name}:*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    allow(function, ["states:DescribeExecution"], [arn])
    finding = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{logical_id(machine)}.Name>:*"
    acknowledge(
        function.own_role,
        {f"AwsSolutions-IAM5[Resource::{finding}]": "Jobs name executions: this is any of one machine."},
    )


def files_finding(bucket: s3.Bucket, keys: str) -> str:
    """cdk-nag's name of a statement on the objects `keys` of `bucket`."""
    return f"AwsSolutions-IAM5[Resource::<{logical_id(bucket)}.Arn>/{keys}]"


def logical_id(construct: Construct) -> str:
    """The construct's name in the template, which cdk-nag uses in its findings."""
    child = construct.node.default_child
    assert isinstance(child, CfnElement)
    return str(Stack.of(construct).resolve(child.logical_id))
