"""Call the REST API's handler with fakes in its container."""

import json
from typing import Any

import lambdas.api
from lambdas.wiring.api import ApiContainer
from service.imports.intake.inbox import InboxPorts
from service.projects.integrations.policies import Trusted
from service.support.settings import ApiSettings
from tests.builders import CLIPS_BUCKET, DEPLOYMENT, SOURCE_BUCKET, STATE_BUCKET, LambdaContext, World, api_event
from tests.fakes.links import FakeClipLinks


class Caller:
    """Sends requests to the handler; `headers` are those of the last answer."""

    max_body_bytes = 5_000_000
    """The default of the deploy setting."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.headers: dict[str, Any] = {}

    def raw(self, method: str, path: str, body: object = None, **event: Any) -> dict[str, Any]:
        """Return the function's answer to API Gateway."""
        context: Any = LambdaContext()
        answer: dict[str, Any] = lambdas.api.handler(
            api_event(method, path, body, **event), context, container_of(self.world, self.max_body_bytes)
        )
        return answer

    def __call__(self, method: str, path: str, body: object = None, **event: Any) -> tuple[int, Any]:
        """Return (status, parsed body). A text body is sent unchanged."""
        answer = self.raw(method, path, body, **event)
        self.headers = {**(answer.get("headers") or {}), **(answer.get("multiValueHeaders") or {})}
        text = answer.get("body")
        return answer["statusCode"], json.loads(text) if text else None


class Api(Caller):
    """Calls `/v1`."""

    max_body_bytes = 100_000

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        return self("GET", path, query=query)

    def refusal(self, *args: Any, **kwargs: Any) -> tuple[int, str, str]:
        """Return (status, code, detail) of an answer that has exactly the error's shape."""
        status, body = self(*args, **kwargs)
        assert set(body) == {"detail", "code"}, body
        return status, body["code"], body["detail"]


def container_of(world: World, max_body_bytes: int) -> ApiContainer:
    """Return the API's container, with a fake of this world for every part."""
    container = ApiContainer()
    container.settings = api_settings(max_body_bytes)
    container.submit = world.submit_ports
    container.preview = world.preview_ports
    container.status = world.status_ports
    container.ended = world.ended_ports
    container.webhook_secrets = world.webhook_secret_ports
    container.remove = world.remove_ports
    container.folders = world.folder_ports
    container.presets = world.execution_settings_ports
    container.integrations = world.integration_ports
    container.audit = world.audit_ports
    container.keys = world.keys
    container.health = world.health_ports
    container.watches = world.watch_ports
    container.links = FakeClipLinks()
    container.upload_origin = "https://drop.example.com"
    container.inbox = InboxPorts(store=world.inbox, clock=world.clock, url_seconds=900, max_bytes=10**12)
    container.trusted = Trusted(
        account=container.settings.trusted_account,
        roles=container.settings.trusted_roles,
        clips_bucket=CLIPS_BUCKET,
    )
    return container


def api_settings(max_body_bytes: int) -> ApiSettings:
    return ApiSettings(
        **vars(DEPLOYMENT),
        table_name="table",
        copy_slots=400,
        state_bucket=STATE_BUCKET,
        clips_bucket=CLIPS_BUCKET,
        state_machine_arn="arn",
        source_buckets=(SOURCE_BUCKET,),
        requester_pays_buckets=(),
        delete_source_buckets=("deletable-clips",),
        drop_bucket="drop",
        default_project="demo",
        max_clips_per_import=1_000,
        max_clip_ids=100,
        max_active_imports=50,
        max_slow_requests=4,
        max_body_bytes=max_body_bytes,
        preview_seconds=8,
        default_on_existing="skip",
        default_content_validation="none",
        audit_retention_days=400,
        webhook_secret_arn="webhook-secret",
        allow_private_urls=False,
        report_url_seconds=3_600,
        clip_url_seconds=300,
        upload_url_seconds=900,
        max_upload_bytes=10**12,
        cors_origins=("https://tools.example.com",),
        integration_secrets_prefix="clipferry/Clipferry/integrations/",
        trusted_roles="arn:aws:iam::111111111111:role/Clipferry-*",
        copy_roles=(),
    )
