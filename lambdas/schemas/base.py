"""What all models share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.domain.limits import MAX_NAME

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
Label = Name


class Model(BaseModel):
    """What validates and shows it is made when it is first used: a request uses few of all models."""

    model_config = ConfigDict(defer_build=True)


class Body(Model):
    """A request body: JSON types as they are, nothing converted, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorView(Model):
    detail: str = Field(description="A sentence for people.")
    code: str = Field(description="Stable, for programs.")
