from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clients import s3_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.s3.result_objects import S3Results
from service.imports.extrapolation.batch import ExtrapolatePorts
from service.imports.extrapolation.layer import extrapolate
from service.support.parallel import Once
from service.support.settings import ExtrapolateSettings

EXTRAPOLATIONS_AT_ONCE = 4
"""In one function: while one layer is decoded, the next ones are read and the last ones stored."""


@Once
def extrapolate_ports() -> ExtrapolatePorts:
    settings = ExtrapolateSettings.from_env()
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
