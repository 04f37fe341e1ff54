"""Clip rows in DynamoDB, spread over `CLIP_SHARDS` partition keys by ordinal."""

import heapq
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.expiry import after_write
from service.aws.dynamodb.keys_of_rows import (
    CLIP_SHARDS,
    SEARCH_SHARDS,
    clip_pk,
    job_of,
    job_pk,
    ordinal_sk,
    search_pk,
    shard_pk,
)
from service.aws.dynamodb.table import ClipRowModel, Item, JobRow
from service.aws.dynamodb.transactions import DELETED_AT_ONCE, commit_if, delete_rows, read_at_once
from service.domain.clips import (
    ClipKeys,
    ClipRow,
    ClipStatus,
    Content,
    Extrapolation,
    ExtrapolationStatus,
    Overruled,
    SourceFate,
    Verification,
)
from service.domain.errors import TableBusy
from service.ports.clips import ClipIndex

SHARD_PAGE = 500
"""Rows that each shard's query reads at once when a whole job is read in order."""

ROWS_A_REQUEST = 25
"""The limit of BatchWriteItem (DynamoDB)."""
ROWS_A_TRANSACTION = 100
"""The limit of TransactWriteItems (DynamoDB)."""
PUT_ATTEMPTS = 10
LONGEST_PUT_WAIT = 5.0
"""Seconds before a throttled write is tried again; the first wait is at most 0.2 s, each further one twice as long."""

_ATTENTION = (ClipStatus.FAILED, ClipStatus.CANCELLED)


