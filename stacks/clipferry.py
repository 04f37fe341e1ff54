"""Clipferry as one stack, so that plain `cdk deploy` is enough."""

from aws_cdk import Stack
from constructs import Construct

from stacks.api import Api
from stacks.bundle import bundle_code
from stacks.events import UploadTrigger
from stacks.function import Parts
from stacks.monitoring import Monitoring
from stacks.pipeline import Pipeline
from stacks.settings import DeploySettings
from stacks.storage import Storage


class ClipferryStack(Stack):
    """Storage, the pipeline that uses it, the API and the upload trigger that start it, and alarms."""

    def __init__(self, scope: Construct, construct_id: str, deploy: DeploySettings) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=deploy.stack_name,
            description="Clipferry: imports driving-data clips into S3",
        )
        self.storage = Storage(self, "Storage", deploy)
        parts = Parts(
            deploy=deploy,
            code=bundle_code(local=deploy.local),
            parquet_code=bundle_code(local=deploy.local, parquet=True),
            storage=self.storage,
        )
        self.pipeline = Pipeline(self, "Pipeline", parts)
        self.uploads = UploadTrigger(self, "Uploads", parts, self.pipeline.machine)
        self.api = Api(self, "Api", parts, self.pipeline.machine, self.uploads)
        self.monitoring = Monitoring(
            self,
            "Monitoring",
            deploy=deploy,
            storage=self.storage,
            api=self.api,
            pipeline=self.pipeline,
            uploads=self.uploads,
        )
        for part in (self.storage, self.pipeline, self.api, self.uploads):
            part.outputs()
