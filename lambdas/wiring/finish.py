from lambdas.wiring.state import STATE_CONNECTIONS, state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clips import DynamoClips
from service.aws.jobs import DynamoJobs
from service.aws.largecopies import DynamoLargeCopies
from service.aws.table import bind
from service.aws.uploads import DynamoUploads
from service.clock import utc_now
from service.imports.finish import FinishPorts
from service.parallel import Once
from service.settings import FinishSettings


@Once
def finish_ports() -> FinishPorts:
    settings = FinishSettings.from_env()
    return ports_for(settings.table_name, settings.state_bucket, settings.clips_bucket)


def ports_for(table_name: str, state_bucket: str, clips_bucket: str) -> FinishPorts:
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
