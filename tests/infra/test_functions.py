"""The functions: runtime, size, environment, and exactly what each may do."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from service.support.settings import (
    ApiSettings,
    AuthorizeSettings,
    ConcludeSettings,
    CopySettings,
    DeleteSourcesSettings,
    ExtrapolateSettings,
    FinishSettings,
    PlanSettings,
    Settings,
    SweepSettings,
    UploadSettings,
    WatchSettings,
)
from tests.infra.conftest import COPY_ROLES, KMS_KEY, SOURCE_BUCKETS
from tests.infra.reading import conditional_grants, denials, environment, grants, properties, resources, text

FUNCTIONS: dict[str, tuple[str, type[Settings], int, int, int | None]] = {
    # name: handler, settings, MB, seconds, reserved concurrency
    "ApiAuthorize": ("authorize", AuthorizeSettings, 256, 5, None),
    "Api": ("api", ApiSettings, 1024, 29, None),
    "PipelinePlan": ("plan", PlanSettings, 1769, 900, None),
    "PipelineCopy": ("copy", CopySettings, 1024, 900, None),
    "PipelineExtrapolate": ("extrapolate", ExtrapolateSettings, 1769, 900, None),
    "PipelineFinish": ("finish", FinishSettings, 1024, 900, None),
    "PipelineDeleteSources": ("delete_sources", DeleteSourcesSettings, 1024, 900, None),
    "PipelineConclude": ("conclude", ConcludeSettings, 1769, 900, None),
    "PipelineSweep": ("sweep", SweepSettings, 512, 60, None),
    "PipelineWatch": ("watch", WatchSettings, 512, 55, None),
    "UploadsOnUpload": ("on_upload", UploadSettings, 512, 60, None),
}
TABLE, STATE, DROP, CLIPS = "${StorageTable.Arn}", "${StorageState.Arn}", "${StorageDrop.Arn}", "${StorageClips.Arn}"
MACHINE = "${PipelineImports}"
SOURCES = [*(f"arn:${{AWS::Partition}}:s3:::{bucket}" for bucket in SOURCE_BUCKETS), DROP]


def sources(*object_actions: str) -> dict[str, set[str]]:
    listed = {arn: {"s3:ListBucket"} for arn in SOURCES}
    read = {f"{arn}/*": {f"s3:{action}" for action in object_actions} for arn in SOURCES}
    return {**listed, **read, KMS_KEY: {"kms:Decrypt"}}


def table(*actions: str) -> dict[str, set[str]]:
    return {TABLE: {f"dynamodb:{action}" for action in actions}}


def queried(*indexes: str) -> dict[str, set[str]]:
    return {f"{TABLE}/index/{index}": {"dynamodb:Query"} for index in indexes}


def job_files(*actions: str) -> dict[str, set[str]]:
    return {STATE: {"s3:ListBucket"}, f"{STATE}/jobs/*": {f"s3:{action}" for action in actions}}


def sources_and_later_uploads(*object_actions: str) -> dict[str, set[str]]:
    return {**sources(*object_actions), DROP: {"s3:ListBucket", "s3:ListBucketVersions"}}


SEES_VERSIONS = {arn: {"s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"} for arn in SOURCES}


WEBHOOK_SECRET = {"${StorageWebhookKey}": {"secretsmanager:GetSecretValue"}}
INTEGRATION_SECRETS = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:clipferry/Clipferry/integrations/*"
)
READS_BY_INTEGRATIONS = {
    INTEGRATION_SECRETS: {"secretsmanager:GetSecretValue"},
    "arn:${AWS::Partition}:iam::*:role/clipferry-*": {"sts:AssumeRole"},
}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
STARTS = {MACHINE: {"states:StartExecution"}}
FINISHES = {
    **table(
        *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem"),
        *("GetItem", "PutItem", "Query", "UpdateItem"),
    ),
    CLIPS: {"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"},
    f"{CLIPS}/*": {"s3:AbortMultipartUpload", "s3:DeleteObjectVersion", "s3:GetObjectVersion"},
}
GRANTS: dict[str, dict[str, set[str]]] = {
    "ApiAuthorize": {**table("GetItem"), "${StorageAdminKey}": {"secretsmanager:GetSecretValue"}},
    "Api": {
        **table("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **queried("attention", "clip", "listing", "url"),
        **job_files("GetObject", "PutObject"),
        **sources("GetObject", "GetObjectVersion"),
        **SEES_VERSIONS,
        **{arn: {"s3:GetBucketNotification", *SEES_VERSIONS[arn]} for arn in SOURCES[:-1]},
        f"{DROP}/inbox/*": {"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"},
        CLIPS: {"s3:ListBucket", "s3:ListBucketVersions"},
        f"{CLIPS}/*": {"s3:DeleteObjectVersion", "s3:GetObject"},
        **STARTS,
        **{
            f"${{Uploads{queue}.Arn}}": {"sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
            for queue in ("Queue", "Arrivals", "Dlq", "Lost")
        },
        "*": {"cloudwatch:DescribeAlarms", *TRACES},
        **WEBHOOK_SECRET,
        **READS_BY_INTEGRATIONS,
        INTEGRATION_SECRETS: {f"secretsmanager:{verb}" for verb in ("CreateSecret", "DeleteSecret", "GetSecretValue")},
    },
    "PipelinePlan": {
        **table("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **queried("attention"),
        **job_files("GetObject", "PutObject"),
        **sources("GetObject", "GetObjectVersion"),
        f"{SOURCES[0]}/*": {"s3:GetObject", "s3:GetObjectVersion", "s3:RestoreObject"},
        **SEES_VERSIONS,
        CLIPS: {"s3:ListBucket"},
        f"{CLIPS}/*": {"s3:GetObject"},
        **READS_BY_INTEGRATIONS,
    },
    "PipelineCopy": {
        **table("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **job_files("GetObject"),
        **sources_and_later_uploads("GetObject", "GetObjectTagging", "GetObjectVersion", "GetObjectVersionTagging"),
        f"{SOURCES[0]}/*": {
            "s3:GetObject",
            "s3:GetObjectTagging",
            "s3:GetObjectVersion",
            "s3:GetObjectVersionTagging",
            "s3:RestoreObject",
        },
        **READS_BY_INTEGRATIONS,
        CLIPS: {"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"},
        f"{CLIPS}/*": {
            "s3:AbortMultipartUpload",
            "s3:DeleteObjectVersion",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
            "s3:PutObjectTagging",
        },
    },
    "PipelineExtrapolate": {
        **table("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **job_files("GetObject"),
        CLIPS: {"s3:ListBucket"},
        f"{CLIPS}/*": {"s3:GetObject"},
        f"{CLIPS}/*.stationary.parquet": {"s3:PutObject"},
    },
    "PipelineFinish": {**FINISHES, **job_files("GetObject", "PutObject")},
    "PipelineDeleteSources": {
        **table("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **queried("attention"),
        **job_files("GetObject", "PutObject"),
        CLIPS: {"s3:ListBucket"},
        f"{CLIPS}/*": {"s3:GetObject"},
        **READS_BY_INTEGRATIONS,
    },
    "PipelineConclude": {
        **table("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **job_files("GetObject", "PutObject"),
        **WEBHOOK_SECRET,
        "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default": {"events:PutEvents"},
    },
    "PipelineSweep": {
        **FINISHES,
        TABLE: {*FINISHES[TABLE], "dynamodb:DeleteItem"},
        INTEGRATION_SECRETS: {"secretsmanager:DeleteSecret"},
        **queried("attention"),
        **job_files("DeleteObject", "GetObject", "PutObject"),
        **STARTS,
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${PipelineImports.Name}:*": {
            "states:DescribeExecution"
        },
    },
    "PipelineWatch": {
        **table("BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"),
        **queried("attention"),
        **{arn: {"s3:ListBucket"} for arn in SOURCES[:-1]},
        **READS_BY_INTEGRATIONS,
        **STARTS,
        **WEBHOOK_SECRET,
        "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default": {"events:PutEvents"},
    },
    "UploadsOnUpload": {
        **table("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem"),
        **queried("url"),
        f"{STATE}/jobs/*": {"s3:PutObject"},
        **STARTS,
        **{
            f"${{Uploads{queue}.Arn}}": {
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
                *(["sqs:SendMessage"] if queue == "Queue" else []),
            }
            for queue in ("Queue", "Arrivals")
        },
    },
}
ROLES = {"Api": "ApiApi"}
"""Functions whose construct has the same name as its folder."""


def function(template: Template, name: str) -> dict[str, Any]:
    return properties(template, "AWS::Lambda::Function")[name]


def test_these_are_all_the_functions(template: Template) -> None:
    assert set(resources(template, "AWS::Lambda::Function")) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_handler_size_and_runtime(template: Template, name: str) -> None:
    handler, _, memory, timeout, reserved = FUNCTIONS[name]
    found = function(template, name)
    assert found["Handler"] == f"lambdas.{handler}.handler"
    assert (found["MemorySize"], found["Timeout"]) == (memory, timeout)
    assert found.get("ReservedConcurrentExecutions") == reserved
    assert (found["Runtime"], found["Architectures"]) == ("python3.14", ["arm64"])
    assert found["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_its_settings_from_the_environment_it_gets(template: Template, name: str) -> None:
    settings = FUNCTIONS[name][1]
    env = environment(template, name)
    assert settings.from_env(env).to_env().items() <= env.items()
    assert {key for key in env if key.startswith("CLIPFERRY_")} == set(settings.from_env(env).to_env())
    assert env["HF_ENDPOINT"] == "https://huggingface.co"
    assert (env["POWERTOOLS_SERVICE_NAME"], env["POWERTOOLS_METRICS_NAMESPACE"]) == ("Clipferry", "Clipferry")


@pytest.mark.parametrize("name", ["Api", "PipelinePlan"])
def test_the_drop_bucket_is_a_source_like_those_of_the_deploy_settings(template: Template, name: str) -> None:
    assert environment(template, name)["CLIPFERRY_SOURCE_BUCKETS"] == "fleet-a,fleet.b,${StorageDrop}"


@pytest.mark.parametrize("name", ["Api", "PipelineCopy"])
def test_copy_roles_are_known_where_clips_are_copied_and_policies_shown(template: Template, name: str) -> None:
    assert environment(template, name)["CLIPFERRY_COPY_ROLES"] == ",".join(COPY_ROLES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_allows_exactly_what_its_function_does(template: Template, name: str) -> None:
    common = {
        f"${{{ROLES.get(name, name)}Logs.Arn}}": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": TRACES,
    }
    assert grants(template, f"{ROLES.get(name, name)}Role") == {**common, **GRANTS[name]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_role_may_change_the_audit_and_only_those_that_start_imports_may_add_to_it(
    template: Template, name: str
) -> None:
    role = f"{ROLES.get(name, name)}Role"
    writes = {f"dynamodb:{verb}" for verb in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")}
    writes &= grants(template, role)[TABLE]
    if name in ("Api", "PipelineWatch", "UploadsOnUpload"):
        writes.remove("dynamodb:PutItem")
    of_the_audit = {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["AUDIT#*"]}}
    assert denials(template, role) == ([({TABLE}, writes, of_the_audit)] if writes else [])


def test_every_function_has_a_role_of_its_own_without_managed_policies(template: Template) -> None:
    roles = [text(function(template, name)["Role"]) for name in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS)
    for name in FUNCTIONS:
        assert "ManagedPolicyArns" not in properties(template, "AWS::IAM::Role")[f"{ROLES.get(name, name)}Role"]


def test_only_the_copy_function_can_write_clips(template: Template) -> None:
    allowed = {name: grants(template, f"{ROLES.get(name, name)}Role").get(f"{CLIPS}/*", set()) for name in GRANTS}
    assert {name for name, actions in allowed.items() if "s3:PutObject" in actions} == {"PipelineCopy"}
    removing = {name for name, actions in allowed.items() if "s3:DeleteObjectVersion" in actions}
    assert removing == {"Api", "PipelineCopy", "PipelineFinish", "PipelineSweep"}
    reading = {"PipelinePlan", "PipelineExtrapolate", "PipelineDeleteSources"}
    assert {name for name, actions in allowed.items() if actions} == removing | reading
    assert not any("s3:DeleteObject" in actions for actions in allowed.values()), (
        "nothing hides a clip's other versions"
    )


@pytest.mark.parametrize("name", ["Api", "UploadsOnUpload"])
def test_the_doors_of_imports_know_the_deployments_defaults(template: Template, name: str) -> None:
    env = environment(template, name)
    assert env["CLIPFERRY_DEFAULT_ON_EXISTING"] == "skip"
    assert env["CLIPFERRY_DEFAULT_CONTENT_VALIDATION"] == "structure"


def test_only_a_setting_lets_uploads_be_removed_and_only_on_condition_of_their_etag(
    template: Template, other_template: Template
) -> None:
    role, uploads = "PipelineConcludeRole", f"{DROP}/*"
    assert not {DROP, uploads} & grants(template, role).keys()
    on_condition = {"Null": {"s3:if-match": "false"}}
    assert conditional_grants(other_template, role, on_condition) == {uploads: {"s3:DeleteObject"}}
    always = conditional_grants(other_template, role, {})
    assert (always[DROP], always[uploads]) == ({"s3:ListBucket"}, {"s3:GetObject"})
    for name in ROLES.keys() | GRANTS.keys():
        allowed = grants(template, f"{ROLES.get(name, name)}Role").get(uploads, set())
        assert not [action for action in allowed if action.startswith("s3:Delete")]


def test_only_a_setting_lets_sources_be_deleted_and_only_by_one_role_on_condition_of_their_etag(
    template: Template, other_template: Template
) -> None:
    role, (named, other) = "PipelineDeleteSourcesRole", SOURCES[:-1]
    on_condition = {"Null": {"s3:if-match": "false"}}
    assert conditional_grants(other_template, role, on_condition) == {f"{named}/*": {"s3:DeleteObject"}}
    always = conditional_grants(other_template, role, {})
    assert (always[named], always[f"{named}/*"]) == ({"s3:ListBucket"}, {"s3:DeleteObjectVersion", "s3:GetObject"})
    assert not {other, f"{other}/*"} & always.keys()
    deployed = [(template, name) for name in GRANTS]
    deployed += [(other_template, name) for name in GRANTS if name != "PipelineDeleteSources"]
    for one, name in deployed:
        for condition in (on_condition, {}):
            reached = conditional_grants(one, f"{ROLES.get(name, name)}Role", condition)
            deleted = {arn for arn, actions in reached.items() if any("Delete" in action for action in actions)}
            assert not [arn for arn in deleted if arn.startswith((named, other))]


def test_no_role_but_the_copying_ones_can_reach_other_buckets_than_the_named_ones(template: Template) -> None:
    for name in GRANTS:
        reached = grants(template, f"{ROLES.get(name, name)}Role")
        assert not [arn for arn in reached if ":s3:::" in arn and not arn.startswith(tuple(SOURCES))]


def test_integrations_lie_below_the_stacks_own_name(template: Template) -> None:
    for name in ("Api", "PipelineSweep"):
        prefix = environment(template, name)["CLIPFERRY_INTEGRATION_SECRETS_PREFIX"]
        assert INTEGRATION_SECRETS.endswith(f":secret:{prefix}*")
    env = environment(template, "Api")
    assert env["CLIPFERRY_TRUSTED_ROLES"] == "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/Clipferry-*"


def test_log_groups_forget(template: Template) -> None:
    groups = properties(template, "AWS::Logs::LogGroup")
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
    logged = {text(function(template, name)["LoggingConfig"]["LogGroup"]) for name in FUNCTIONS}
    assert len(logged) == len(FUNCTIONS)


def test_only_the_function_that_decodes_layers_has_the_parquet_library(template: Template) -> None:
    code = {name: text(function(template, name)["Code"]["S3Key"]) for name in FUNCTIONS}
    own = code.pop("PipelineExtrapolate")
    assert len(set(code.values())) == 1
    assert own not in code.values()


def test_the_extrapolation_knows_the_distance(template: Template) -> None:
    assert environment(template, "PipelineExtrapolate")["CLIPFERRY_STATIONARY_DISTANCE_CM"] == "50"


def test_local_functions_are_not_traced(local_template: Template) -> None:
    for name in FUNCTIONS:
        assert "TracingConfig" not in function(local_template, name)


def test_functions_reserve_what_the_settings_say(other_template: Template) -> None:
    reserved = {name: function(other_template, name).get("ReservedConcurrentExecutions") for name in FUNCTIONS}
    assert {name: number for name, number in reserved.items() if number is not None} == {
        "Api": 100,
        "ApiAuthorize": 50,
        "UploadsOnUpload": 4,
        "PipelineCopy": 60,
        "PipelineExtrapolate": 20,
    }


@pytest.mark.parametrize(
    "name",
    [
        "Api",
        "PipelinePlan",
        "PipelineCopy",
        "PipelineFinish",
        "PipelineConclude",
        "PipelineSweep",
        "PipelineWatch",
        "UploadsOnUpload",
    ],
)
def test_functions_that_write_rows_know_how_long_they_are_kept(
    template: Template, other_template: Template, name: str
) -> None:
    assert environment(template, name)["CLIPFERRY_ROW_RETENTION_DAYS"] == "90"
    assert environment(other_template, name)["CLIPFERRY_ROW_RETENTION_DAYS"] == "0"


def test_functions_call_aws_at_the_endpoints_that_the_settings_ask_for(
    template: Template, other_template: Template
) -> None:
    variables = {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}
    for name in FUNCTIONS:
        assert variables.items() <= environment(other_template, name).items()
        assert not variables.keys() & environment(template, name).keys()


@pytest.mark.parametrize(
    ("rule", "function"), [("PipelineEveryMinute", "PipelineSweep"), ("PipelineWatchEveryMinute", "PipelineWatch")]
)
def test_a_tick_comes_every_minute_and_a_missed_one_is_not_repeated(
    template: Template, rule: str, function: str
) -> None:
    found = properties(template, "AWS::Events::Rule")[rule]
    assert found["ScheduleExpression"] == "rate(1 minute)"
    (target,) = found["Targets"]
    assert text(target["Arn"]) == f"${{{function}.Arn}}"
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    invocations = properties(template, "AWS::Lambda::EventInvokeConfig").values()
    retries = {text(one["FunctionName"]): one["MaximumRetryAttempts"] for one in invocations}
    assert retries[f"${{{function}}}"] == 0
