"""The alarms. Each description says what happened and what to do; docs/runbook.md has a section for each."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.metrics import WINDOW, Metrics

CALLERS_WAIT = ("Api", "Authorize")
"""Functions whose throttles callers see at once. The others wait for a turn, or come again with the next event."""

SHARED = {"Copy": "copy_reserved_concurrency", "Extrapolate": "extrapolate_reserved_concurrency"}
"""Functions that imports share. They are throttled by design where several imports run."""

RETRIED_ERRORS = 10
"""Errors of the shared functions in five minutes: a few batches that meet a busy store are normal, and run again."""

OTHER_ERRORS = 3
WAITING_SECONDS = 900
"""An upload is imported within a minute or so of its window's end."""


class Alarms:
    """Adds alarms to `scope` that notify `topic`."""

    def __init__(self, scope: Construct, topic: sns.Topic, metrics: Metrics) -> None:
        self._scope, self._topic, self._metrics = scope, topic, metrics

    def add_all(self) -> None:
        self._uploads()
        self._imports()
        self._functions()
        self._account()

    def _uploads(self) -> None:
        of = self._metrics
        self._alarm(
            "UploadDlq",
            "Uploads, or objects of watched buckets, failed five times. Read the messages and the log of on_upload, "
            "fix the cause, redrive the queue.",
            of.dlq.metric_approximate_number_of_messages_visible(period=WINDOW, statistic="Maximum"),
        )
        self._alarm(
            "UploadsLost",
            "EventBridge could not deliver upload events to the queue. Check the queue's policy, then import the "
            "uploads that the messages name through the API.",
            of.lost.metric_approximate_number_of_messages_visible(period=WINDOW, statistic="Maximum"),
        )
        self._alarm(
            "UploadsWaiting",
            "Uploads wait for more than 15 minutes. Read the log of on_upload, and see whether it is throttled.",
            of.queue.metric_approximate_age_of_oldest_message(period=WINDOW, statistic="Maximum"),
            threshold=WAITING_SECONDS,
        )

        if of.arrivals is not None:
            self._alarm(
                "ArrivalsWaiting",
                "Objects of watched buckets wait for more than 15 minutes. Read the log of on_upload, and see whether "
                "it is throttled.",
                of.arrivals.metric_approximate_age_of_oldest_message(period=WINDOW, statistic="Maximum"),
                threshold=WAITING_SECONDS,
            )

    def _imports(self) -> None:
        of = self._metrics
        self._alarm(
            "ImportsFailed",
            "Executions of the state machine failed. The sweep ends their imports; the execution's history has the "
            "error, which is likely a bug.",
            of.machine.metric_failed(period=WINDOW),
        )
        self._alarm(
            "ImportsTimedOut",
            "Imports ran into import_timeout_hours. Retry them; raise the setting if imports need that long.",
            of.machine.metric_timed_out(period=WINDOW),
        )
        self._alarm(
            "BatchesFailed",
            "Batches failed after their retries. Read the children's errors in the map run, fix the cause, retry the "
            "imports.",
            of.children("ExecutionsFailed"),
        )
        self._alarm(
            "ConclusionsFailed",
            "Reports, events or webhooks of ended imports were given up. Read the log of conclude by job id, fix the "
            "cause, replay the webhook.",
            of.own("ConclusionsFailed"),
        )
        self._alarm(
            "ApiServerErrors",
            "The API answered 5xx. Read the log of api by the request ids of the access log.",
            of.rest.metric_server_error(period=WINDOW, statistic="Sum"),
            threshold=5,
        )

    def _functions(self) -> None:
        of = self._metrics
        for name, function in of.functions.items():
            shared = name in SHARED
            self._alarm(
                f"{name}Errors",
                f"Calls of the function {name} raised errors. Read its log from the time of the alarm on.",
                function.metric_errors(period=WINDOW),
                threshold=RETRIED_ERRORS if shared else OTHER_ERRORS,
            )
            if shared:
                setting = SHARED[name]
                limit = getattr(of.deploy, setting) or of.deploy.map_concurrency
                self._alarm(
                    f"{name}Throttled",
                    f"{name} is throttled although fewer than {limit} calls run: other functions use up the account's "
                    f"concurrency. Raise the account's limit, set {setting}, or lower map_concurrency.",
                    of.throttled_below_its_limit(name, limit),
                    threshold=100,
                    periods=3,
                )
            else:
                self._alarm(
                    f"{name}Throttled",
                    f"The function {name} is throttled: the account's concurrency is used up, or what kept_concurrency "
                    "keeps for it. Raise the limit that is reached, or lower copy_slots.",
                    function.metric_throttles(period=WINDOW),
                    threshold=1 if name in CALLERS_WAIT else 10,
                )

    def _account(self) -> None:
        of = self._metrics
        self._alarm(
            "SweepStopped",
            "The sweep has not run for 15 minutes, so lost imports are not ended. Check that its rule is enabled and "
            "that it is not throttled. (Also shown in the first minutes of a deployment.)",
            of.functions["Sweep"].metric_invocations(period=WINDOW),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            periods=3,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "WatchStopped",
            "Watches have not been looked after for 15 minutes, so their runs do not start. Check that the rule is "
            "enabled and that the function watch is not throttled. (Also shown in the first minutes of a deployment.)",
            of.functions["Watch"].metric_invocations(period=WINDOW),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            periods=3,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "TableThrottled",
            "DynamoDB refuses requests for 15 minutes. Check the table's on-demand limits and the account's quotas.",
            of.table_throttles(),
            threshold=1_000,
            periods=3,
        )

    def _alarm(
        self,
        construct_id: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: int = 1,
        periods: int = 1,
        operator: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        if self._metrics.deploy.local and isinstance(metric, cloudwatch.MathExpression):
            return  # the emulator refuses alarms on expressions
        alarm = cloudwatch.Alarm(
            self._scope,
            construct_id,
            alarm_description=f"{description} See docs/runbook.md, {construct_id}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
