from functools import cached_property

from lambdas.wiring.defaults import import_settings
from lambdas.wiring.state import state_files
from service.aws.clients import workflow_client
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.intake.drop_bucket import UploadPorts
from service.support.clock import utc_now
from service.support.settings import UploadSettings


class UploadContainer:
    @cached_property
    def ports(self) -> UploadPorts:
        settings = UploadSettings.from_env()
        bind(settings.table_name)
        keep(settings)
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
        )
