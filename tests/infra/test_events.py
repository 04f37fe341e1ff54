"""The upload trigger."""

from aws_cdk.assertions import Template

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
    assert set(queues) == {"UploadsQueue", "UploadsDlq", "UploadsLost"}
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
    (mapping,) = properties(template, "AWS::Lambda::EventSourceMapping").values()
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (1_000, 5)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
