"""Folders."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lambdas.schemas.base import Body, Model, Name
from service.domain.projects import Folder, FolderScope
from service.projects.folders import MAX_NAME, FolderRequest
from service.support.paging import Page


class FolderBody(Body):
    name: Annotated[Name, Field(max_length=MAX_NAME)] = Field(description="Name by which imports use the folder.")
    scope: Annotated[FolderScope, Field(strict=False)] = Field(
        FolderScope.USER, description="Folders with the same name in both scopes are two."
    )
    description: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = None

    def to_request(self, idempotency_key: str | None) -> FolderRequest:
        return FolderRequest(
            name=self.name, scope=self.scope, description=self.description, idempotency_key=idempotency_key
        )


class FolderView(Model):
    id: str
    name: str
    scope: FolderScope
    description: str | None
    created_at: str
    created_by: str | None = Field(description="Id of the key that created it.")

    @classmethod
    def of(cls, folder: Folder) -> "FolderView":
        return cls.model_validate(folder, from_attributes=True)


class CountedFolderView(FolderView):
    clip_count: int = Field(description="Number of clips copied into it and not deleted since.")

    @classmethod
    def with_count(cls, folder: Folder, clip_count: int) -> "CountedFolderView":
        return cls(**FolderView.of(folder).model_dump(), clip_count=clip_count)


class FolderPage(Model):
    folders: list[FolderView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Folder]) -> "FolderPage":
        found = [FolderView.of(folder) for folder in page.items]
        return cls(folders=found, next_cursor=page.next_cursor, has_more=page.has_more)
