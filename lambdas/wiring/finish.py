from functools import cached_property

from lambdas.wiring.state import STATE_CONNECTIONS, state_files
from lambdas.wiring.storage import clips_storage
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.uploads import DynamoUploads
from service.imports.completion.context import FinishPorts
from service.support.clock import utc_now
from service.support.settings import FinishSettings, SweepSettings


class FinishContainer:
    @cached_property
    def ports(self) -> FinishPorts:
        return finish_ports(FinishSettings.from_env())


def finish_ports(settings: FinishSettings | SweepSettings) -> FinishPorts:
    bind(settings.table_name)
    keep(settings)
    return FinishPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=state_files(settings.state_bucket),
        storage=clips_storage(settings.clips_bucket, connections=STATE_CONNECTIONS),
        uploads=DynamoUploads(),
        large=DynamoLargeCopies(),
        clock=utc_now,
    )
