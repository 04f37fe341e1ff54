"""Folders as the SDKs see them."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from lambdas.schemas.base import Model
from lambdas.schemas.nomadic.base import SdkBody, Text
from service.domain.limits import MAX_FOLDER
from service.domain.projects import Folder, FolderScope
from service.projects.folders import FolderRequest


def _scope(value: object) -> object:
    """`null` is the SDKs' default."""
    if value is None:
        return FolderScope.USER
    if isinstance(value, str) and value.lower() in list(FolderScope):
        return FolderScope(value.lower())
    raise ValueError(f"must be one of {', '.join(FolderScope)}")


_ANY_CASE = "|".join("".join(f"[{letter.upper()}{letter}]" for letter in scope) for scope in FolderScope)
_Accepted = Annotated[str, Field(pattern=f"^({_ANY_CASE})$")] | None
Scope = Annotated[FolderScope, BeforeValidator(_scope, json_schema_input_type=_Accepted)]


class VideoFolderBody(SdkBody):
    name: Text = Field(json_schema_extra={"maxLength": MAX_FOLDER, "pattern": r"\S"})
    scope: Scope = Field(
        FolderScope.USER, description="`user` or `org`. Folders with the same name in both scopes are two."
    )
    description: Text | None = None

    def to_request(self, idempotency_key: str | None) -> FolderRequest:
        return FolderRequest(
            name=self.name.strip(),
            scope=self.scope,
            description=self.description or None,
            idempotency_key=idempotency_key,
        )


class VideoFolderView(Model):
    id: str
    name: str
    org_id: str = Field(description="The project.")
    scope: FolderScope
    description: str | None
    created_at: str
    created_by: str | None = Field(description="Id of the key that created it.")
    video_count: int = Field(description="Number of videos copied into it and not deleted since.")

    @classmethod
    def of(cls, folder: Folder, *, video_count: int) -> "VideoFolderView":
        fields = {name: getattr(folder, name) for name in cls.model_fields if hasattr(folder, name)}
        return cls.model_validate(fields | {"org_id": folder.project, "video_count": video_count})
