"""The metrics that alarms and the dashboard share."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from stacks.copybatches import MAP_LABEL
from stacks.function import METRICS_NAMESPACE
from stacks.settings import DeploySettings

WINDOW = Duration.minutes(5)

TABLE_OPERATIONS = (
    dynamodb.Operation.BATCH_GET_ITEM,
    dynamodb.Operation.BATCH_WRITE_ITEM,
    dynamodb.Operation.GET_ITEM,
    dynamodb.Operation.PUT_ITEM,
    dynamodb.Operation.QUERY,
    dynamodb.Operation.TRANSACT_WRITE_ITEMS,
    dynamodb.Operation.UPDATE_ITEM,
)
"""DynamoDB counts throttled requests by table and operation only."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The parts of a deployment that are measured. `functions` are by the names that alarms begin with."""

    deploy: DeploySettings
    functions: Mapping[str, lambda_.IFunction]
    machine: sfn.StateMachine
    rest: apigateway.RestApi
    table: dynamodb.Table
    queue: sqs.Queue
    arrivals: sqs.Queue | None
    """None without source buckets."""
    dlq: sqs.Queue
    lost: sqs.Queue

    def own(self, name: str) -> cloudwatch.Metric:
        """A metric of the service's own, as the functions' logs carry it."""
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"service": self.deploy.stack_name},
            period=WINDOW,
            statistic="Sum",
        )

    def children(self, name: str) -> cloudwatch.Metric:
        """A metric of the map's children. Step Functions counts them under the machine's ARN with the map's label."""
        return cloudwatch.Metric(
            namespace="AWS/States",
            metric_name=name,
            dimensions_map={"StateMachineArn": f"{self.machine.state_machine_arn}/{MAP_LABEL}"},
            period=WINDOW,
            statistic="Sum",
        )

    def running(self, function: str) -> cloudwatch.Metric:
        """How many calls of a function ran at once."""
        return self.functions[function].metric("ConcurrentExecutions", period=WINDOW, statistic="Maximum")

    def throttled_below_its_limit(self, function: str, limit: int) -> cloudwatch.MathExpression:
        """Throttles while fewer than `limit` calls run: then not the function's own limit but the account's is met."""
        return cloudwatch.MathExpression(
            # No call runs where all are throttled: then there is no data on those that run.
            expression=f"IF(FILL(running, 0) < {limit}, throttles, 0)",
            using_metrics={
                "running": self.running(function),
                "throttles": self.functions[function].metric_throttles(period=WINDOW),
            },
            period=WINDOW,
            label=f"{function} throttled below its limit",
        )

    def table_throttles(self) -> cloudwatch.IMetric:
        """Requests that DynamoDB refused, all operations together. The service sends most of them again."""
        return self.table.metric_throttled_requests_for_operations(operations=list(TABLE_OPERATIONS), period=WINDOW)
