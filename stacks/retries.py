"""Which errors of a Lambda task are retried, how long, and which are not: those are bugs, and end the step at once.

Lambda reports an exception by the name of its class, so the names come from the classes themselves.
"""

from collections.abc import Iterator

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn

from service.domain.errors import (
    BatchIncomplete,
    FinishIncomplete,
    SelectionIncomplete,
    ServiceBusy,
    SourceUnavailable,
    TableBusy,
)

THROTTLED = ["Lambda.TooManyRequestsException"]
"""The function, or the account, runs as many copies as it may."""

LAMBDA_FAULTS = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
]
"""Lambda itself failed (Step Functions' guide, "Handle Lambda service exceptions")."""

CRASHES = ["Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"]
"""The function ran out of time or memory, or its process died."""

MAP_FAULTS = ["States.ItemReaderFailed", "States.ResultWriterFailed"]
"""The distributed map could not read its list or write its results."""

LONGEST_WAIT = Duration.minutes(15)
WAIT_GROWTH = 1.1
"""Each wait is up to 1.1 times the one before, so a task waits up to a tenth of the time that it has waited already."""

WAIT_ATTEMPTS = 1_000_000
"""More than any execution has time for: waiting for a turn ends with the execution's timeout only."""


def error_names(*kinds: type[Exception]) -> list[str]:
    """The names that Lambda gives to errors of these classes and of all their subclasses, sorted."""
    return sorted({one.__name__ for kind in kinds for one in _with_subclasses(kind)})


def _with_subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _with_subclasses(below)


PASSING = error_names(BatchIncomplete, FinishIncomplete, SelectionIncomplete, ServiceBusy, SourceUnavailable, TableBusy)
"""What handlers raise where another attempt may succeed: throttled or failing stores and AWS services."""


def retry_task(task: sfn.TaskStateBase) -> sfn.TaskStateBase:
    """Retry what passes: wait for a turn, sit out an incident of some ten minutes, run a crashed call again twice.

    Any other error is not retried.
    """
    # 25,000 events end an execution, and a throttled attempt has three: short waits would end it after 35 hours.
    task.add_retry(
        errors=THROTTLED,
        interval=Duration.seconds(2),
        backoff_rate=WAIT_GROWTH,
        max_delay=LONGEST_WAIT,
        max_attempts=WAIT_ATTEMPTS,
        jitter_strategy=sfn.JitterType.FULL,
    )
    # 1,355 s at most, half of that on average; the function's own attempts come on top.
    task.add_retry(
        errors=[*PASSING, *LAMBDA_FAULTS],
        interval=Duration.seconds(5),
        backoff_rate=2,
        max_delay=Duration.minutes(2),
        max_attempts=15,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task.add_retry(
        errors=CRASHES,
        interval=Duration.seconds(5),
        backoff_rate=2,
        max_attempts=2,
        jitter_strategy=sfn.JitterType.FULL,
    )


def retry_map(copy_batches: sfn.DistributedMap) -> None:
    """Run the map again where S3 failed it. Batches that reported answer at once, so nothing is copied twice."""
    copy_batches.add_retry(
        errors=MAP_FAULTS,
        interval=Duration.seconds(10),
        backoff_rate=2,
        max_attempts=4,
        jitter_strategy=sfn.JitterType.FULL,
    )
