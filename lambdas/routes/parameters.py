"""Parameters that several routes take."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

Limit = Annotated[int, Query(description="The most rows of a page, 1 to 1,000.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page.")]
JobId = Annotated[str, Path(description="The import's id.")]
IntegrationId = Annotated[str, Path(description="The integration's id.")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=128)]
