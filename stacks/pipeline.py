"""The import itself: functions that plan, copy, finish, conclude and sweep, and the state machine that runs them."""

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from service.support.settings import (
    ConcludeSettings,
    CopySettings,
    ExtrapolateSettings,
    FinishSettings,
    PlanSettings,
    SweepSettings,
)
from stacks.access import (
    JOB_FILES,
    allow,
    integration_secrets_prefix,
    let_roles_write_clips,
    look_at_clips,
    look_at_imports,
    read_by_integrations,
    read_sources,
    send_events,
    start_imports,
    take_back_clips,
    use_integration_secrets,
    use_job_files,
    use_table,
    write_clips,
    write_results,
)
from stacks.function import ServiceFunction
from stacks.machine import ImportMachine
from stacks.settings import DeploySettings
from stacks.storage import Storage

FULL_VCPU_MB = 1_769
"""The memory with which a function gets one whole vCPU (Lambda's documentation)."""
COPY_MB = 1_024
"""Of the copy function, which waits for S3 most of its time (decision 64)."""

FINISHING = ("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
"""Table actions that bring a job to its end: read its rows, write those that are missing, set its status."""

COPY_TIMEOUT = Duration.minutes(15)
"""Lambda's longest. A batch that needs more goes on in another round."""


class Pipeline(Construct):
    """`machine` runs one import an execution; `copy` is the function that a fleet of children calls.

    `parquet_code` is `code` with the Parquet library.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deploy: DeploySettings,
        code: lambda_.Code,
        parquet_code: lambda_.Code,
        storage: Storage,
    ) -> None:
        super().__init__(scope, construct_id)
        self._deploy, self._code, self._parquet_code, self._storage = deploy, code, parquet_code, storage
        self._sources = (*deploy.source_buckets, storage.drop.bucket_name)
        self.plan = self._plan_function()
        self.copy = self._copy_function()
        self.extrapolate = self._extrapolate_function()
        self.finish = self._finish_function()
        self.conclude = self._conclude_function()
        self.machine = ImportMachine(
            self,
            "Imports",
            deploy=deploy,
            state=storage.state,
            plan=self.plan,
            copy=self.copy,
            extrapolate=self.extrapolate,
            finish=self.finish,
            conclude=self.conclude,
        )
        self.sweep = self._sweep_function()

    def outputs(self) -> None:
        CfnOutput(self, "StateMachineArn", value=self.machine.state_machine_arn).override_logical_id("StateMachineArn")

    def _plan_function(self) -> ServiceFunction:
        deploy, storage = self._deploy, self._storage
        function = ServiceFunction(
            self,
            "plan",
            deploy=deploy,
            code=self._code,
            env=PlanSettings(
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
                source_buckets=self._sources,
                max_clips_per_import=deploy.max_clips_per_import,
                batch_clips=deploy.batch_clips,
                batch_bytes=deploy.batch_bytes,
                stat_concurrency=deploy.stat_concurrency,
                map_concurrency=deploy.map_concurrency,
                source_request_seconds=deploy.source_request_seconds,
                integration_secrets_prefix=integration_secrets_prefix(self),
                allow_private_urls=deploy.allow_private_urls,
            ),
            memory_mb=1024,
            timeout=Duration.minutes(15),
        )
        # A source that cannot be listed ends its job, in a transaction that puts and updates. Planning a retry finds
        # its clips in the index of failures and makes them pending.
        actions = ("BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem")
        use_table(function, storage.table, *actions, indexes=("attention", "listing"))
        use_job_files(function, storage.state, write=True)
        read_sources(function, deploy, storage.drop, "GetObject", "GetObjectVersion")
        look_at_clips(function, storage.clips)
        read_by_integrations(function)
        return function

    def _copy_function(self) -> ServiceFunction:
        deploy, storage = self._deploy, self._storage
        function = ServiceFunction(
            self,
            "copy",
            deploy=deploy,
            code=self._code,
            env=CopySettings(
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
                copy_concurrency=deploy.copy_concurrency,
                copy_threads=deploy.copy_threads,
                multipart_threshold_bytes=deploy.multipart_threshold_bytes,
                part_bytes=deploy.part_bytes,
                stream_part_bytes=deploy.stream_part_bytes,
                stream_memory_bytes=deploy.stream_memory_bytes,
                source_request_seconds=deploy.source_request_seconds,
                source_part_seconds=deploy.source_part_seconds,
                copy_roles=deploy.copy_roles,
                integration_secrets_prefix=integration_secrets_prefix(self),
                allow_private_urls=deploy.allow_private_urls,
            ),
            memory_mb=COPY_MB,
            timeout=COPY_TIMEOUT,
            # Kept free for imports whatever else the account runs, and a ceiling on what several imports write at once.
            reserved_concurrency=deploy.map_concurrency,
        )
        # A batch's outcome is one transaction: PutItem and UpdateItem are checked for each part of it.
        writes = ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
        use_table(function, storage.table, "BatchGetItem", "GetItem", *writes)
        use_job_files(function, storage.state, write=False)
        # The version and tagging actions are CopyObject's: it reads the planned version and takes the tags along.
        reads = ("GetObject", "GetObjectTagging", "GetObjectVersion", "GetObjectVersionTagging")
        read_sources(function, deploy, storage.drop, *reads)
        write_clips(function, storage.clips)
        let_roles_write_clips(storage.clips, deploy.copy_roles)
        read_by_integrations(function)
        return function

    def _extrapolate_function(self) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "extrapolate",
            deploy=self._deploy,
            code=self._parquet_code,
            env=ExtrapolateSettings(
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
                stationary_distance_cm=self._deploy.stationary_distance_cm,
            ),
            memory_mb=FULL_VCPU_MB,
            timeout=Duration.minutes(15),
        )
        use_table(function, storage.table, "BatchGetItem", "GetItem", "UpdateItem")
        use_job_files(function, storage.state, write=False)
        look_at_clips(function, storage.clips)
        write_results(function, storage.clips)
        return function

    def _finish_function(self) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "finish",
            deploy=self._deploy,
            code=self._code,
            env=FinishSettings(
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
            ),
            memory_mb=1024,
            timeout=Duration.minutes(15),
        )
        use_table(function, storage.table, *FINISHING)
        use_job_files(function, storage.state, write=True)
        take_back_clips(function, storage.clips)
        return function

    def _conclude_function(self) -> ServiceFunction:
        deploy, storage = self._deploy, self._storage
        function = ServiceFunction(
            self,
            "conclude",
            deploy=deploy,
            code=self._code,
            env=ConcludeSettings(
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
                webhook_secret_arn=storage.webhook_secret.secret_arn,
                allow_private_urls=deploy.allow_private_urls,
                webhook_attempts=deploy.webhook_attempts,
                webhook_retry_seconds=deploy.webhook_retry_seconds,
            ),
            memory_mb=FULL_VCPU_MB,
            timeout=Duration.minutes(15),
        )
        use_table(function, storage.table, "GetItem", "Query", "UpdateItem")
        use_job_files(function, storage.state, write=True)
        send_events(function)
        allow(function, ["secretsmanager:GetSecretValue"], [storage.webhook_secret.secret_arn])
        return function

    def _sweep_function(self) -> ServiceFunction:
        """Once a minute: jobs that wait for an execution which never started, or was lost, get their end."""
        storage, machine = self._storage, self.machine
        function = ServiceFunction(
            self,
            "sweep",
            deploy=self._deploy,
            code=self._code,
            env=SweepSettings(
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
                state_machine_arn=machine.state_machine_arn,
                grace_seconds=self._deploy.sweep_grace_seconds,
                integration_secrets_prefix=integration_secrets_prefix(self),
            ),
            memory_mb=512,
            timeout=Duration.seconds(60),
            # Two sweeps at once would only be in each other's way.
            reserved_concurrency=1,
        )
        # It ends an orphaned job the way `finish` would have.
        use_table(function, storage.table, *FINISHING, indexes=("attention",))
        use_job_files(function, storage.state, write=True)
        take_back_clips(function, storage.clips)
        # It removes what is left of deleted jobs, too.
        allow(function, ["s3:DeleteObject"], [storage.state.arn_for_objects(JOB_FILES)])
        start_imports(function, machine)
        look_at_imports(function, machine)
        # And what interrupted requests left of integrations: a secret, then the row that names it.
        use_integration_secrets(function, "DeleteSecret")
        use_table(function, storage.table, "DeleteItem")
        # No retry and no dead-letter queue: a tick carries nothing, the next one finds the same work a minute later.
        # That sweeping itself fails is what the alarm on this function's errors tells.
        tick = targets.LambdaFunction(function, retry_attempts=0, max_event_age=Duration.minutes(1))
        events.Rule(self, "EveryMinute", schedule=events.Schedule.rate(Duration.minutes(1)), targets=[tick])
        function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        return function
