"""The upload trigger."""

import json

import pytest
from aws_cdk.assertions import Template

from stacks.events import in_patterns
from tests.infra.conftest import SOURCE_BUCKETS
from tests.infra.reading import properties, text


def test_uploads_to_the_drop_bucket_and_no_other_go_to_the_queue(template: Template) -> None:
    rule = properties(template, "AWS::Events::Rule")["UploadsUploaded"]
    assert rule["EventPattern"]["source"] == ["aws.s3"]
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    (bucket,) = rule["EventPattern"]["detail"]["bucket"]["name"]
    assert text(bucket) == "${StorageDrop}"
    (target,) = rule["Targets"]
    assert text(target["Arn"]) == "${UploadsQueue.Arn}"
    assert text(target["DeadLetterConfig"]["Arn"]) == "${UploadsLost.Arn}"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


def test_the_queue_gives_up_after_five_tries_and_outwaits_the_function(template: Template) -> None:
    queue = properties(template, "AWS::SQS::Queue")["UploadsQueue"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert text(queue["RedrivePolicy"]["deadLetterTargetArn"]) == "${UploadsDlq.Arn}"
    function = properties(template, "AWS::Lambda::Function")["UploadsOnUpload"]
    assert queue["VisibilityTimeout"] == 6 * function["Timeout"]


def test_queues_are_encrypted_tls_only_and_keep_for_fourteen_days(template: Template) -> None:
    queues = properties(template, "AWS::SQS::Queue")
    assert set(queues) == {"UploadsQueue", "UploadsArrivals", "UploadsDlq", "UploadsLost"}
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True, name
        assert queue["MessageRetentionPeriod"] == 14 * 86_400, name
    guarded = {
        text(queue)
        for policy in properties(template, "AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert guarded == {f"${{{name}}}" for name in queues}


def test_uploads_are_taken_in_few_large_batches_of_which_single_ones_can_fail(template: Template) -> None:
    mappings = properties(template, "AWS::Lambda::EventSourceMapping").values()
    assert {text(one["EventSourceArn"]) for one in mappings} == {"${UploadsQueue.Arn}", "${UploadsArrivals.Arn}"}
    for mapping in mappings:
        assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (1_000, 5)
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_objects_of_the_source_buckets_go_to_a_queue_of_their_own(template: Template) -> None:
    rule = properties(template, "AWS::Events::Rule")["UploadsArrived"]
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    assert rule["EventPattern"]["detail"]["bucket"]["name"] == list(SOURCE_BUCKETS)
    (target,) = rule["Targets"]
    assert text(target["Arn"]) == "${UploadsArrivals.Arn}"
    assert text(target["DeadLetterConfig"]["Arn"]) == "${UploadsLost.Arn}"
    queue = properties(template, "AWS::SQS::Queue")["UploadsArrivals"]
    assert text(queue["RedrivePolicy"]["deadLetterTargetArn"]) == "${UploadsDlq.Arn}"


@pytest.mark.parametrize("length", [3, 60, 63])
def test_many_source_buckets_need_several_rules_each_with_a_pattern_that_eventbridge_takes(length: int) -> None:
    buckets = [f"{number:03}".rjust(length, "n") for number in range(2_000 // (length + 1))]
    patterns = list(in_patterns(buckets))
    assert [bucket for named in patterns for bucket in named] == buckets
    assert len(patterns) > 1
    for named in patterns:
        pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": named}}}
        assert len(json.dumps(pattern, separators=(",", ":"))) <= 2_048


def test_without_source_buckets_there_are_no_arrivals(local_template: Template) -> None:
    assert "UploadsArrived" not in properties(local_template, "AWS::Events::Rule")
    assert "UploadsArrivals" not in properties(local_template, "AWS::SQS::Queue")
