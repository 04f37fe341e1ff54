"""What API Gateway does by itself: access logs, errors in the service's shape, the stage."""

import json

from aws_cdk import RemovalPolicy, Size
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from service.support.response_headers import GATEWAY_HEADERS
from stacks.function import log_group
from stacks.nag import acknowledge
from stacks.settings import DeploySettings

STAGE = "prod"
OPEN_PATHS = ("openapi.json", "docs")
"""Documentation, which needs no key."""
DASHBOARD_PATHS = ("app", "app/{proxy+}")
"""The dashboard's files, which need no key either: they hold no data."""
CORS_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key"]
CORS_METHODS = ["DELETE", "GET", "POST", "PUT"]
MIN_COMPRESSED_BYTES = 1_024
"""API Gateway compresses larger answers for clients that accept gzip. A smaller one fills one packet anyway."""
LOGS_POLICY = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"

ACCESS_LOG_FIELDS = {
    "time": "$context.requestTimeEpoch",
    "request_id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "caller": "$context.authorizer.principalId",
    "error": "$context.error.responseType",
}
"""Neither headers, which have keys, nor bodies."""


def _body(detail: str, code: str) -> str:
    return json.dumps({"detail": detail, "code": code})


_Types = apigateway.ResponseType
# What API Gateway answers itself, before or instead of the function: type → (status, body, headers).
GATEWAY_RESPONSES: dict[str, tuple[apigateway.ResponseType, str | None, str, dict[str, str]]] = {
    # The authorizer denies only for a missing or unknown key, which is a 401 to the caller.
    "AccessDenied": (
        _Types.ACCESS_DENIED,
        "401",
        _body("A valid API key is needed, in X-API-Key or Authorization.", "UNAUTHORIZED"),
        {},
    ),
    "Unauthorized": (
        _Types.UNAUTHORIZED,
        "401",
        _body("A valid API key is needed, in X-API-Key or Authorization.", "UNAUTHORIZED"),
        {},
    ),
    # The authorizer fails only where it cannot read keys, which passes.
    "AuthorizerFailure": (
        _Types.AUTHORIZER_FAILURE,
        "503",
        _body("The key could not be checked: try again in some seconds.", "KEY_NOT_CHECKED"),
        {"Retry-After": "'5'"},
    ),
    # The authorizer names a key that the deployment lacks: only while a deployment is under way.
    "RateKeyUnknown": (
        _Types.INVALID_API_KEY,
        "503",
        _body("The service is being deployed: try again in some seconds.", "KEY_NOT_CHECKED"),
        {"Retry-After": "'5'"},
    ),
    # The rate of the project or of all callers is exceeded: API Gateway does not say which.
    "Throttled": (
        _Types.THROTTLED,
        "429",
        _body("Too many requests: try again in a second.", "THROTTLED"),
        {"Retry-After": "'1'"},
    ),
    "QuotaExceeded": (
        _Types.QUOTA_EXCEEDED,
        "429",
        _body("Too many requests: try again later.", "THROTTLED"),
        {"Retry-After": "'1'"},
    ),
    "TooLarge": (
        _Types.REQUEST_TOO_LARGE,
        "413",
        _body(
            "The body is above API Gateway's 10 MB: name the clips in an object and import that by manifest_uri.",
            "BODY_TOO_LARGE",
        ),
        {},
    ),
    # API Gateway's words for "no such route".
    "NoRoute": (_Types.MISSING_AUTHENTICATION_TOKEN, "404", _body("There is nothing at this path.", "NOT_FOUND"), {}),
    # messageString brings its own quotation marks.
    "Default4xx": (_Types.DEFAULT_4_XX, None, '{"detail": $context.error.messageString, "code": "BAD_REQUEST"}', {}),
    "Default5xx": (_Types.DEFAULT_5_XX, None, _body("The service could not answer: try again.", "INTERNAL"), {}),
}


def rest_api(scope: Construct, deploy: DeploySettings) -> apigateway.RestApi:
    """The API without its methods, with a stage that is logged, throttled and traced."""
    access_logs = log_group(scope, "AccessLogs", deploy)
    rest = apigateway.RestApi(
        scope,
        "Rest",
        rest_api_name=deploy.stack_name,
        description="Clipferry: clip imports",
        endpoint_types=[apigateway.EndpointType.REGIONAL],
        api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
        min_compression_size=Size.bytes(MIN_COMPRESSED_BYTES),
        # A stage with logs fails to deploy in a region that has no role for them. The role is the region's, so it
        # stays when the stack goes: other APIs may use it by then.
        cloud_watch_role=deploy.api_logging_role,
        cloud_watch_role_removal_policy=RemovalPolicy.RETAIN if deploy.api_logging_role else None,
        deploy_options=apigateway.StageOptions(
            stage_name=STAGE,
            throttling_rate_limit=deploy.api_rate,
            throttling_burst_limit=deploy.api_burst,
            access_log_destination=apigateway.LogGroupLogDestination(access_logs),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG_FIELDS)),
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            metrics_enabled=True,
            tracing_enabled=not deploy.local,
            # A throttle of their own: readers without a key cannot use up the callers' requests.
            method_options={
                **{f"/{path}/GET": _throttled(deploy.docs_rate, deploy.docs_burst) for path in OPEN_PATHS},
                **{
                    f"/{path}/GET": _throttled(deploy.dashboard_rate, deploy.dashboard_burst)
                    for path in DASHBOARD_PATHS
                },
            },
        ),
    )
    rest.node.try_remove_child("Endpoint")  # an output of the same address as BaseUrl
    # Otherwise API Gateway makes this group itself, and keeps it for ever.
    name = f"API-Gateway-Execution-Logs_{rest.rest_api_id}/{STAGE}"
    rest.deployment_stage.node.add_dependency(log_group(scope, "ExecutionLogs", deploy, name=name))
    acknowledge(
        rest,
        {
            "AwsSolutions-APIG2": "The function validates bodies, and says what is wrong.",
            "AwsSolutions-APIG3": "A web ACL costs by the month; the account decides.",
            "AwsSolutions-COG4": "Scripts and cameras call with API keys; there are no users to sign in.",
            f"AwsSolutions-IAM4[Policy::{LOGS_POLICY}]": "AWS's own policy for writing logs, and nothing else.",
        },
    )
    # A page of another origin can only read an error with this header; these bodies say nothing of a project.
    cors = {"Access-Control-Allow-Origin": "'*'"} if deploy.cors_origins else {}
    for name, (kind, status, template, headers) in GATEWAY_RESPONSES.items():
        rest.add_gateway_response(
            name,
            type=kind,
            status_code=status,
            templates={"application/json": template},
            response_headers={header: f"'{value}'" for header, value in GATEWAY_HEADERS.items()} | headers | cors,
        )
    return rest


def _throttled(rate: int, burst: int) -> apigateway.MethodDeploymentOptions:
    return apigateway.MethodDeploymentOptions(
        throttling_rate_limit=rate,
        throttling_burst_limit=burst,
        logging_level=apigateway.MethodLoggingLevel.ERROR,
        data_trace_enabled=False,
        metrics_enabled=True,
    )
