"""Clip rows in DynamoDB, spread over `CLIP_SHARDS` partition keys by ordinal."""

from collections.abc import Iterable, Mapping, Sequence

from service.aws.table import CLIP_SHARDS, DELETED_AT_ONCE, ClipRowModel, clip_pk, delete_rows, ordinal_sk, shard_pk
from service.schema import ClipRow, ClipStatus, Verification

_ATTENTION = (ClipStatus.FAILED, ClipStatus.CANCELLED)


class DynamoClips:
    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None:
        with ClipRowModel.batch_write() as batch:
            for row in rows:
                batch.save(_model(job_id, row))

    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        keys = [(clip_pk(job_id, ordinal), ordinal_sk(ordinal)) for ordinal in ordinals]
        rows = (_row(model) for model in ClipRowModel.batch_get(keys, consistent_read=True))
        return {row.ordinal: row for row in rows}

    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        ordinals = sorted(
            int(key.sk)
            for shard in range(CLIP_SHARDS)
            for key in ClipRowModel.attention.query(
                shard_pk(job_id, shard), ClipRowModel.attention_sk >= ordinal_sk(first), limit=limit
            )
        )[:limit]
        rows = self.get(job_id, ordinals)
        return [rows[ordinal] for ordinal in ordinals if ordinal in rows]

    def delete_some(self, job_id: str) -> bool:
        for shard in range(CLIP_SHARDS):
            rows = ClipRowModel.query(
                shard_pk(job_id, shard), consistent_read=True, attributes_to_get=["pk", "sk"], limit=DELETED_AT_ONCE
            )
            if delete_rows(ClipRowModel, rows):
                return True
        return False


def _model(job_id: str, row: ClipRow) -> ClipRowModel:
    pk, sk = clip_pk(job_id, row.ordinal), ordinal_sk(row.ordinal)
    attention = row.status in _ATTENTION
    return ClipRowModel(
        pk,
        sk,
        attention_pk=pk if attention else None,
        attention_sk=sk if attention else None,
        status=row.status,
        size=row.size,
        etag=row.etag,
        verified=row.verified,
        facts=row.facts,
        code=row.code,
        message=row.message,
        source_uri=row.source_uri,
        destination=row.destination,
    )


def _row(model: ClipRowModel) -> ClipRow:
    return ClipRow(
        ordinal=int(model.sk),
        status=ClipStatus(model.status),
        size=int(model.size) if model.size is not None else None,
        etag=model.etag,
        verified=Verification(model.verified) if model.verified else None,
        facts=model.facts,
        code=model.code,
        message=model.message,
        source_uri=model.source_uri,
        destination=model.destination,
    )
