"""Settings that the emulator drops or does not enforce: encryption, lifecycle, TLS, backups."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.infra.conftest import COPY_ROLES
from tests.infra.reading import properties, resources, text

BUCKETS = ("StorageClips", "StorageDrop", "StorageState")


def bucket(template: Template, name: str) -> dict[str, Any]:
    return properties(template, "AWS::S3::Bucket")[name]


def test_there_are_three_buckets_and_the_drop_bucket_is_not_the_clips_bucket(template: Template) -> None:
    assert sorted(resources(template, "AWS::S3::Bucket")) == sorted(BUCKETS)
    outputs = template.to_json()["Outputs"]
    assert outputs["DropBucketName"]["Value"] != outputs["ClipsBucketName"]["Value"]


def policy(template: Template, name: str) -> list[dict[str, Any]]:
    """The statements of a bucket's policy."""
    (found,) = [
        policy["PolicyDocument"]["Statement"]
        for policy in properties(template, "AWS::S3::BucketPolicy").values()
        if text(policy["Bucket"]) == f"${{{name}}}"
    ]
    return list(found)


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_and_tls_only(template: Template, name: str) -> None:
    assert set(bucket(template, name)["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket(template, name)["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]
    denied = [statement for statement in policy(template, name) if statement["Effect"] == "Deny"]
    assert [statement["Condition"] for statement in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_copy_roles_and_nobody_else_of_other_accounts_may_put_clips(
    template: Template, local_template: Template
) -> None:
    allowed = {
        name: [statement for statement in policy(template, name) if statement["Effect"] == "Allow"] for name in BUCKETS
    }
    assert allowed["StorageDrop"] == allowed["StorageState"] == []
    (statement,) = allowed["StorageClips"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:root"]},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(COPY_ROLES)}},
        "Action": ["s3:PutObject", "s3:PutObjectTagging"],
        "Resource": statement["Resource"],
    }
    assert text(statement["Resource"]) == "${StorageClips.Arn}/*"
    assert {statement["Effect"] for statement in policy(local_template, "StorageClips")} == {"Deny"}


def test_pages_of_the_apis_origin_read_clips_and_send_uploads_and_no_others(
    template: Template, other_template: Template
) -> None:
    api = "https://${ApiRest}.execute-api.${AWS::Region}.${AWS::URLSuffix}"

    def rules(template: Template, name: str) -> list[tuple[list[str], list[str]]]:
        found = bucket(template, name).get("CorsConfiguration", {"CorsRules": []})["CorsRules"]
        return [([text(origin) for origin in rule["AllowedOrigins"]], rule["AllowedMethods"]) for rule in found]

    assert rules(template, "StorageClips") == [([api], ["GET", "HEAD"])]
    assert rules(template, "StorageDrop") == rules(other_template, "StorageDrop") == [([api], ["PUT"])]
    assert rules(template, "StorageState") == []
    assert rules(other_template, "StorageClips") == [([api, "https://tools.example.com"], ["GET", "HEAD"])]
    (rule,) = bucket(template, "StorageClips")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedHeaders"] == ["Range"]
    assert {"Content-Range", "ETag"} <= set(rule["ExposedHeaders"])
    (rule,) = bucket(template, "StorageDrop")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedHeaders"] == ["x-amz-checksum-sha256"]
    assert set(rule["ExposedHeaders"]) == {"ETag", "x-amz-checksum-sha256"}


def test_what_another_account_copies_into_a_bucket_is_ours(template: Template) -> None:
    for name in BUCKETS:
        assert bucket(template, name)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("name", BUCKETS)
def test_unfinished_uploads_do_not_stay_for_ever(template: Template, name: str) -> None:
    rules = {rule["Id"]: rule for rule in bucket(template, name)["LifecycleConfiguration"]["Rules"]}
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())


@pytest.mark.parametrize("name", ["StorageClips", "StorageDrop"])
def test_clips_and_uploads_are_versioned_and_never_expire(template: Template, name: str) -> None:
    assert bucket(template, name)["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = bucket(template, name)["LifecycleConfiguration"]["Rules"]
    assert [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule] == [
        {"NoncurrentDays": 30}
    ]
    assert not any("ExpirationInDays" in rule for rule in rules)


def test_state_expires(template: Template) -> None:
    rules = bucket(template, "StorageState")["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [90]
    assert "VersioningConfiguration" not in bucket(template, "StorageState")


def test_only_the_drop_bucket_sends_events_and_no_custom_resource_is_needed_for_it(template: Template) -> None:
    notifying = {name for name in BUCKETS if "NotificationConfiguration" in bucket(template, name)}
    assert notifying == {"StorageDrop"}
    assert bucket(template, "StorageDrop")["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    assert not [kind for kind in _kinds(template) if kind.startswith("Custom::")]


def test_the_table_is_on_demand_backed_up_and_forgets_by_ttl(template: Template) -> None:
    (table,) = properties(template, "AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["KeySchema"] == _keys("pk", "sk")
    assert {
        index["IndexName"]: (index["KeySchema"], index["Projection"]) for index in table["GlobalSecondaryIndexes"]
    } == {
        name: (_keys(f"{name}_pk", f"{name}_sk"), {"ProjectionType": "KEYS_ONLY"})
        for name in ("listing", "attention", "clip", "url")
    }


def test_the_table_is_protected_where_the_settings_ask_for_it_and_not_in_a_first_deployment(
    template: Template, other_template: Template
) -> None:
    (table,) = properties(template, "AWS::DynamoDB::Table").values()
    assert not table["DeletionProtectionEnabled"], "a rollback could not delete it"
    (table,) = properties(other_template, "AWS::DynamoDB::Table").values()
    assert table["DeletionProtectionEnabled"] is True


STATEFUL = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret")


def test_data_and_secrets_outlive_the_stack_but_not_a_first_deployment_that_fails(template: Template) -> None:
    stateful = [item for kind in STATEFUL for item in resources(template, kind).values()]
    assert len(stateful) == 3 + 1 + 2
    assert {(item["DeletionPolicy"], item["UpdateReplacePolicy"]) for item in stateful} == {
        ("RetainExceptOnCreate", "Retain")
    }


def test_uploads_expire_where_the_settings_say_so(template: Template, other_template: Template) -> None:
    def expiry(found: Template) -> list[int]:
        rules = bucket(found, "StorageDrop")["LifecycleConfiguration"]["Rules"]
        return [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule]

    assert expiry(template) == []
    assert expiry(other_template) == [45]


def test_names_of_buckets_and_of_the_table_are_left_to_cloudformation(template: Template) -> None:
    assert not any("BucketName" in item for item in properties(template, "AWS::S3::Bucket").values())
    assert not any("TableName" in item for item in properties(template, "AWS::DynamoDB::Table").values())


def test_the_admin_key_and_the_webhooks_master_secret_are_generated_at_deploy(template: Template) -> None:
    secrets = properties(template, "AWS::SecretsManager::Secret")
    assert set(secrets) == {"StorageAdminKey", "StorageWebhookKey"}
    for secret in secrets.values():
        assert secret["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 40}


def _kinds(template: Template) -> set[str]:
    return {resource["Type"] for resource in json.loads(json.dumps(template.to_json()))["Resources"].values()}


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
