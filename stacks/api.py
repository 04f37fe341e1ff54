"""The REST API: one proxy behind one authorizer, and open pages without data: documentation, the dashboard."""

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from service.support.settings import ApiSettings, AuthorizeSettings
from stacks.access import (
    CORS_SECONDS,
    allow,
    let_callers_upload,
    let_pages_upload,
    look_at_alarms,
    look_at_notifications,
    look_at_queues,
    read_sources,
    start_imports,
    use_job_files,
    use_table,
)
from stacks.clips_access import let_pages_read_clips, look_at_clips, remove_videos
from stacks.events import UploadTrigger
from stacks.function import Parts, ServiceFunction
from stacks.gateway import CORS_HEADERS, CORS_METHODS, DASHBOARD_PATHS, OPEN_PATHS, STAGE, rest_api
from stacks.integration_access import assume_integration_roles, integration_secrets_prefix, use_integration_secrets
from stacks.machine import ImportMachine
from stacks.nag import acknowledge
from stacks.project_rates import limit_projects


class Api(Construct):
    """`rest` is the API, `function` answers requests, `authorize` checks keys."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        parts: Parts,
        machine: ImportMachine,
        uploads: UploadTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        self.authorize = self._authorize_function(parts)
        self.function = self._api_function(parts, machine, uploads)
        self.rest = rest_api(self, parts.deploy)
        self._routes(parts)
        limit_projects(self.rest, parts.deploy)
        let_pages_read_clips(parts.storage.clips, self.origin, parts.deploy.cors_origins)
        let_pages_upload(parts.storage.drop, self.origin)

    @property
    def origin(self) -> str:
        return f"https://{self.rest.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"

    def outputs(self) -> None:
        url = f"{self.origin}/{STAGE}"
        for name, value in {
            "BaseUrl": url,
            "DashboardUrl": f"{url}/app/",
            "ApiId": self.rest.rest_api_id,
            "StageName": STAGE,
        }.items():
            CfnOutput(self, name, value=value).override_logical_id(name)

    def _authorize_function(self, parts: Parts) -> ServiceFunction:
        storage, secret = parts.storage, parts.storage.admin_secret
        function = ServiceFunction(
            self,
            "authorize",
            parts,
            env=AuthorizeSettings(
                table_name=storage.table.table_name,
                admin_secret_arn=secret.secret_arn,
                rate_key_prefix=parts.deploy.stack_name,
            ),
            memory_mb=256,
            timeout=Duration.seconds(5),
        )
        use_table(function, storage.table, "GetItem")
        allow(function, ["secretsmanager:GetSecretValue"], [secret.secret_arn])
        return function

    def _api_function(self, parts: Parts, machine: ImportMachine, uploads: UploadTrigger) -> ServiceFunction:
        deploy, storage = parts.deploy, parts.storage
        function = ServiceFunction(
            self,
            "api",
            parts,
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
                trusted_roles=f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{Stack.of(self).stack_name}-*",
            ),
            memory_mb=1024,
            timeout=Duration.seconds(29),
        )
        items = ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
        use_table(function, storage.table, *items, indexes=("attention", "clip", "listing", "url"), adds_to_audit=True)
        use_job_files(function, storage.state, write=True)
        # `GetObjectVersion`: a manifest is pinned to its version, and may name versions itself.
        read_sources(function, deploy, storage.drop, "GetObject", "GetObjectVersion", versions=True)
        let_callers_upload(function, storage.drop)
        look_at_notifications(function, deploy)
        look_at_clips(function, storage.clips)
        remove_videos(function, storage.clips)
        start_imports(function, machine)
        look_at_queues(function, uploads.queues)
        look_at_alarms(function)
        # It shows each project the webhook secret that is derived from this one.
        allow(function, ["secretsmanager:GetSecretValue"], [storage.webhook_secret.secret_arn])
        use_integration_secrets(function, "CreateSecret", "DeleteSecret", "GetSecretValue")
        assume_integration_roles(function)
        return function

    def _routes(self, parts: Parts) -> None:
        integration = apigateway.LambdaIntegration(self.function, allow_test_invoke=False)
        authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=self.authorize,
            # No identity source, because either of two headers may carry the key. No cache, so that a revoked key stops
            # at once.
            identity_sources=[],
            results_cache_ttl=Duration.seconds(0),
        )
        # Not `add_proxy`, which also adds ANY to the root, without the authorizer.
        proxy = self.rest.root.add_resource("{proxy+}")
        _add_guarded(proxy, integration, authorizer)
        if parts.deploy.cors_origins:
            preflight = proxy.add_cors_preflight(
                allow_origins=list(parts.deploy.cors_origins),
                allow_headers=CORS_HEADERS,
                allow_methods=CORS_METHODS,
                max_age=Duration.seconds(CORS_SECONDS),
            )
            acknowledge(preflight, {"AwsSolutions-APIG4": "Browsers send no key with a preflight request."})
        for path in (*OPEN_PATHS, *DASHBOARD_PATHS):
            page = self.rest.root.resource_for_path(path)
            method = page.add_method("GET", integration)
            acknowledge(method, {"AwsSolutions-APIG4": "Documentation or the dashboard's files, without data."})
            # API Gateway would answer other methods with 404, since the page's resource hides the proxy.
            _add_guarded(page, integration, authorizer)


def _add_guarded(
    resource: apigateway.Resource, integration: apigateway.LambdaIntegration, authorizer: apigateway.RequestAuthorizer
) -> None:
    """Let all methods that the resource does not name reach the function, with a key."""
    resource.add_method(
        "ANY",
        integration,
        authorizer=authorizer,
        authorization_type=apigateway.AuthorizationType.CUSTOM,
        api_key_required=True,  # the one that the authorizer names
    )
