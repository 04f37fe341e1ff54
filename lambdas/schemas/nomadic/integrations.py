"""Cloud integrations as the SDKs save and list them."""

from typing import Literal

from pydantic import ConfigDict, Field

from lambdas.schemas.base import Model
from lambdas.schemas.integrations import GcsIntegrationBody, HfBucketIntegrationBody, S3IntegrationBody
from service.domain.projects import Integration, IntegrationType

_SDK = ConfigDict(extra="ignore", strict=True)


class S3CloudBody(S3IntegrationBody):
    model_config = _SDK
    type: Literal["s3"] = "s3"


class GcsCloudBody(GcsIntegrationBody):
    model_config = _SDK
    type: Literal["gcs"] = "gcs"


class HfBucketCloudBody(HfBucketIntegrationBody):
    model_config = _SDK
    type: Literal["hf_bucket"] = "hf_bucket"


class CloudIntegrationView(Model):
    """An integration without its credentials."""

    id: str
    name: str
    type: IntegrationType
    bucket: str
    prefix: str | None
    region: str | None
    endpoint_url: str | None
    role_arn: str | None
    created_at: str
    last_used: str | None
    created_by: str | None = Field(description="Id of the key that created it.")
    created_by_display_name: str | None = Field(description="Name of that key; null if it was revoked.")
    is_owner: bool = Field(description="Whether the request uses that key.")

    @classmethod
    def of(cls, integration: Integration, *, key_id: str, display_name: str | None) -> "CloudIntegrationView":
        fields = {name: getattr(integration, name) for name in cls.model_fields if hasattr(integration, name)}
        known = {"created_by_display_name": display_name, "is_owner": integration.created_by == key_id}
        return cls.model_validate(fields | known)


class DeletedIntegrationView(Model):
    status: Literal["deleted"] = "deleted"
    id: str
