"""The REST API: one proxy behind one authorizer, two open pages of documentation, and one shape for every error."""

import json

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from service.support.response_headers import GATEWAY_HEADERS
from service.support.settings import ApiSettings, AuthorizeSettings
from stacks.access import (
    allow,
    assume_integration_roles,
    integration_secrets_prefix,
    look_at_clips,
    read_sources,
    remove_videos,
    start_imports,
    use_integration_secrets,
    use_job_files,
    use_table,
)
from stacks.function import ServiceFunction, log_group
from stacks.machine import ImportMachine
from stacks.nag import acknowledge
from stacks.settings import DeploySettings
from stacks.storage import Storage

STAGE = "prod"
LOGS_POLICY = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
OPEN_PATHS = ("openapi.json", "docs")
"""Documentation, for which nobody needs a key."""
MIN_COMPRESSED_BYTES = 1_024
"""API Gateway compresses larger answers for clients that accept gzip. Below, a packet is sent anyway."""

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
"""Neither headers (keys!) nor bodies."""


def _body(detail: str, code: str) -> str:
    return json.dumps({"detail": detail, "code": code})


_Types = apigateway.ResponseType
# What API Gateway says by itself, before or instead of the function: type → (status, body, headers).
GATEWAY_RESPONSES: dict[str, tuple[apigateway.ResponseType, str | None, str, dict[str, str]]] = {
    # The authorizer denies for one reason only, a missing or unknown key: to the caller that is a 401.
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
            "The body is above the limit (max_body_bytes): name the clips in an object and import it by manifest_uri.",
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


class Api(Construct):
    """`rest` is the API, `function` answers it, `authorize` knows the keys."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deploy: DeploySettings,
        code: lambda_.Code,
        storage: Storage,
        machine: ImportMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self._deploy, self._code, self._storage = deploy, code, storage
        self.authorize = self._authorize_function()
        self.function = self._api_function(machine)
        self.rest = self._rest_api()
        self._routes()
        for name, (kind, status, template, headers) in GATEWAY_RESPONSES.items():
            self.rest.add_gateway_response(
                name,
                type=kind,
                status_code=status,
                templates={"application/json": template},
                response_headers={name: f"'{value}'" for name, value in GATEWAY_HEADERS.items()} | headers,
            )

    def outputs(self) -> None:
        url = f"https://{self.rest.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{STAGE}"
        for name, value in {"BaseUrl": url, "ApiId": self.rest.rest_api_id, "StageName": STAGE}.items():
            CfnOutput(self, name, value=value).override_logical_id(name)

    def _authorize_function(self) -> ServiceFunction:
        secret = self._storage.admin_secret
        function = ServiceFunction(
            self,
            "authorize",
            deploy=self._deploy,
            code=self._code,
            env=AuthorizeSettings(table_name=self._storage.table.table_name, admin_secret_arn=secret.secret_arn),
            memory_mb=256,
            timeout=Duration.seconds(5),
        )
        use_table(function, self._storage.table, "GetItem")
        allow(function, ["secretsmanager:GetSecretValue"], [secret.secret_arn])
        return function

    def _api_function(self, machine: ImportMachine) -> ServiceFunction:
        deploy, storage = self._deploy, self._storage
        function = ServiceFunction(
            self,
            "api",
            deploy=deploy,
            code=self._code,
            env=deploy.env(
                ApiSettings,
                table_name=storage.table.table_name,
                state_bucket=storage.state.bucket_name,
                clips_bucket=storage.clips.bucket_name,
                state_machine_arn=machine.state_machine_arn,
                source_buckets=(*deploy.source_buckets, storage.drop.bucket_name),
                drop_bucket=storage.drop.bucket_name,
                webhook_secret_arn=storage.webhook_secret.secret_arn,
                integration_secrets_prefix=integration_secrets_prefix(self),
                trusted_account=f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:root",
                trusted_roles=f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{Stack.of(self).stack_name}-*",
            ),
            memory_mb=1024,
            timeout=Duration.seconds(29),
        )
        items = ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
        use_table(function, storage.table, *items, indexes=("attention", "clip", "listing", "url"))
        use_job_files(function, storage.state, write=True)
        # Versions: a manifest is read as it was pinned, and may name versions itself.
        read_sources(function, deploy, storage.drop, "GetObject", "GetObjectVersion")
        look_at_clips(function, storage.clips)
        remove_videos(function, storage.clips)
        start_imports(function, machine)
        # It shows a project the secret that is derived from this one.
        allow(function, ["secretsmanager:GetSecretValue"], [storage.webhook_secret.secret_arn])
        use_integration_secrets(function, "CreateSecret", "DeleteSecret", "GetSecretValue")
        assume_integration_roles(function)
        return function

    def _rest_api(self) -> apigateway.RestApi:
        access_logs = log_group(self, "AccessLogs", self._deploy)
        rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name="clipferry",
            description="Clipferry: clip imports",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            min_compression_size=Size.bytes(MIN_COMPRESSED_BYTES),
            # A region that never had an API with logs has no role for them, and a stage with logs then fails to deploy.
            # Kept when the stack goes, because the setting is the region's: other APIs may have come to lean on it.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=self._deploy.api_rate,
                throttling_burst_limit=self._deploy.api_burst,
                access_log_destination=apigateway.LogGroupLogDestination(access_logs),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG_FIELDS)),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
                tracing_enabled=not self._deploy.local,
                # A throttle of their own, so that readers without a key cannot use up the callers' requests.
                method_options={
                    f"/{path}/GET": apigateway.MethodDeploymentOptions(
                        throttling_rate_limit=self._deploy.docs_rate,
                        throttling_burst_limit=self._deploy.docs_burst,
                        logging_level=apigateway.MethodLoggingLevel.ERROR,
                        data_trace_enabled=False,
                        metrics_enabled=True,
                    )
                    for path in OPEN_PATHS
                },
            ),
        )
        rest.node.try_remove_child("Endpoint")  # an output of the same address as BaseUrl
        # API Gateway would make this group itself, and keep it for ever.
        name = f"API-Gateway-Execution-Logs_{rest.rest_api_id}/{STAGE}"
        rest.deployment_stage.node.add_dependency(log_group(self, "ExecutionLogs", self._deploy, name=name))
        acknowledge(
            rest,
            {
                "AwsSolutions-APIG2": "The function checks bodies itself, and says what is wrong.",
                "AwsSolutions-APIG3": "A web ACL costs by the month: the account's choice.",
                "AwsSolutions-COG4": "Scripts and cameras bring API keys, not users.",
                f"AwsSolutions-IAM4[Policy::{LOGS_POLICY}]": "AWS's policy for just this: writing logs.",
            },
        )
        return rest

    def _routes(self) -> None:
        integration = apigateway.LambdaIntegration(self.function, allow_test_invoke=False)
        authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=self.authorize,
            # Always asked: either header may carry the key (an identity source would demand one), and a revoked key
            # stops at once.
            identity_sources=[],
            results_cache_ttl=Duration.seconds(0),
        )
        # Not `add_proxy`, which also puts ANY on the root, and that one without the authorizer.
        self.rest.root.add_resource("{proxy+}").add_method(
            "ANY", integration, authorizer=authorizer, authorization_type=apigateway.AuthorizationType.CUSTOM
        )
        for path in OPEN_PATHS:
            method = self.rest.root.add_resource(path).add_method("GET", integration)
            acknowledge(
                method,
                {"AwsSolutions-APIG4": "Documentation: the API's description and a page that shows it, no data."},
            )
