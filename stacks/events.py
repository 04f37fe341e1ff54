"""Imports that uploads and watched buckets start: bucket → EventBridge → queue → `on_upload`."""

from collections.abc import Iterator, Sequence

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from service.support.settings import UploadSettings
from stacks.access import allow, start_imports, use_job_files, use_table
from stacks.function import Parts, ServiceFunction
from stacks.machine import ImportMachine
from stacks.nag import acknowledge
from stacks.settings import QUEUED_DAYS

FUNCTION_TIMEOUT = Duration.seconds(60)
TRIES = 5
KEPT = Duration.days(QUEUED_DAYS)
"""SQS's maximum: time to notice the alarm and redrive the queue."""


PATTERN_CHARACTERS = 1_800
"""Characters that the names of buckets may take in one rule's pattern: EventBridge allows 2,048 for all of it."""


def in_patterns(buckets: Sequence[str]) -> Iterator[list[str]]:
    """Share the buckets out to as many patterns as they need."""
    named: list[str] = []
    for bucket in buckets:
        if sum(len(one) + 3 for one in (*named, bucket)) > PATTERN_CHARACTERS:
            yield named
            named = []
        named.append(bucket)
    yield named


class UploadTrigger(Construct):
    """`queue` has uploads to import, `arrivals` objects of the source buckets, for watches.

    `dlq` has messages of both that failed five times, `lost` events that reached neither queue.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        parts: Parts,
        machine: ImportMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        deploy, storage = parts.deploy, parts.storage
        self.dlq = self._queue("Dlq", retention_period=KEPT)
        self.lost = self._queue("Lost", retention_period=KEPT)
        acknowledge(
            self.lost, {"AwsSolutions-SQS3": "It is itself the dead-letter queue of the EventBridge rule's target."}
        )
        self.queue = self._waiting("Queue")
        self._rule("Uploaded", "objects that arrive in the drop bucket", [storage.drop.bucket_name], self.queue)
        # A queue of their own: a bucket that is busy for other reasons does not hold up uploads.
        self.arrivals = self._waiting("Arrivals") if deploy.source_buckets else None
        if self.arrivals is not None:
            for number, named in enumerate(in_patterns(deploy.source_buckets), 1):
                name = "Arrived" if number == 1 else f"Arrived{number}"
                self._rule(name, "objects that arrive in source buckets, for watches", named, self.arrivals)
        self.function = ServiceFunction(
            self,
            "on_upload",
            parts,
            env=deploy.env(
                UploadSettings,
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                state_machine_arn=machine.state_machine_arn,
                queue_url=self.queue.queue_url,
                drop_bucket=storage.drop.bucket_name,
            ),
            memory_mb=512,
            timeout=FUNCTION_TIMEOUT,
        )
        # Uploads are claimed in one transaction. IAM checks PutItem and ConditionCheckItem for each part of it. The
        # watches of a bucket are found by an index.
        actions = ("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem")
        use_table(self.function, storage.table, *actions, indexes=("url",), adds_to_audit=True)
        use_job_files(self.function, storage.state, read=False, write=True)
        start_imports(self.function, machine)
        # A manifest waits there until its project has room for another import.
        allow(self.function, ["sqs:SendMessage"], [self.queue.queue_arn])
        # Few large calls, so that hundreds of uploads at once become few imports.
        for queue in filter(None, (self.queue, self.arrivals)):
            self.function.add_event_source(
                SqsEventSource(
                    queue,
                    batch_size=1_000,
                    max_batching_window=Duration.seconds(5),
                    report_batch_item_failures=True,
                    max_concurrency=2,
                )
            )

    @property
    def queues(self) -> Sequence[sqs.Queue]:
        """All of them."""
        return [queue for queue in (self.queue, self.arrivals, self.dlq, self.lost) if queue is not None]

    def outputs(self) -> None:
        CfnOutput(self, "UploadQueueUrl", value=self.queue.queue_url).override_logical_id("UploadQueueUrl")
        CfnOutput(self, "UploadDlqUrl", value=self.dlq.queue_url).override_logical_id("UploadDlqUrl")

    def _waiting(self, construct_id: str) -> sqs.Queue:
        return self._queue(
            construct_id,
            retention_period=KEPT,
            # Lambda recommends six times the function's timeout, so that a throttled batch is not delivered twice.
            visibility_timeout=Duration.seconds(6 * FUNCTION_TIMEOUT.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dlq, max_receive_count=TRIES),
        )

    def _rule(self, construct_id: str, about: str, buckets: list[str], queue: sqs.Queue) -> None:
        events.Rule(
            self,
            construct_id,
            description=f"Clipferry: {about}",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": buckets}},
            ),
            targets=[
                targets.SqsQueue(
                    queue, dead_letter_queue=self.lost, max_event_age=Duration.hours(24), retry_attempts=185
                )
            ],
        )

    def _queue(
        self,
        construct_id: str,
        *,
        retention_period: Duration,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=retention_period,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
        )
