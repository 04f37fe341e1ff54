import os
import resource
from collections.abc import Callable
from functools import cached_property

from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clients import s3_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.turns import BATCHES, DynamoTurns
from service.aws.s3.result_objects import S3Results
from service.imports.extrapolation.batch import ExtrapolatePorts
from service.imports.extrapolation.layer import extrapolate
from service.imports.lifecycle.turns import TurnPorts
from service.support.settings import ExtrapolateSettings

EXTRAPOLATIONS_AT_ONCE = 4
"""In one function: while one layer is decoded, the next ones are read and the last ones stored."""


OTHERS_MB = 200
"""Megabytes of the function's memory for code and libraries, which the limit below does not count."""


def limit_memory() -> None:
    """Limit the data segment, so that a hostile layer raises `MemoryError` instead of killing the process."""
    data = (int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) - OTHERS_MB) * 1024**2
    resource.setrlimit(resource.RLIMIT_DATA, (data, resource.getrlimit(resource.RLIMIT_DATA)[1]))


class ExtrapolateContainer:
    def __init__(self) -> None:
        self.limit_memory: Callable[[], object] = limit_memory

    @cached_property
    def settings(self) -> ExtrapolateSettings:
        return ExtrapolateSettings.from_env()

    @cached_property
    def turns(self) -> TurnPorts:
        bind(self.settings.table_name)
        return TurnPorts(store=DynamoTurns(BATCHES), slots=self.settings.copy_slots)

    @cached_property
    def ports(self) -> ExtrapolatePorts:
        settings = self.settings
        bind(settings.table_name)
        return ExtrapolatePorts(
            jobs=DynamoJobs(),
            clips=DynamoClips(),
            state=state_files(settings.state_bucket),
            objects=clips_storage(settings.clips_bucket, connections=EXTRAPOLATIONS_AT_ONCE),
            results=S3Results(s3_client(connections=EXTRAPOLATIONS_AT_ONCE), settings.clips_bucket),
            extrapolate=extrapolate,
            clips_bucket=settings.clips_bucket,
            distance=settings.stationary_distance_cm / 100,
            concurrency=EXTRAPOLATIONS_AT_ONCE,
        )
