"""One CloudWatch dashboard: imports, copies, API, uploads, functions, table.

It has 50 metrics: a dashboard with more costs $3 a month, and three with at most 50 are free.
"""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import SHARED
from stacks.metrics import WINDOW, Metrics

COLUMNS = 3
WIDTH = 24 // COLUMNS
"""A dashboard is 24 units wide."""


TICKING = ("Sweep", "Watch")
"""Functions that run once a minute: alarms tell if they stop, and the limit leaves no room for their throttles."""


RARE = ("DeleteSources",)
"""Functions that few imports need: alarms tell of their errors."""


def dashboard(scope: Construct, of: Metrics) -> cloudwatch.Dashboard:
    copy, extrapolate = of.functions["Copy"], of.functions["Extrapolate"]
    functions = [(name, function) for name, function in of.functions.items() if name not in RARE]
    others = [(name, function) for name, function in functions if name not in (*SHARED, *TICKING)]
    graphs = [
        _graph("Imports", of.machine.metric_started(), of.machine.metric_succeeded(), of.machine.metric_failed()),
        _graph("Batches", *(of.children(f"Executions{what}") for what in ("Started", "Succeeded", "Failed"))),
        _graph("Clips", *(of.own(name) for name in ("ClipsCopied", "ClipsFailed", "ClipsExtrapolated"))),
        _graph("Copy calls at once", of.running("Copy"), of.running("Extrapolate")),
        _graph("Throttled copy calls", copy.metric_throttles(), extrapolate.metric_throttles()),
        _graph("Duration of copy calls", copy.metric_duration(statistic="p50"), copy.metric_duration(statistic="p99")),
        _graph("API requests", of.rest.metric_count(), of.rest.metric_client_error(), of.rest.metric_server_error()),
        _graph("API latency", of.rest.metric_latency(statistic="p50"), of.rest.metric_latency(statistic="p99")),
        _graph("Webhooks", *(of.own(name) for name in ("WebhooksDELIVERED", "WebhooksFAILED", "ConclusionsFailed"))),
        _graph(
            "Uploads",
            of.queue.metric_approximate_number_of_messages_visible(),
            of.dlq.metric_approximate_number_of_messages_visible(),
            of.lost.metric_approximate_number_of_messages_visible(),
        ),
        _graph("Age of the oldest upload (s)", of.queue.metric_approximate_age_of_oldest_message()),
        _graph("Throttled requests of the table", of.table_throttles()),
        _graph(
            "Errors of functions", *(function.metric_errors(label=name, period=WINDOW) for name, function in functions)
        ),
        _graph(
            "Throttles of functions",
            *(function.metric_throttles(label=name, period=WINDOW) for name, function in others),
        ),
    ]
    rows = [graphs[first : first + COLUMNS] for first in range(0, len(graphs), COLUMNS)]
    return cloudwatch.Dashboard(scope, "Dashboard", widgets=[list[cloudwatch.IWidget](row) for row in rows])


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=WIDTH)
