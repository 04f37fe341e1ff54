"""What operators see: alarms on an SNS topic, and one dashboard. docs/runbook.md says what to do for each alarm."""

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.alarms import Alarms
from stacks.api import Api
from stacks.dashboard import dashboard
from stacks.events import UploadTrigger
from stacks.metrics import Metrics
from stacks.pipeline import Pipeline
from stacks.settings import DeploySettings
from stacks.storage import Storage


class Monitoring(Construct):
    """`topic` gets every alarm; the address in the deploy settings is subscribed to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deploy: DeploySettings,
        storage: Storage,
        api: Api,
        pipeline: Pipeline,
        uploads: UploadTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Alarms", display_name=f"{deploy.stack_name} alarms", enforce_ssl=True)
        # The topic's own policy, which demands TLS, replaces the default one that lets the account publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if deploy.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(deploy.alarm_email))
        functions: Mapping[str, lambda_.IFunction] = {
            "Api": api.function,
            "Authorize": api.authorize,
            "OnUpload": uploads.function,
            "Plan": pipeline.plan,
            "Copy": pipeline.copy,
            "Extrapolate": pipeline.extrapolate,
            "Finish": pipeline.finish,
            "DeleteSources": pipeline.delete_sources,
            "Conclude": pipeline.conclude,
            "Sweep": pipeline.sweep,
            "Watch": pipeline.watch,
        }
        metrics = Metrics(
            deploy=deploy,
            functions=functions,
            machine=pipeline.machine,
            rest=api.rest,
            table=storage.table,
            queue=uploads.queue,
            arrivals=uploads.arrivals,
            dlq=uploads.dlq,
            lost=uploads.lost,
        )
        Alarms(self, self.topic, metrics).add_all()
        dashboard(self, metrics)
