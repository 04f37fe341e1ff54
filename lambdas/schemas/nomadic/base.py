"""What all models of this door share."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from lambdas.schemas.base import Model

MAX_URI = 2_048
"""Characters of a key or URI, valid or not: what is refused late has a row, which must hold it."""


class SdkBody(Model):
    """A request body. SDKs grow: fields that are not known here are ignored, and `null` means absent."""

    model_config = ConfigDict(extra="ignore", strict=True)


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("is not valid Unicode") from error
    return text


Key = Annotated[str, Field(min_length=1, max_length=MAX_URI), AfterValidator(_unicode)]
Text = Annotated[str, Field(max_length=1_024), AfterValidator(_unicode)]
