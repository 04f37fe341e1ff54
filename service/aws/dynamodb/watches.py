"""Watches in DynamoDB. Each change and its audit entry are one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.job_rows import filters_of_stored, settings_of_stored
from service.aws.dynamodb.keys_of_rows import WATCHES
from service.aws.dynamodb.listing import create_counted, listed
from service.aws.dynamodb.table import CountRow, WatchRow
from service.aws.dynamodb.transactions import commit_if
from service.domain.ends import DeliveryStatus
from service.domain.errors import TooManyWatches
from service.domain.jobs import WatchCause
from service.domain.projects import AuditEntry
from service.domain.schedules import Schedule
from service.domain.watches import Failure, Notice, NoticeKind, NoticeWebhook, Watch

READ_AT_ONCE = 20
"""Watches that are read at once: one with many filters takes 160 KB, and an answer at most 16 MB."""


class DynamoWatches:
    def create(self, watch: Watch, *, limit: int, entry: AuditEntry) -> bool:
        return create_counted(
            _row(watch),
            is_new=WatchRow.pk.does_not_exist(),
            count=_count_row(watch.project),
            limit=limit,
            entry=entry,
            too_many=TooManyWatches(f"this project has {limit:,} watches, which is the limit: delete some"),
        )

    def get(self, project: str, watch_id: str) -> Watch | None:
        try:
            return _watch(WatchRow.get(_pk(project), watch_id, consistent_read=True))
        except DoesNotExist:
            return None

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Watch], str | None]:
        begin = WatchRow.listing_sk > after if after else None
        rows, position = listed(WatchRow, WatchRow.listing, _pk(project), begin, limit=limit)
        return [_watch(row) for row in rows], position

    def save(self, watch: Watch, *, entry: AuditEntry | None = None) -> Watch | None:
        changed = replace(watch, revision=watch.revision + 1)

        def build(transaction: TransactWrite) -> None:
            transaction.save(_row(changed), condition=WatchRow.revision == watch.revision)
            if entry:
                transaction.save(audit_row(entry))

        return None if commit_if(build) else changed

    def delete(self, project: str, watch_id: str, *, entry: AuditEntry) -> bool:
        def build(transaction: TransactWrite) -> None:
            transaction.delete(WatchRow(_pk(project), watch_id), condition=WatchRow.pk.exists())
            transaction.save(audit_row(entry))
            transaction.update(_count_row(project), actions=[CountRow.saved.add(-1)])

        return not commit_if(build)

    def due(self, now: str) -> Iterator[Watch]:
        keys = WatchRow.attention.query(WATCHES, WatchRow.attention_sk <= f"{now}~")
        while some := [(key.pk, key.sk) for key in islice(keys, READ_AT_ONCE)]:
            rows = _read(some)
            found = [_watch(rows[key]) for key in some if key in rows]
            yield from (watch for watch in found if watch.look_at is not None and watch.look_at <= now)

    def of_bucket(self, bucket: str) -> Sequence[Watch]:
        keys = [(key.pk, key.sk) for key in WatchRow.url.query(_events_pk(bucket))]
        return [watch for row in _read(keys).values() if (watch := _watch(row)).takes_events]


def _read(keys: list[tuple[str, str]]) -> dict[tuple[str, str], WatchRow]:
    """The indexes hold keys only and lag by a moment: a row that was deleted since is left out."""
    return {(row.pk, row.sk): row for row in WatchRow.batch_get(keys, consistent_read=True)}


def _pk(project: str) -> str:
    return f"WATCH#{project}"


def _count_row(project: str) -> CountRow:
    return CountRow(f"WATCH#{project}#", "COUNT")


def _events_pk(bucket: str) -> str:
    return f"EVENTS#{bucket}"


def _row(watch: Watch) -> WatchRow:
    place = f"{watch.project}#{watch.id}"
    return WatchRow(
        _pk(watch.project),
        watch.id,
        listing_pk=_pk(watch.project),
        listing_sk=f"{watch.created_at}#{watch.id}",
        attention_pk=WATCHES if watch.look_at else None,
        attention_sk=f"{watch.look_at}#{place}" if watch.look_at else None,
        url_pk=_events_pk(watch.location.bucket) if watch.takes_events else None,
        url_sk=place if watch.takes_events else None,
        project=watch.project,
        name=watch.name,
        root_path=watch.root_path,
        integration_id=watch.integration_id,
        filters=asdict(watch.filters) if watch.filters else None,
        settings=asdict(watch.settings),
        execution_settings_id=watch.execution_settings_id,
        folder=watch.folder,
        labels=list(watch.labels),
        schedule=asdict(watch.schedule) if watch.schedule else None,
        events=watch.events,
        paused=watch.paused,
        created_at=watch.created_at,
        updated_at=watch.updated_at,
        created_by=watch.created_by,
        request_digest=watch.request_digest,
        revision=watch.revision,
        next_run_at=watch.next_run_at,
        next_cause=watch.next_cause,
        look_at=watch.look_at,
        last_run=watch.last_run,
        failure=asdict(watch.failure) if watch.failure else None,
        notice=asdict(watch.notice) if watch.notice else None,
        webhooks=[asdict(one) for one in watch.webhooks],
    )


def _watch(row: WatchRow) -> Watch:
    return Watch(
        id=row.sk,
        project=row.project,
        name=row.name,
        root_path=row.root_path,
        integration_id=row.integration_id,
        filters=filters_of_stored(row.filters),
        settings=settings_of_stored(row.settings),
        execution_settings_id=row.execution_settings_id,
        folder=row.folder,
        labels=tuple(row.labels),
        schedule=Schedule(**row.schedule) if row.schedule else None,
        events=bool(row.events),
        paused=bool(row.paused),
        created_at=row.created_at,
        updated_at=row.updated_at,
        created_by=row.created_by,
        request_digest=row.request_digest,
        revision=int(row.revision),
        next_run_at=row.next_run_at,
        next_cause=WatchCause(row.next_cause),
        look_at=row.look_at,
        last_run=row.last_run,
        failure=Failure(**row.failure) if row.failure else None,
        notice=_notice(row.notice) if row.notice else None,
        webhooks=tuple(map(_webhook, row.webhooks)),
    )


def _webhook(stored: dict[str, Any]) -> NoticeWebhook:
    """Rows of before have neither a status nor webhooks that wait no more."""
    status = DeliveryStatus(stored.get("status", DeliveryStatus.PENDING))
    return NoticeWebhook(**stored | {"notice": _notice(stored["notice"]), "status": status})


def _notice(stored: dict[str, Any]) -> Notice:
    return Notice(**stored | {"kind": NoticeKind(stored["kind"])})
