"""The functions that plan and copy an import: `plan`, `copy` and `extrapolate`."""

from aws_cdk import Duration
from constructs import Construct

from service.support.settings import CopySettings, ExtrapolateSettings, PlanSettings
from stacks.access import find_later_uploads, read_sources, restore_sources, use_job_files, use_table
from stacks.clips_access import let_roles_write_clips, look_at_clips, write_clips, write_results
from stacks.function import Parts, ServiceFunction
from stacks.integration_access import integration_secrets_prefix, read_by_integrations

FULL_VCPU_MB = 1_769
"""The memory with which a function gets one whole vCPU (Lambda's documentation)."""

COPY_MB = 1_024
"""The copy function waits for S3 most of its time (decision 64)."""

LONGEST_CALL = Duration.minutes(15)
"""Lambda's limit. Work that needs more continues in another round."""


def plan_function(scope: Construct, parts: Parts) -> ServiceFunction:
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "plan",
        parts,
        env=deploy.env(
            PlanSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
            source_buckets=(*deploy.source_buckets, storage.drop.bucket_name),
            drop_bucket=storage.drop.bucket_name,
            integration_secrets_prefix=integration_secrets_prefix(scope),
        ),
        # Planning a long prefix is CPU: half the time at twice the price by the second.
        memory_mb=FULL_VCPU_MB,
        timeout=LONGEST_CALL,
    )
    # Where a source cannot be listed, `plan` ends the job, in a transaction that puts and updates. To plan a retry it
    # queries the index of failures and makes those clips pending, in transactions that check the job.
    actions = ("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem")
    use_table(function, storage.table, *actions, indexes=("attention",))
    use_job_files(function, storage.state, write=True)
    # The versions of uploads show whether a later one follows.
    read_sources(function, deploy, storage.drop, "GetObject", "GetObjectVersion", versions=True)
    restore_sources(function, deploy)
    look_at_clips(function, storage.clips)
    read_by_integrations(function)
    return function


def copy_function(scope: Construct, parts: Parts) -> ServiceFunction:
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "copy",
        parts,
        env=deploy.env(
            CopySettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
            drop_bucket=storage.drop.bucket_name,
            integration_secrets_prefix=integration_secrets_prefix(scope),
        ),
        memory_mb=COPY_MB,
        timeout=LONGEST_CALL,
        reserved_concurrency=deploy.copy_reserved_concurrency,
    )
    # A batch is recorded in one transaction. IAM checks PutItem and UpdateItem for each part of it.
    writes = ("DeleteItem", "PutItem", "UpdateItem")
    use_table(function, storage.table, "BatchGetItem", "GetItem", "Query", *writes)
    use_job_files(function, storage.state)
    # CopyObject reads the planned version and its tags.
    reads = ("GetObject", "GetObjectTagging", "GetObjectVersion", "GetObjectVersionTagging")
    read_sources(function, deploy, storage.drop, *reads)
    restore_sources(function, deploy)
    find_later_uploads(function, storage.drop)
    write_clips(function, storage.clips)
    let_roles_write_clips(storage.clips, deploy.copy_roles)
    read_by_integrations(function)
    return function


def extrapolate_function(scope: Construct, parts: Parts) -> ServiceFunction:
    deploy, storage = parts.deploy, parts.storage
    function = ServiceFunction(
        scope,
        "extrapolate",
        parts,
        parquet=True,
        env=deploy.env(
            ExtrapolateSettings,
            table_name=storage.table.table_name,
            state_bucket=storage.state.bucket_name,
            clips_bucket=storage.clips.bucket_name,
        ),
        memory_mb=FULL_VCPU_MB,
        timeout=LONGEST_CALL,
        reserved_concurrency=deploy.extrapolate_reserved_concurrency,
    )
    # It puts, reads and deletes its turn.
    use_table(function, storage.table, "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
    use_job_files(function, storage.state)
    look_at_clips(function, storage.clips)
    write_results(function, storage.clips)
    return function
