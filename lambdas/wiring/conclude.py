from functools import cached_property

from lambdas.wiring.state import STATE_CONNECTIONS, state_files
from lambdas.wiring.webhooks import webhook_secrets
from service.aws.bus import DefaultEventBus
from service.aws.clients import events_client, s3_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.turns import deletions_of, webhooks_of
from service.aws.s3.report_files import S3ReportFiles
from service.aws.s3.upload_removal import S3UploadRemoval
from service.imports.completion.conclude import WEBHOOKS_AT_ONCE, ConcludePorts
from service.imports.completion.delete_sources import AT_ONCE
from service.projects.slow_requests import SlowRequests
from service.support.clock import utc_now
from service.support.settings import ConcludeSettings
from service.web.post import HttpSender


class ConcludeContainer:
    @cached_property
    def ports(self) -> ConcludePorts:
        settings = ConcludeSettings.from_env()
        bind(settings.table_name)
        keep(settings)
        s3 = s3_client(connections=STATE_CONNECTIONS)
        return ConcludePorts(
            jobs=DynamoJobs(),
            ends=DynamoEnds(),
            clips=DynamoClips(),
            state=state_files(settings.state_bucket),
            files=S3ReportFiles(s3, settings.state_bucket),
            bus=DefaultEventBus(events_client()),
            sender=HttpSender(settings.allow_private_urls),
            webhook_secrets=webhook_secrets(settings),
            sending=SlowRequests(turns=webhooks_of, limit=WEBHOOKS_AT_ONCE),
            deleting=SlowRequests(turns=deletions_of, limit=AT_ONCE),
            clock=utc_now,
            clips_bucket=settings.clips_bucket,
            drop_bucket=settings.drop_bucket,
            drop_imported_days=settings.drop_imported_days,
            uploads=S3UploadRemoval(s3, settings.drop_bucket),
            webhook_attempts=settings.webhook_attempts,
            webhook_retry_seconds=settings.webhook_retry_seconds,
        )
