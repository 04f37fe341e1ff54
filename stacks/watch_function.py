"""The function that looks after watches: `watch`."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from service.support.settings import WatchSettings
from stacks.access import allow, list_sources, send_events, start_imports, use_table
from stacks.function import Parts, ServiceFunction
from stacks.integration_access import integration_secrets_prefix, read_by_integrations

TIMEOUT = Duration.seconds(55)
"""Less than the time between two ticks, so that they hardly ever overlap."""


def watch_function(scope: Construct, parts: Parts, machine: sfn.StateMachine) -> ServiceFunction:
    """Runs once a minute: starts imports of watches that are due, and sees whether their sources can be listed."""
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "watch",
        parts,
        env=deploy.env(
            WatchSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
            drop_bucket=storage.drop.bucket_name,
            state_machine_arn=machine.state_machine_arn,
            integration_secrets_prefix=integration_secrets_prefix(scope),
            webhook_secret_arn=storage.webhook_secret.secret_arn,
        ),
        memory_mb=512,
        timeout=TIMEOUT,
    )
    # It finds due watches by an index, queries the project's integrations, and creates jobs in transactions that put
    # and update.
    actions = ("BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem")
    use_table(function, storage.table, *actions, indexes=("attention",), adds_to_audit=True)
    list_sources(function, deploy)
    read_by_integrations(function)
    start_imports(function, machine)
    send_events(function)
    allow(function, ["secretsmanager:GetSecretValue"], [storage.webhook_secret.secret_arn])
    # A tick carries nothing, like that of the sweep, and the next one finds the same work a minute later.
    tick = targets.LambdaFunction(function, retry_attempts=0, max_event_age=Duration.minutes(1))
    events.Rule(scope, "WatchEveryMinute", schedule=events.Schedule.rate(Duration.minutes(1)), targets=[tick])
    function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
    return function
