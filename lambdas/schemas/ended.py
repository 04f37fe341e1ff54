"""Reports and webhooks of completed imports."""

from enum import StrEnum

from pydantic import Field

from lambdas.schemas.base import Body, Model
from service.imports.completion.report_links import ReportLink
from service.projects.webhook_secrets import MAX_OVERLAP_SECONDS, SigningSecrets


class ReportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    SUMMARY = "summary"
    FAILURES = "failures"


class ReportView(Model):
    url: str = Field(description="Link that downloads the file without a key.")
    uri: str = Field(description="The file in the state bucket.")
    expires_at: str = Field(description="Time at which `url` expires.")
    bytes: int

    @classmethod
    def of(cls, link: ReportLink) -> "ReportView":
        return cls.model_validate(link, from_attributes=True)


class WebhookSecretView(Model):
    secret: str = Field(description="Verifies the project's webhooks (Standard Webhooks): `whsec_…`.")
    previous_until: str | None = Field(
        description="Until then webhooks are signed with replaced secrets too; null if there is none."
    )

    @classmethod
    def of(cls, signing: SigningSecrets) -> "WebhookSecretView":
        return cls(secret=signing.current, previous_until=signing.older_until)


class RotateBody(Body):
    overlap_seconds: int = Field(
        86_400,
        ge=0,
        le=MAX_OVERLAP_SECONDS,
        description="Seconds for which the replaced secret goes on to sign. 0 ends all older secrets at once.",
    )
