"""The state machine of one import, as a chain that reads from the upload window to what follows its end.

JSONPath throughout: the local emulator cannot run a distributed map in JSONata.
"""

import json

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.access import JOB_FILES, files_finding, logical_id
from stacks.function import log_group
from stacks.nag import acknowledge
from stacks.settings import DeploySettings

MAP_LABEL = "CopyBatches"
WAIT_FOR_A_TURN = 200_000
"""Tries of a throttled copy. At up to 30 s apart they outlast any execution timeout."""

MAP_RESULTS = "jobs/{}/map-results"
MAP_RESULT_FILES = "jobs/*/map-results/*"

JOB_ID = sfn.JsonPath.string_at("$$.Execution.Input.job_id")
RUN = sfn.JsonPath.number_at("$$.Execution.Input.run")
"""From the execution's input, because the first state's output replaces it."""


class ImportMachine(sfn.StateMachine):
    """Input `{"job_id": str, "run": int, "wait_seconds": int}`: the job's row and its list are written.

    `plan` gets `{"job_id", "run", "cursor"}` until it says `done`, and says how many copy functions may run at once;
    `copy` gets `{"batch", "attempt", "round"}` until it says `done`, an attempt being the number of the round's earlier
    tries, throttled ones included; where plan said `extrapolate`, that function then gets `{"batch", "round"}` until it
    says `done`, and its errors change nothing; `finish` gets `{"job_id", "run"}`, perhaps with an `error`; `conclude`
    gets `{"job_id", "ended_at"}` until it says `done`. An execution with that input begins there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deploy: DeploySettings,
        state: s3.Bucket,
        plan: lambda_.Function,
        copy: lambda_.Function,
        extrapolate: lambda_.Function,
        finish: lambda_.Function,
        conclude: lambda_.Function,
    ) -> None:
        # The vendedlogs prefix keeps the group out of the region's log resource policy, which ten groups or so fill.
        name = f"/aws/vendedlogs/states/{Stack.of(scope).stack_name}"
        states = _States(
            scope,
            "States",
            deploy=deploy,
            state=state,
            plan=plan,
            copy=copy,
            extrapolate=extrapolate,
            finish=finish,
            conclude=conclude,
        )
        super().__init__(
            scope,
            construct_id,
            definition_body=sfn.DefinitionBody.from_chainable(states.chain()),
            state_machine_type=sfn.StateMachineType.STANDARD,
            timeout=Duration.hours(deploy.import_timeout_hours),
            logs=sfn.LogOptions(
                destination=log_group(scope, f"{construct_id}Logs", deploy, name=name),
                level=sfn.LogLevel.ALL,
                # An error's text may hold the names of a customer's objects.
                include_execution_data=False,
            ),
            tracing_enabled=not deploy.local,
        )
        read = iam.PolicyStatement(actions=["s3:GetObject"], resources=[state.arn_for_objects(JOB_FILES)])
        self.add_to_role_policy(read)
        # The CDK takes the machine's name out of its ARN, and cdk-nag spells that out.
        own = json.dumps({"Fn::Select": [6, {"Fn::Split": [":", {"Ref": logical_id(self)}]}]}, separators=(",", ":"))
        runs = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{own}"
        children = "A distributed map starts, watches and stops executions of this machine, whatever their names."
        functions = (plan, copy, extrapolate, finish, conclude)
        invoked = [f"AwsSolutions-IAM5[Resource::<{logical_id(function)}.Arn>:*]" for function in functions]
        acknowledge(
            self,
            {
                **dict.fromkeys(
                    invoked, "The CDK's grant: versions of the one function that is named before the colon."
                ),
                files_finding(state, JOB_FILES): "The batch lists of all jobs; nothing else lies in this bucket.",
                files_finding(state, MAP_RESULT_FILES): "The map results of all jobs.",
                f"AwsSolutions-IAM5[Resource::{runs}:*]": children,
                f"AwsSolutions-IAM5[Resource::{runs}/{MAP_LABEL}:*]": children,
                "AwsSolutions-IAM5[Resource::*]": "The actions of log delivery and of X-Ray know no resource but *.",
            },
        )


class _States(Construct):
    """The states, in a scope of their own: a state's name is its construct id."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deploy: DeploySettings,
        state: s3.Bucket,
        plan: lambda_.Function,
        copy: lambda_.Function,
        extrapolate: lambda_.Function,
        finish: lambda_.Function,
        conclude: lambda_.Function,
    ) -> None:
        super().__init__(scope, construct_id)
        path = sfn.JsonPath
        self.start = sfn.Pass(
            self,
            "Start",
            comment="Planning begins without a cursor",
            # A plain None gets lost between Python and the CDK.
            parameters={"wait_seconds": path.number_at("$.wait_seconds"), "cursor": path.string_to_json("null")},
        )
        self.gather = sfn.Wait(self, "Gather uploads", time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        self.plan = self._task(
            "Plan", plan, {"job_id": JOB_ID, "run": RUN, "cursor": path.object_at("$.cursor")}, tries=2
        )
        self.copy_batches = self._copy_batches(deploy, state, copy, extrapolate)
        self.finish = self._task("Finish", finish, {"job_id": JOB_ID, "run": RUN}, tries=3)
        error: dict[str, object] = {"job_id": JOB_ID, "run": RUN, "error": path.object_at("$.error")}
        self.finish_after_error = self._task("Finish after error", finish, error, tries=3)
        end: dict[str, object] = {"job_id": JOB_ID, "ended_at": path.string_at("$.ended_at")}
        self.conclude = self._task("Conclude", conclude, end, tries=3)
        for step in (self.plan, self.copy_batches):
            step.add_catch(self.finish_after_error, errors=[sfn.Errors.ALL], result_path="$.error")

    def chain(self) -> sfn.IChainable:
        concluded = (
            sfn.Choice(self, "Concluded?")
            .when(sfn.Condition.boolean_equals("$.done", True), sfn.Succeed(self, "Done"))
            .otherwise(
                sfn.Wait(self, "Wait to conclude", time=sfn.WaitTime.seconds_path("$.wait_seconds")).next(self.conclude)
            )
        )
        self.conclude.next(concluded)
        self.finish_after_error.next(self.conclude)
        copy_and_finish = self.copy_batches.next(self.finish).next(self.conclude)
        planned = (
            sfn.Choice(self, "Planned?")
            .when(sfn.Condition.boolean_equals("$.done", False), self.plan)
            .when(sfn.Condition.number_equals("$.batches.count", 0), self.finish)
            .otherwise(copy_and_finish)
        )
        gathering = sfn.Choice(self, "Gathering?")
        gathering.when(sfn.Condition.number_greater_than("$.wait_seconds", 0), self.gather.next(self.plan))
        gathering.otherwise(self.plan.next(planned))
        self.start.next(gathering)
        ended = sfn.Choice(self, "Ended?", comment="An end that was not concluded, or a webhook to be sent again")
        return ended.when(sfn.Condition.is_present("$.ended_at"), self.conclude).otherwise(self.start)

    def _task(
        self, name: str, function: lambda_.Function, payload: dict[str, object], *, tries: int
    ) -> sfn.TaskStateBase:
        """An answer replaces the state. Lambda's own faults are tried six times more, all others `tries` times."""
        task = tasks.LambdaInvoke(
            self,
            name,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(payload),
            payload_response_only=True,
        )
        return task.add_retry(errors=[sfn.Errors.ALL], interval=Duration.seconds(3), backoff_rate=2, max_attempts=tries)

    def _copy_batches(
        self, deploy: DeploySettings, state: s3.Bucket, copy: lambda_.Function, extrapolate: lambda_.Function
    ) -> sfn.DistributedMap:
        path = sfn.JsonPath
        return sfn.DistributedMap(
            self,
            "CopyBatches",
            label=MAP_LABEL,
            comment="One child a line of the batch list",
            item_reader=sfn.S3JsonLItemReader(
                bucket_name_path=path.string_at("$.batches.bucket"), key=path.string_at("$.batches.key")
            ),
            map_execution_type=sfn.StateMachineType.STANDARD,
            # The emulator knows a constant only.
            max_concurrency=deploy.map_concurrency if deploy.local else None,
            max_concurrency_path=None if deploy.local else "$.concurrency",
            # A child's state is like plan's: what it works on, and what its last rounds said.
            item_selector={
                "batch": path.object_at("$$.Map.Item.Value"),
                "copied": {"round": 0},
                "extrapolate": path.object_at("$.extrapolate"),
                "extrapolated": {"round": 0},
            },
            # A batch that is lost does not stop the others: Finish sees that it never reported.
            tolerated_failure_percentage=100,
            # What is discarded must fit 256 KiB all the same, and a failed child brings its input and its error.
            result_writer_v2=_MapResults(state, path.format(MAP_RESULTS, JOB_ID)),
            result_path=path.DISCARD,
        ).item_processor(self._child(copy, extrapolate))

    def _child(self, copy_function: lambda_.Function, extrapolate_function: lambda_.Function) -> sfn.IChainable:
        """Rounds of one batch, until it is done; then, for imports that ask for it, of its extrapolations."""
        copy, extrapolate = self._copy(copy_function), self._extrapolate(extrapolate_function)
        # What became of each clip is in the table.
        done = sfn.Succeed(self, "Batch done", output_path=sfn.JsonPath.DISCARD)
        finished = sfn.Choice(self, "Batch done?")
        finished.when(sfn.Condition.boolean_equals("$.copied.done", False), copy)
        finished.when(sfn.Condition.boolean_equals("$.extrapolate", True), extrapolate)
        finished.otherwise(done)
        extrapolated = sfn.Choice(self, "Extrapolated?")
        extrapolated.when(sfn.Condition.boolean_equals("$.extrapolated.done", False), extrapolate)
        extrapolated.otherwise(done)
        extrapolate.next(extrapolated)
        # The clips are where they should be. Whoever looks sees which of them have no result.
        extrapolate.add_catch(done, errors=[sfn.Errors.ALL], result_path=sfn.JsonPath.DISCARD)
        return copy.next(finished)

    def _copy(self, function: lambda_.Function) -> sfn.TaskStateBase:
        path = sfn.JsonPath
        batch: dict[str, object] = {
            "batch": path.object_at("$.batch"),
            "attempt": path.number_at("$$.State.RetryCount"),
            "round": path.number_at("$.copied.round"),
        }
        return self._in_turn("Copy", function, batch, result_path="$.copied")

    def _extrapolate(self, function: lambda_.Function) -> sfn.TaskStateBase:
        path = sfn.JsonPath
        batch: dict[str, object] = {
            "batch": path.object_at("$.batch"),
            "round": path.number_at("$.extrapolated.round"),
        }
        return self._in_turn("Extrapolate", function, batch, result_path="$.extrapolated")

    def _in_turn(
        self, name: str, function: lambda_.Function, payload: dict[str, object], *, result_path: str
    ) -> sfn.TaskStateBase:
        task = tasks.LambdaInvoke(
            self,
            name,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(payload),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_path=result_path,
        )
        # Imports that run at once share the function's concurrency: waiting for a turn is no failure, so this ends only
        # with the execution.
        task.add_retry(
            errors=["Lambda.TooManyRequestsException"],
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_delay=Duration.seconds(30),
            max_attempts=WAIT_FOR_A_TURN,
            jitter_strategy=sfn.JitterType.FULL,
        )
        return task.add_retry(
            errors=[sfn.Errors.ALL],
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=4,
            jitter_strategy=sfn.JitterType.FULL,
        )


class _MapResults(sfn.ResultWriterV2):
    """Results below the job's own prefix, with a grant that reaches no further; the CDK's covers the whole bucket."""

    def __init__(self, bucket: s3.Bucket, prefix: str) -> None:
        super().__init__(bucket=bucket, prefix=prefix)
        self._results = bucket.arn_for_objects(MAP_RESULT_FILES)

    @jsii.member(jsii_name="providePolicyStatements")
    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
        return [iam.PolicyStatement(actions=actions, resources=[self._results])]
