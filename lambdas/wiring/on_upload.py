from collections.abc import Sequence
from functools import cached_property

from lambdas.wiring.defaults import import_settings
from lambdas.wiring.presets import preset_settings
from lambdas.wiring.state import state_files
from service.aws.clients import PATIENT, sqs_client, workflow_client
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.queue import SqsQueue
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.intake.arrivals import Arrival
from service.imports.intake.drop_bucket import UploadPorts
from service.support.clock import utc_now
from service.support.settings import UploadSettings


class UploadContainer:
    @cached_property
    def settings(self) -> UploadSettings:
        settings = UploadSettings.from_env()
        bind(settings.table_name)
        keep(settings)
        return settings

    @cached_property
    def ports(self) -> UploadPorts:
        settings = self.settings
        return UploadPorts(
            jobs=DynamoJobs(),
            uploads=DynamoUploads(),
            state=state_files(settings.state_bucket),
            workflow=StepFunctionsWorkflow(workflow_client(), settings.state_machine_arn),
            clock=utc_now,
            drop_bucket=settings.drop_bucket,
            default_project=settings.default_project,
            window_seconds=settings.upload_window_seconds,
            settings=import_settings(settings.default_on_existing, settings.default_content_validation),
            audit_days=settings.audit_retention_days,
            max_active=settings.max_active_imports,
        )

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(sqs_client(PATIENT, traced=False), self.settings.queue_url)

    @cached_property
    def source_buckets(self) -> Sequence[str]:
        return self.settings.source_buckets

    def accept_arrivals(self, arrivals: Sequence[Arrival]) -> int:
        # Imported here, so that uploads to the drop bucket start without the filters of watches.
        from service.aws.dynamodb.watches import DynamoWatches
        from service.imports.watches.events import ArrivalPorts, accept_arrivals

        ports = ArrivalPorts(
            gathering=self.ports, watches=DynamoWatches(), saved_settings=preset_settings(self.ports.settings)
        )
        return accept_arrivals(arrivals, ports)
