"""API keys."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lambdas.schemas.base import Body, Model, Name
from service.domain.ids import PROJECT_NAME
from service.domain.projects import ApiKey
from service.support.paging import Page


class KeyBody(Body):
    project: Annotated[str, StringConstraints(pattern=f"^{PROJECT_NAME.pattern}$")]
    name: Name


class KeyView(Model):
    id: str
    project: str
    name: str
    created_at: str

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        return cls.model_validate(key, from_attributes=True)


class CreatedKeyView(KeyView):
    key: str = Field(description="The key itself. It is shown only once: the service keeps its hash.")

    @classmethod
    def with_text(cls, key: ApiKey, text: str) -> "CreatedKeyView":
        return cls(**KeyView.of(key).model_dump(), key=text)


class KeyPage(Model):
    keys: list[KeyView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[ApiKey]) -> "KeyPage":
        keys = [KeyView.of(key) for key in page.items]
        return cls(keys=keys, next_cursor=page.next_cursor, has_more=page.has_more)


class CallerView(Model):
    """The key of a request."""

    id: str = Field(description="`admin` for the admin key.")
    project: str | None = Field(description="Null for the admin key.")
