"""The distributed map of the state machine: one child execution copies one batch."""

from dataclasses import dataclass

import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.retries import retry_map, retry_task
from stacks.settings import DeploySettings

MAP_LABEL = "CopyBatches"
"""CloudWatch counts the children under the machine's ARN with this after a slash."""

MAP_RESULTS = "jobs/{}/map-results"
MAP_RESULT_FILES = "jobs/*/map-results/*"

JOB_ID = sfn.JsonPath.string_at("$$.Execution.Input.job_id")
"""From the execution's input, because the first state's output replaces it."""


@dataclass(frozen=True, kw_only=True)
class Functions:
    """The functions that the state machine calls."""

    plan: lambda_.Function
    copy: lambda_.Function
    extrapolate: lambda_.Function
    finish: lambda_.Function
    delete_sources: lambda_.Function
    conclude: lambda_.Function


def task(
    scope: Construct,
    name: str,
    function: lambda_.Function,
    payload: dict[str, object],
    *,
    result_path: str | None = None,
) -> sfn.TaskStateBase:
    """Call `function` with `payload`. Its answer goes to `result_path`, or replaces the whole state."""
    return retry_task(
        tasks.LambdaInvoke(
            scope,
            name,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(payload),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_path=result_path,
        )
    )


def copy_batches(
    scope: Construct, deploy: DeploySettings, state: s3.Bucket, functions: Functions
) -> sfn.DistributedMap:
    """Run one child for each line of the batch list. Others go on when a child fails: `finish` accounts for it."""
    path = sfn.JsonPath
    batches = sfn.DistributedMap(
        scope,
        "CopyBatches",
        label=MAP_LABEL,
        comment="One child execution for each line of the batch list",
        item_reader=sfn.S3JsonLItemReader(
            bucket_name_path=path.string_at("$.batches.bucket"), key=path.string_at("$.batches.key")
        ),
        map_execution_type=sfn.StateMachineType.STANDARD,
        # The emulator supports only a constant.
        max_concurrency=deploy.map_concurrency if deploy.local else None,
        max_concurrency_path=None if deploy.local else "$.concurrency",
        item_selector={
            "batch": path.object_at("$$.Map.Item.Value"),
            "copied": {"round": 0},
            "extrapolate": path.object_at("$.extrapolate"),
            "extrapolated": {"round": 0},
        },
        tolerated_failure_percentage=100,
        # A discarded result must still fit 256 KiB, and each failed child brings its input and its error.
        result_writer_v2=_MapResults(state, path.format(MAP_RESULTS, JOB_ID)),
        result_path=path.DISCARD,
    )
    retry_map(batches)
    batches.item_processor(_child(scope, functions))
    return batches


def _child(scope: Construct, functions: Functions) -> sfn.IChainable:
    """Copy a batch in rounds until it is done; then extend its tracks in rounds, where the import asks for it."""
    path, condition = sfn.JsonPath, sfn.Condition
    copy = task(
        scope,
        "Copy",
        functions.copy,
        {
            "batch": path.object_at("$.batch"),
            "attempt": path.number_at("$$.State.RetryCount"),
            "round": path.number_at("$.copied.round"),
            "copied": path.object_at("$.copied"),
        },
        result_path="$.copied",
    )
    extrapolate = task(
        scope,
        "Extrapolate",
        functions.extrapolate,
        {
            "batch": path.object_at("$.batch"),
            "round": path.number_at("$.extrapolated.round"),
            "extrapolated": path.object_at("$.extrapolated"),
        },
        result_path="$.extrapolated",
    )
    copied = sfn.Choice(scope, "Batch done?")
    # No function runs while a batch waits until its project may copy more.
    turn = sfn.Wait(scope, "Wait for a slot", time=sfn.WaitTime.seconds_path("$.copied.wait_seconds"))
    extrapolated = sfn.Choice(scope, "Extrapolated?")
    next_turn = sfn.Wait(
        scope, "Wait for a slot to extrapolate", time=sfn.WaitTime.seconds_path("$.extrapolated.wait_seconds")
    )
    # The table has each clip's result.
    done = sfn.Succeed(scope, "Batch done", output_path=path.DISCARD)

    copy.next(copied)
    copied.when(condition.is_present("$.copied.wait_seconds"), turn.next(copy))
    copied.when(condition.boolean_equals("$.copied.done", False), copy)
    copied.when(condition.boolean_equals("$.extrapolate", True), extrapolate.next(extrapolated))
    copied.otherwise(done)
    extrapolated.when(condition.is_present("$.extrapolated.wait_seconds"), next_turn.next(extrapolate))
    extrapolated.when(condition.boolean_equals("$.extrapolated.done", False), extrapolate)
    extrapolated.otherwise(done)
    return copy


class _MapResults(sfn.ResultWriterV2):
    """Write results below the job's own prefix. The CDK's own grant would cover the whole bucket."""

    def __init__(self, bucket: s3.Bucket, prefix: str) -> None:
        super().__init__(bucket=bucket, prefix=prefix)
        self._results = bucket.arn_for_objects(MAP_RESULT_FILES)

    @jsii.member(jsii_name="providePolicyStatements")
    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
        return [iam.PolicyStatement(actions=actions, resources=[self._results])]
