"""The state machine of one import, from the upload window to its notifications.

It uses JSONPath: the local emulator cannot run a distributed map in JSONata.
"""

import json
from dataclasses import fields

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.access import JOB_FILES, files_finding, logical_id
from stacks.copybatches import JOB_ID, MAP_LABEL, MAP_RESULT_FILES, Functions, copy_batches, task
from stacks.function import log_group
from stacks.nag import acknowledge
from stacks.settings import DeploySettings

RUN = sfn.JsonPath.number_at("$$.Execution.Input.run")

ENDED = sfn.Condition.is_present("$.ended_at")
WAIT_TO_PLAN = sfn.Condition.is_present("$.wait_seconds")
"""Only the input of an execution and the answers of `plan` and `conclude` have it; `plan` only before another round."""
MORE_TO_PLAN = sfn.Condition.boolean_equals("$.done", False)
NO_BATCHES = sfn.Condition.number_equals("$.batches.count", 0)
DELETE_SOURCES = sfn.Condition.is_present("$.delete_sources")
"""Only imports that ask for it have the answer."""
CONCLUDED = sfn.Condition.boolean_equals("$.done", True)


class ImportMachine(sfn.StateMachine):
    """Input `{"job_id": str, "run": int, "wait_seconds": int}`: the job's row and its list are written.

    - `plan` gets `{"job_id", "run", "cursor", "can_wait"}` until it answers `done`. If it answers `wait_seconds`, they
      pass before the next round. It also says how many copy functions may run.
    - `copy` gets `{"batch", "attempt", "round", "copied"}` until it answers `done`. `attempt` counts the earlier
      attempts of the round, throttled ones included. `copied` is its last answer: with `wait_seconds` the child waits.
    - `extrapolate` gets `{"batch", "round", "extrapolated"}` until it answers `done`, where `plan` answered
      `extrapolate`. `extrapolated` is its last answer, as `copied` is for `copy`.
    - `finish` gets `{"job_id", "run"}`, and an `error` where planning or copying failed.
    - `conclude` gets `{"job_id", "ended_at", "can_delete"}` until it answers `done`. An execution with the first two as
      its input begins there.
    - `delete_sources` gets `{"job_id", "ended_at"}` before `conclude` is called again, where that answers
      `delete_sources`.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, deploy: DeploySettings, state: s3.Bucket, functions: Functions
    ) -> None:
        # The vendedlogs prefix keeps the group out of the region's log resource policy, which some ten groups fill.
        name = f"/aws/vendedlogs/states/{Stack.of(scope).stack_name}"
        states = _States(scope, "States", deploy=deploy, state=state, functions=functions)
        super().__init__(
            scope,
            construct_id,
            definition_body=sfn.DefinitionBody.from_chainable(states.chain()),
            state_machine_type=sfn.StateMachineType.STANDARD,
            timeout=Duration.hours(deploy.import_timeout_hours),
            logs=sfn.LogOptions(
                destination=log_group(scope, f"{construct_id}Logs", deploy, name=name),
                level=sfn.LogLevel.ALL,
                # The text of an error may name a customer's objects.
                include_execution_data=False,
            ),
            tracing_enabled=not deploy.local,
        )
        read = iam.PolicyStatement(actions=["s3:GetObject"], resources=[state.arn_for_objects(JOB_FILES)])
        self.add_to_role_policy(read)
        acknowledge(self, self._findings(state, functions))

    def _findings(self, state: s3.Bucket, functions: Functions) -> dict[str, str]:
        # The CDK takes the machine's name out of its ARN, and cdk-nag spells that out.
        own = json.dumps({"Fn::Select": [6, {"Fn::Split": [":", {"Ref": logical_id(self)}]}]}, separators=(",", ":"))
        runs = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{own}"
        children = "A distributed map starts, watches and stops executions of this machine, whatever their names."
        called = [getattr(functions, field.name) for field in fields(functions)]
        invoked = [f"AwsSolutions-IAM5[Resource::<{logical_id(function)}.Arn>:*]" for function in called]
        return {
            **dict.fromkeys(invoked, "The CDK's grant: versions of the one function that is named before the colon."),
            files_finding(state, JOB_FILES): "The batch lists of all jobs; the bucket holds nothing else.",
            files_finding(state, MAP_RESULT_FILES): "The map results of all jobs.",
            f"AwsSolutions-IAM5[Resource::{runs}:*]": children,
            f"AwsSolutions-IAM5[Resource::{runs}/{MAP_LABEL}:*]": children,
            "AwsSolutions-IAM5[Resource::*]": "The actions of log delivery and of X-Ray support no resource but *.",
        }


class _States(Construct):
    """The states, in a scope of their own: a state's name is its construct id."""

    def __init__(
        self, scope: Construct, construct_id: str, *, deploy: DeploySettings, state: s3.Bucket, functions: Functions
    ) -> None:
        super().__init__(scope, construct_id)
        path = sfn.JsonPath
        plan: dict[str, object] = {
            "job_id": JOB_ID,
            "run": RUN,
            "cursor": path.object_at("$.cursor"),
            "can_wait": True,
        }
        finish: dict[str, object] = {"job_id": JOB_ID, "run": RUN}
        ended: dict[str, object] = {"job_id": JOB_ID, "ended_at": path.string_at("$.ended_at")}

        self.ended = sfn.Choice(self, "Ended?", comment="Conclude an import that has ended, or begin one")
        self.start = sfn.Pass(
            self,
            "Start",
            comment="Planning begins without a cursor",
            # A plain None gets lost between Python and the CDK.
            parameters={"wait_seconds": path.number_at("$.wait_seconds"), "cursor": path.string_to_json("null")},
        )
        self.gather = sfn.Wait(self, "Gather uploads", time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        self.plan = task(self, "Plan", functions.plan, plan)
        self.planned = sfn.Choice(self, "Planned?")
        # No function runs while a store's rate limit lasts.
        self.source = sfn.Wait(self, "Wait for the source", time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        self.copy_batches = copy_batches(self, deploy, state, functions)
        self.finish = task(self, "Finish", functions.finish, finish)
        self.finish_after_error = task(
            self, "Finish after error", functions.finish, {**finish, "error": path.object_at("$.error")}
        )
        self.conclude = task(self, "Conclude", functions.conclude, {**ended, "can_delete": True})
        self.delete_sources = task(self, "Delete sources", functions.delete_sources, ended)
        self.concluded = sfn.Choice(self, "Concluded?")
        self.wait = sfn.Wait(self, "Wait to conclude", time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        self.done = sfn.Succeed(self, "Done")

    def chain(self) -> sfn.IChainable:
        """The steps, in order. Whatever stops planning or copying, the import still gets its end."""
        self.ended.when(ENDED, self.conclude).otherwise(self.start)
        self.start.next(self.gather).next(self.plan).next(self.planned)
        self.planned.when(WAIT_TO_PLAN, self.source.next(self.plan))
        self.planned.when(MORE_TO_PLAN, self.plan).when(NO_BATCHES, self.finish).otherwise(self.copy_batches)
        self.copy_batches.next(self.finish).next(self.conclude).next(self.concluded)
        self.concluded.when(CONCLUDED, self.done).when(DELETE_SOURCES, self.delete_sources).otherwise(self.wait)
        self.delete_sources.next(self.conclude)
        self.wait.next(self.conclude)

        for step in (self.plan, self.copy_batches):
            step.add_catch(self.finish_after_error, errors=[sfn.Errors.ALL], result_path="$.error")
        self.finish_after_error.next(self.conclude)
        return self.ended
