"""Shared by all models."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.domain.limits import MAX_NAME

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
Label = Name


class Model(BaseModel):
    """A model whose validator is built at its first use, because a request uses few of all models."""

    model_config = ConfigDict(defer_build=True)


class Body(Model):
    """A request body. Types are not converted, and unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorView(Model):
    detail: str = Field(description="What is wrong, in a sentence.")
    code: str = Field(description="Stable code for programs.")
