"""API keys in DynamoDB."""

from collections.abc import Sequence

from pynamodb.exceptions import DeleteError, DoesNotExist

from service.aws.dynamodb.listing import listed
from service.aws.dynamodb.table import KeyRow
from service.domain.projects import ApiKey

_LISTING = "KEYS"


class DynamoKeys:
    def put(self, key: ApiKey) -> None:
        KeyRow(
            _pk(key.id),
            "KEY",
            listing_pk=_LISTING,
            listing_sk=f"{key.created_at}#{key.id}",
            project=key.project,
            name=key.name,
            digest=key.digest,
            created_at=key.created_at,
        ).save()

    def get(self, key_id: str) -> ApiKey | None:
        try:
            return _key(KeyRow.get(_pk(key_id), "KEY", consistent_read=True))
        except DoesNotExist:
            return None

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[ApiKey], str | None]:
        """Oldest first."""
        begin = KeyRow.listing_sk > after if after else None
        rows, position = listed(KeyRow, KeyRow.listing, _LISTING, begin, limit=limit)
        return [_key(row) for row in rows], position

    def delete(self, key_id: str) -> bool:
        try:
            KeyRow(_pk(key_id), "KEY").delete(condition=KeyRow.pk.exists())
        except DeleteError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _pk(key_id: str) -> str:
    return f"KEY#{key_id}"


def _key(row: KeyRow) -> ApiKey:
    return ApiKey(
        id=row.pk.removeprefix("KEY#"),
        project=row.project,
        name=row.name,
        digest=row.digest,
        created_at=row.created_at,
    )
