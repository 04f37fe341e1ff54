"""What follows an import's end."""

from enum import StrEnum

from pydantic import Field

from lambdas.schemas.base import Model
from service.imports.completion.report_links import ReportLink


class ReportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    SUMMARY = "summary"
    FAILURES = "failures"


class ReportView(Model):
    url: str = Field(description="Downloads the file without a key.")
    uri: str = Field(description="`s3://state-bucket/key`.")
    expires_at: str = Field(description="Of `url`.")
    bytes: int

    @classmethod
    def of(cls, link: ReportLink) -> "ReportView":
        return cls.model_validate(link, from_attributes=True)


class WebhookSecretView(Model):
    secret: str = Field(description="`whsec_…`: verifies the project's webhooks (Standard Webhooks).")
