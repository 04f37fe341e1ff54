"""Unfinished multipart uploads in DynamoDB."""

from collections.abc import Sequence

from pynamodb.exceptions import DeleteError, DoesNotExist, PutError

from service.aws.dynamodb.expiry import after_write
from service.aws.dynamodb.keys_of_rows import job_pk, ordinal_sk
from service.aws.dynamodb.table import LargeCopyRow
from service.domain.objects import LargeCopy

_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoLargeCopies:
    def claim(self, copy: LargeCopy) -> LargeCopy:
        while True:
            try:
                _row(copy).save(condition=LargeCopyRow.pk.does_not_exist())
            except PutError as error:
                if error.cause_response_code != _CONDITION_FAILED:
                    raise
            else:
                return copy
            try:
                row = LargeCopyRow.get(job_pk(copy.job_id), _sk(copy.ordinal), consistent_read=True)
            except DoesNotExist:
                continue
            return _copy(row)

    def update(self, copy: LargeCopy) -> bool:
        try:
            _row(copy).save(condition=LargeCopyRow.token == copy.token)
        except PutError as error:
            if error.cause_response_code == _CONDITION_FAILED:
                return False
            raise
        return True

    def remove(self, copy: LargeCopy) -> None:
        same = LargeCopyRow.token == copy.token
        if copy.upload_id:
            same &= LargeCopyRow.upload_id == copy.upload_id
        else:
            same &= LargeCopyRow.upload_id.does_not_exist()
        try:
            LargeCopyRow(job_pk(copy.job_id), _sk(copy.ordinal)).delete(condition=same)
        except DeleteError as error:
            if error.cause_response_code != _CONDITION_FAILED:
                raise

    def of(self, job_id: str, ordinals: Sequence[int]) -> Sequence[LargeCopy]:
        keys = [(job_pk(job_id), _sk(ordinal)) for ordinal in ordinals]
        return [_copy(row) for row in LargeCopyRow.batch_get(keys, consistent_read=True)]

    def unfinished(self, job_id: str) -> Sequence[LargeCopy]:
        rows = LargeCopyRow.query(job_pk(job_id), LargeCopyRow.sk.startswith(LargeCopyRow.PREFIX), consistent_read=True)
        return [_copy(row) for row in rows]


def _sk(ordinal: int) -> str:
    return LargeCopyRow.PREFIX + ordinal_sk(ordinal)


def _row(copy: LargeCopy) -> LargeCopyRow:
    return LargeCopyRow(
        job_pk(copy.job_id),
        _sk(copy.ordinal),
        token=copy.token,
        destination=copy.destination,
        etag=copy.etag,
        part_bytes=copy.part_bytes,
        begun_at=copy.begun_at,
        upload_id=copy.upload_id,
        completes_as=copy.completes_as,
        expires_at=after_write(),
    )


def _copy(row: LargeCopyRow) -> LargeCopy:
    return LargeCopy(
        job_id=row.pk.removeprefix("JOB#"),
        ordinal=int(row.sk.removeprefix(LargeCopyRow.PREFIX)),
        token=row.token,
        destination=row.destination,
        etag=row.etag,
        part_bytes=int(row.part_bytes),
        begun_at=row.begun_at,
        upload_id=row.upload_id,
        completes_as=row.completes_as,
    )
