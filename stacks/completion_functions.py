"""The functions that complete an import: `finish`, `delete_sources`, `conclude` and `sweep`."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from service.support.settings import ConcludeSettings, DeleteSourcesSettings, FinishSettings, SweepSettings
from stacks.access import (
    JOB_FILES,
    allow,
    delete_sources,
    look_at_imports,
    remove_uploads,
    send_events,
    start_imports,
    use_job_files,
    use_table,
)
from stacks.clips_access import look_at_clips, take_back_clips
from stacks.function import Parts, ServiceFunction
from stacks.import_functions import FULL_VCPU_MB, LONGEST_CALL
from stacks.integration_access import (
    integration_secrets_prefix,
    read_by_integrations,
    use_integration_secrets,
)

FINISHING = (
    *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem"),
    *("GetItem", "PutItem", "Query", "UpdateItem"),
)
"""Table actions that end a job: read its rows, write those that are missing, set its status."""


def finish_function(scope: Construct, parts: Parts) -> ServiceFunction:
    storage = parts.storage
    function = ServiceFunction(
        scope,
        "finish",
        parts,
        env=parts.deploy.env(
            FinishSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
        ),
        memory_mb=1024,
        timeout=LONGEST_CALL,
    )
    use_table(function, storage.table, *FINISHING)
    use_job_files(function, storage.state, write=True)
    take_back_clips(function, storage.clips)
    return function


def conclude_function(scope: Construct, parts: Parts) -> ServiceFunction:
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "conclude",
        parts,
        env=deploy.env(
            ConcludeSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
            drop_bucket=storage.drop.bucket_name,
            webhook_secret_arn=storage.webhook_secret.secret_arn,
        ),
        memory_mb=FULL_VCPU_MB,
        timeout=LONGEST_CALL,
    )
    # The turns of a project's webhooks are rows that come and go.
    use_table(function, storage.table, "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
    use_job_files(function, storage.state, write=True)
    send_events(function)
    allow(function, ["secretsmanager:GetSecretValue"], [storage.webhook_secret.secret_arn])
    if deploy.drop_imported_days:
        remove_uploads(function, storage.drop)
    return function


def delete_sources_function(scope: Construct, parts: Parts) -> ServiceFunction:
    """The only role that deletes sources. It may do so in the source buckets that the deploy settings name, and with
    the credentials of integrations."""
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "delete_sources",
        parts,
        env=deploy.env(
            DeleteSourcesSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
            integration_secrets_prefix=integration_secrets_prefix(scope),
        ),
        memory_mb=1024,
        timeout=LONGEST_CALL,
    )
    # Its turns are rows that come and go.
    turns = ("DeleteItem", "PutItem", "Query")
    use_table(function, storage.table, "BatchGetItem", "GetItem", "UpdateItem", *turns, indexes=("attention",))
    use_job_files(function, storage.state, write=True)
    look_at_clips(function, storage.clips)
    delete_sources(function, deploy)
    read_by_integrations(function)
    return function


def sweep_function(scope: Construct, parts: Parts, machine: sfn.StateMachine) -> ServiceFunction:
    """Runs once a minute: ends jobs whose execution never started or was lost, and removes what is deleted."""
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "sweep",
        parts,
        env=deploy.env(
            SweepSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
            state_machine_arn=machine.state_machine_arn,
            grace_seconds=deploy.sweep_grace_seconds,
            integration_secrets_prefix=integration_secrets_prefix(scope),
        ),
        memory_mb=512,
        timeout=Duration.seconds(60),
    )
    # It ends an orphaned job as `finish` would have.
    use_table(function, storage.table, *FINISHING, indexes=("attention",))
    use_job_files(function, storage.state, write=True)
    take_back_clips(function, storage.clips)
    # It removes what is left of deleted jobs.
    allow(function, ["s3:DeleteObject"], [storage.state.arn_for_objects(JOB_FILES)])
    start_imports(function, machine)
    look_at_imports(function, machine)
    # It removes what interrupted requests left of integrations: a secret, then the row that names it.
    use_integration_secrets(function, "DeleteSecret")
    # No retry and no dead-letter queue: a tick carries nothing, and the next one finds the same work a minute later.
    # Alarms watch the function's errors, and whether it runs at all.
    tick = targets.LambdaFunction(function, retry_attempts=0, max_event_age=Duration.minutes(1))
    events.Rule(scope, "EveryMinute", schedule=events.Schedule.rate(Duration.minutes(1)), targets=[tick])
    function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
    return function
