"""What wakes somebody: alarms on an SNS topic, and one dashboard that shows why."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.api import Api
from stacks.events import UploadTrigger
from stacks.pipeline import Pipeline
from stacks.settings import DeploySettings

WINDOW = Duration.minutes(5)


class Monitoring(Construct):
    """`topic` gets every alarm; the deploy settings' address is subscribed to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deploy: DeploySettings,
        api: Api,
        pipeline: Pipeline,
        uploads: UploadTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Alarms", display_name="Clipferry alarms", enforce_ssl=True)
        if deploy.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(deploy.alarm_email))
        machine = pipeline.machine
        self._alarm(
            "UploadDlq",
            "Uploads that could not be imported after five tries. Read the messages, mend, redrive the queue.",
            uploads.dlq.metric_approximate_number_of_messages_visible(period=WINDOW, statistic="Maximum"),
        )
        self._alarm(
            "UploadsLost",
            "Upload events that EventBridge could not hand to the queue.",
            uploads.lost.metric_approximate_number_of_messages_visible(period=WINDOW, statistic="Maximum"),
        )
        self._alarm("ImportsFailed", "Imports whose state machine failed.", machine.metric_failed(period=WINDOW))
        self._alarm("ImportsTimedOut", "Imports that ran into the timeout.", machine.metric_timed_out(period=WINDOW))
        self._alarm(
            "ApiErrors",
            "5xx answers of the API.",
            api.rest.metric_server_error(period=WINDOW, statistic="Sum"),
            threshold=5,
        )
        self._alarm(
            "CopyErrors",
            "Copy batches that raised; a few are retries.",
            pipeline.copy.metric_errors(period=WINDOW),
            threshold=10,
        )
        self._alarm(
            "CopyThrottled",
            "Copy batches wait for each other: several imports share map_concurrency, or the account has too little.",
            pipeline.copy.metric_throttles(period=WINDOW),
            threshold=100,
        )
        self._alarm(
            "SweepErrors",
            "Orphaned imports are not being looked after.",
            pipeline.sweep.metric_errors(period=WINDOW),
            threshold=3,
        )
        self._alarm(
            "ConclusionsFailed",
            "Imports whose report, event or webhook could not be seen to. Read the log of `conclude`.",
            cloudwatch.Metric(
                namespace="Clipferry",
                metric_name="ConclusionsFailed",
                dimensions_map={"service": "clipferry"},
                period=WINDOW,
                statistic="Sum",
            ),
        )
        self._dashboard(api, pipeline, uploads)

    def _alarm(self, construct_id: str, description: str, metric: cloudwatch.Metric, *, threshold: int = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _dashboard(self, api: Api, pipeline: Pipeline, uploads: UploadTrigger) -> None:
        machine, copy = pipeline.machine, pipeline.copy

        def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)

        cloudwatch.Dashboard(
            self,
            "Dashboard",
            widgets=[
                [
                    graph("Imports", machine.metric_started(), machine.metric_succeeded(), machine.metric_failed()),
                    graph("Copy batches", copy.metric_invocations(), copy.metric_errors(), copy.metric_throttles()),
                    graph(
                        "Copy duration", copy.metric_duration(statistic="p50"), copy.metric_duration(statistic="p99")
                    ),
                ],
                [
                    graph(
                        "API requests",
                        api.rest.metric_count(),
                        api.rest.metric_client_error(),
                        api.rest.metric_server_error(),
                    ),
                    graph(
                        "API latency",
                        api.rest.metric_latency(statistic="p50"),
                        api.rest.metric_latency(statistic="p99"),
                    ),
                    graph(
                        "Uploads",
                        uploads.queue.metric_approximate_number_of_messages_visible(),
                        uploads.queue.metric_approximate_age_of_oldest_message(),
                        uploads.dlq.metric_approximate_number_of_messages_visible(),
                    ),
                ],
            ],
        )
