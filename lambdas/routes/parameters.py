"""Parameters that several routes take.

The patterns of ids and cursors are for readers of the OpenAPI document. The service looks for whatever id it gets and
answers 404, and for a bad cursor 400.
"""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from lambdas.schemas.patterns import CLIP_ID
from service.support.paging import MAX_PAGE


def _id(prefix: str, description: str, digits: int = 24) -> Any:
    return Path(description=description, json_schema_extra={"pattern": f"^{prefix}_[0-9a-f]{{{digits}}}$"})


Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Maximum number of items. A page may have fewer.")]
Cursor = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the previous page. Empty or absent: the first page.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]*$"},
    ),
]
JobId = Annotated[str, _id("ij", "Id of the import.")]
IntegrationId = Annotated[str, _id("in", "Id of the integration.")]
SettingsId = Annotated[str, _id("es", "Id of the preset.")]
WatchId = Annotated[str, _id("wa", "Id of the watch.")]
FolderId = Annotated[str, _id("fd", "Id of the folder.")]
KeyId = Annotated[str, _id("key", "Id of the key.", 12)]
ClipId = Annotated[str, Path(description="Id of the clip.", json_schema_extra=CLIP_ID)]
VideoId = Annotated[str, Path(description="Id of the video.", json_schema_extra=CLIP_ID)]
VideoCursor = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the previous page, its last `video_id`. Empty or absent: the first page.",
        json_schema_extra={"pattern": f"^$|{CLIP_ID['pattern']}"},
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        description="The same key with the same request has the same result, and is carried out once.",
    ),
]