class DynamoClips:
    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None:
        items = (Item(ClipRowModel, _values(job_id, row)) for row in rows)
        while some := list(islice(items, ROWS_A_REQUEST)):
            _put(some)

    def settle(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write and read in transactions, so that nobody sees half of a set's rows."""
        is_open = ClipRowModel.pk.does_not_exist()
        if run:
            is_open |= (ClipRowModel.status == ClipStatus.PENDING) & (ClipRowModel.run == run)

        def build(transaction: TransactWrite) -> None:
            for row in rows:
                transaction.save(ClipRowModel(**_values(job_id, row)), condition=is_open)

        if not commit_if(build):
            return rows
        keys = [(clip_pk(job_id, row.ordinal), ordinal_sk(row.ordinal)) for row in rows]
        return [_row(model) for model in read_at_once(ClipRowModel, keys)]

    def settle_each(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """BatchWriteItem takes no conditions, so rows are written in transactions; settled ones drop out of the next
        try."""
        is_open = ClipRowModel.pk.does_not_exist()
        if run:
            is_open |= (ClipRowModel.status == ClipStatus.PENDING) & (ClipRowModel.run == run)
        held: list[ClipRow] = []
        for first in range(0, len(rows), ROWS_A_TRANSACTION):
            left, settled = list(rows[first : first + ROWS_A_TRANSACTION]), list[ClipRow]()
            while left and (failed := commit_if(partial(_save_each, job_id, left, is_open))):
                settled += [left[position] for position in failed]
                left = [row for position, row in enumerate(left) if position not in failed]
            held += left
            if settled:
                held += self.get(job_id, [row.ordinal for row in settled]).values()
        return held

    def reopen(self, job_id: str, rows: Sequence[ClipRow], *, run: int) -> bool:
        planning = JobRow.completed_at.does_not_exist() & (JobRow.run == run) & (JobRow.planned_run < run)

        def build(transaction: TransactWrite, some: Sequence[ClipRow]) -> None:
            transaction.condition_check(JobRow, job_pk(job_id), "JOB", condition=JobRow.pk.exists() & planning)
            for row in some:
                transaction.save(ClipRowModel(**_values(job_id, row)))

        size = ROWS_A_TRANSACTION - 1
        slices = (rows[first : first + size] for first in range(0, len(rows), size))
        return not any(commit_if(partial(build, some=some)) for some in slices)

    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        keys = [(clip_pk(job_id, ordinal), ordinal_sk(ordinal)) for ordinal in ordinals]
        rows = (_row(model) for model in ClipRowModel.batch_get(keys, consistent_read=True))
        return {row.ordinal: row for row in rows}

    def in_order(self, job_id: str, *, first: int) -> Iterator[ClipRow]:
        """Merge one query for each shard; 16 pages are in memory at a time."""
        return heapq.merge(
            *(self._shard(job_id, shard, first) for shard in range(CLIP_SHARDS)), key=lambda row: row.ordinal
        )

    @staticmethod
    def _shard(job_id: str, shard: int, first: int) -> Iterator[ClipRow]:
        models = ClipRowModel.query(
            shard_pk(job_id, shard),
            ClipRowModel.sk >= ordinal_sk(first),
            consistent_read=True,
            page_size=SHARD_PAGE,
        )
        return map(_row, models)

    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        found: list[ClipRow] = []
        while len(found) < limit:
            wanted = limit - len(found)
            ordinals = self._in_the_index(job_id, first, wanted)
            rows = self.get(job_id, ordinals)
            # The index lags: it may still hold clips that a retry opened again or that were deleted.
            found += [rows[ordinal] for ordinal in ordinals if ordinal in rows and _unsuccessful(rows[ordinal])]
            if len(ordinals) < wanted:
                break
            first = ordinals[-1] + 1
        return found

    def _in_the_index(self, job_id: str, first: int, limit: int) -> list[int]:
        return sorted(
            int(key.sk)
            for shard in range(CLIP_SHARDS)
            for key in ClipRowModel.attention.query(
                shard_pk(job_id, shard), ClipRowModel.attention_sk >= ordinal_sk(first), limit=limit
            )
        )[:limit]

    def find(
        self, index: ClipIndex, key: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[tuple[str, ClipRow]], str | None]:
        model, position = {
            "clip": (ClipRowModel.clip, ClipRowModel.clip_sk),
            "url": (ClipRowModel.url, ClipRowModel.url_sk),
        }[index]
        before = position < after if after else None
        found = sorted(
            (
                (getattr(one, f"{index}_sk"), (one.pk, one.sk))
                for shard in range(SEARCH_SHARDS)
                for one in model.query(f"{key}#{shard}", before, scan_index_forward=False, limit=limit + 1)
            ),
            reverse=True,
        )
        shown = [found_key for _, found_key in found[:limit]]
        rows = {(one.pk, one.sk): _row(one) for one in ClipRowModel.batch_get(shown, consistent_read=True)}
        known = [(job_of(pk), rows[pk, sk]) for pk, sk in shown if (pk, sk) in rows]
        return known, found[limit - 1][0] if len(found) > limit else None

    def remove(self, job_id: str, ordinals: Sequence[int], *, landed: int, now: str, run: int | None = None) -> bool:
        there = JobRow.created_at.exists() & JobRow.deleted_at.does_not_exist()
        if run is not None:
            there &= JobRow.run == run
        if run:
            there &= JobRow.completed_at.exists()
        settled = (ClipRowModel.status != ClipStatus.PENDING) & ClipRowModel.deleted_at.does_not_exist()

        def build(transaction: TransactWrite) -> None:
            for ordinal in ordinals:
                transaction.update(
                    ClipRowModel(clip_pk(job_id, ordinal), ordinal_sk(ordinal)),
                    actions=[ClipRowModel.deleted_at.set(now), *(key.remove() for key in _INDEX_KEYS)],
                    condition=ClipRowModel.pk.exists() & settled,
                )
            transaction.update(
                JobRow(job_pk(job_id), "JOB"),
                actions=[JobRow.removed.add(1), JobRow.removed_landed.add(landed)],
                condition=there,
            )

        return not commit_if(build)

    def extrapolated(self, job_id: str, ordinal: int, extrapolation: Extrapolation) -> bool:
        there = ClipRowModel.status.is_in(ClipStatus.COPIED, ClipStatus.SKIPPED)
        return _added(job_id, ordinal, ClipRowModel.extrapolation.set(asdict(extrapolation)), there)

    def source_settled(self, job_id: str, ordinal: int, fate: SourceFate) -> bool:
        open_for = ClipRowModel.status == ClipStatus.COPIED
        if not fate.deleted:
            open_for &= ClipRowModel.source.does_not_exist()
        return _added(job_id, ordinal, ClipRowModel.source.set(asdict(fate)), open_for)

    def explained(self, job_id: str, row: ClipRow, message: str) -> bool:
        same = (ClipRowModel.status == row.status) & (ClipRowModel.message == row.message)
        same &= ClipRowModel.deleted_at.does_not_exist()
        return _added(job_id, row.ordinal, ClipRowModel.message.set(message), same)

    def delete_some(self, job_id: str) -> bool:
        for shard in range(CLIP_SHARDS):
            rows = ClipRowModel.query(
                shard_pk(job_id, shard), consistent_read=True, attributes_to_get=["pk", "sk"], limit=DELETED_AT_ONCE
            )
            if delete_rows(ClipRowModel, rows):
                return True
        return False


def _save_each(job_id: str, rows: Sequence[ClipRow], is_open: Condition, transaction: TransactWrite) -> None:
    for row in rows:
        transaction.save(ClipRowModel(**_values(job_id, row)), condition=is_open)


def _added(job_id: str, ordinal: int, action: Action, condition: Condition) -> bool:
    """Change a row that satisfies the condition; else return False."""
    try:
        ClipRowModel(clip_pk(job_id, ordinal), ordinal_sk(ordinal)).update([action], condition=condition)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            return False
        raise
    return True


_INDEX_KEYS = (
    *(ClipRowModel.attention_pk, ClipRowModel.attention_sk),
    *(ClipRowModel.clip_pk, ClipRowModel.clip_sk),
    *(ClipRowModel.url_pk, ClipRowModel.url_sk),
)


def _put(items: Sequence[Item]) -> None:
    """Write the rows, and retry those that a busy partition leaves out: pynamodb gives up after two tries without a
    wait, and clips without a row are copied again."""
    for attempt in range(1, PUT_ATTEMPTS + 1):
        batch: Any = ClipRowModel.batch_write()  # it would take instances of the model only
        try:
            with batch:
                for item in items:
                    batch.save(item)
        except (PutError, TableBusy) as error:
            left = {operation["PutRequest"]["Item"]["sk"]["S"] for operation in batch.failed_operations}
            if attempt == PUT_ATTEMPTS or not (left or isinstance(error, TableBusy)):
                raise
            if left:
                items = [item for item in items if item.values["sk"] in left]
            time.sleep(random.uniform(0, min(LONGEST_PUT_WAIT, 0.1 * 2**attempt)))
        else:
            return


def _unsuccessful(row: ClipRow) -> bool:
    return row.status in _ATTENTION and row.deleted_at is None


def _values(job_id: str, row: ClipRow) -> dict[str, Any]:
    pk, sk = clip_pk(job_id, row.ordinal), ordinal_sk(row.ordinal)
    attention = _unsuccessful(row)
    return {
        "pk": pk,
        "sk": sk,
        "attention_pk": pk if attention else None,
        "attention_sk": sk if attention else None,
        "clip_pk": search_pk(row.keys.clip, row.keys.position) if row.keys else None,
        "clip_sk": row.keys.position if row.keys else None,
        "url_pk": search_pk(row.keys.url, row.keys.position) if row.keys else None,
        "url_sk": row.keys.position if row.keys else None,
        "status": row.status,
        "size": row.size,
        "etag": row.etag,
        "verified": row.verified,
        "facts": row.facts,
        "code": row.code,
        "message": row.message,
        "source_uri": row.source_uri,
        "destination": row.destination,
        "clip_id": row.clip_id,
        "group": row.group,
        "view": row.view,
        "set_name": row.set_name,
        "run": row.run,
        "deleted_at": row.deleted_at,
        "extrapolation": asdict(row.extrapolation) if row.extrapolation else None,
        "content": row.content,
        "content_code": row.content_code,
        "content_message": row.content_message,
        "overruled": asdict(row.overruled) if row.overruled else None,
        "source": asdict(row.source) if row.source else None,
        "expires_at": after_write(),
    }


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
        clip_id=model.clip_id,
        keys=_keys(model) if model.clip_pk else None,
        group=int(model.group) if model.group is not None else None,
        view=model.view,
        set_name=model.set_name,
        run=int(model.run) if model.run is not None else None,
        deleted_at=model.deleted_at,
        extrapolation=_extrapolation(model.extrapolation) if model.extrapolation else None,
        content=Content(model.content) if model.content else None,
        content_code=model.content_code,
        content_message=model.content_message,
        overruled=Overruled(**model.overruled) if model.overruled else None,
        source=SourceFate(**model.source) if model.source else None,
    )


def _extrapolation(stored: Mapping[str, Any]) -> Extrapolation:
    return Extrapolation(**{**stored, "status": ExtrapolationStatus(stored["status"])})


def _keys(model: ClipRowModel) -> ClipKeys:
    clip, url = (pk.rpartition("#")[0] for pk in (model.clip_pk, model.url_pk))
    return ClipKeys(clip=clip, url=url, position=model.clip_sk)
