from functools import cached_property

from lambdas.wiring.state import STATE_CONNECTIONS, state_files
from lambdas.wiring.storage import clips_storage
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.uploads import DynamoUploads
from service.imports.completion.context import FinishPorts
from service.support.clock import utc_now
from service.support.settings import FinishSettings


class FinishContainer:
    @cached_property
    def ports(self) -> FinishPorts:
        settings = FinishSettings.from_env()
        return finish_ports(settings.table_name, settings.state_bucket, settings.clips_bucket)


def finish_ports(table_name: str, state_bucket: str, clips_bucket: str) -> FinishPorts:
    bind(table_name)
    return FinishPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=state_files(state_bucket),
        storage=clips_storage(clips_bucket, connections=STATE_CONNECTIONS),
        uploads=DynamoUploads(),
        large=DynamoLargeCopies(),
        clock=utc_now,
    )
