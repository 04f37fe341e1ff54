"""Shared by the models of `/api`."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from lambdas.schemas.base import Model

MAX_URI = 2_048
"""Maximum characters of a key or URI. An invalid one becomes a failed row, which must hold it."""


class SdkBody(Model):
    """A request body. Unknown fields are ignored, because SDKs grow; `null` means absent."""

    model_config = ConfigDict(extra="ignore", strict=True)


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("is not valid Unicode") from error
    return text


Key = Annotated[str, Field(min_length=1, max_length=MAX_URI), AfterValidator(_unicode)]
Text = Annotated[str, Field(max_length=1_024), AfterValidator(_unicode)]
