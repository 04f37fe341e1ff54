"""The outbox of completions in DynamoDB: one row for each end of a job.

It is in the `attention` index while it is open, and while its uploads wait for their removal.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from service.aws.dynamodb.keys_of_rows import DUE_UPLOADS, OPEN_ENDS, end_sk, job_pk
from service.aws.dynamodb.table import EndRow, JobRow
from service.domain.ends import Delivery, DeliveryStatus, End

READ_AT_ONCE = 25
"""Ends that are read at once: the document of one may take 160 KB."""
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoEnds:
    def get(self, job_id: str, ended_at: str) -> End | None:
        try:
            return _end(EndRow.get(job_pk(job_id), end_sk(ended_at), consistent_read=True))
        except DoesNotExist:
            return None

    def open(self, *, after: str = "") -> Iterator[End]:
        entries = EndRow.attention.query(OPEN_ENDS, EndRow.attention_sk > after if after else None)
        return (end for end in _read(entries) if not end.closed)

    def due(self, now: str) -> Iterator[End]:
        entries = EndRow.attention.query(DUE_UPLOADS, EndRow.attention_sk < now)
        return (end for end in _read(entries) if end.closed and end.uploads_due)

    def save(self, end: End, *, now: str) -> bool:
        actions: list[Action] = [EndRow.closed.set(end.closed)]
        if end.report is not None:
            actions.append(EndRow.report.set(dict(end.report)))
        if end.event_sent_at is not None:
            actions.append(EndRow.event_sent_at.set(end.event_sent_at))
        if end.uploads_due is not None:
            actions.append(EndRow.uploads_due.set(end.uploads_due))
        if end.sources_done:
            actions.append(EndRow.sources_done.set(True))
        if end.closed and end.uploads_due:
            due = f"{end.uploads_due}#{end.job_id}"
            actions += [EndRow.attention_pk.set(DUE_UPLOADS), EndRow.attention_sk.set(due)]
        elif end.closed:
            actions += [EndRow.attention_pk.remove(), EndRow.attention_sk.remove()]
        return self._update(end, end.webhook, actions, now) is not None

    def restart(self, end: End, *, failures: int, webhook: Delivery | None, now: str) -> End | None:
        actions: list[Action] = [
            EndRow.executions.set(end.executions + 1),
            EndRow.failures.set(failures),
            EndRow.closed.set(False),
            EndRow.attention_pk.set(OPEN_ENDS),
            EndRow.attention_sk.set(f"{end.ended_at}#{end.job_id}"),
        ]
        return self._update(end, webhook, actions, now)

    def _update(self, end: End, webhook: Delivery | None, actions: list[Action], now: str) -> End | None:
        """Update the end and return it. Writes the job's copy of the webhook first, so that no crash loses it."""
        if webhook:
            _tell_job(end, webhook)
            actions.append(EndRow.webhook.set(asdict(webhook)))
        actions.append(EndRow.touched_at.set(now))
        row = EndRow(job_pk(end.job_id), end_sk(end.ended_at))
        unchanged: Condition = EndRow.pk.exists() & (EndRow.executions == end.executions)
        try:
            row.update(actions=actions, condition=unchanged)
        except UpdateError as error:
            if error.cause_response_code == _CONDITION_FAILED:
                return None
            raise
        return _end(row)


def _tell_job(end: End, webhook: Delivery) -> None:
    last = JobRow.pk.exists() & (JobRow.completed_at == end.ended_at)
    try:
        JobRow(job_pk(end.job_id), "JOB").update(actions=[JobRow.webhook.set(asdict(webhook))], condition=last)
    except UpdateError as error:
        if error.cause_response_code != _CONDITION_FAILED:
            raise


def delivery_of(stored: dict[str, object] | None) -> Delivery | None:
    """Read a delivery from a row's JSON."""
    return Delivery(**stored | {"status": DeliveryStatus(stored["status"])}) if stored else None  # type: ignore[arg-type]


def _read(entries: Iterator[EndRow]) -> Iterator[End]:
    """Read the ends that entries of the index name, when they are needed."""
    while keys := [(key.pk, key.sk) for key in islice(entries, READ_AT_ONCE)]:
        rows = {(row.pk, row.sk): row for row in EndRow.batch_get(keys, consistent_read=True)}
        yield from (_end(rows[key]) for key in keys if key in rows)


def _end(row: EndRow) -> End:
    return End(
        job_id=row.pk.removeprefix("JOB#"),
        ended_at=row.sk.removeprefix("END#"),
        run=int(row.run),
        resumes=int(row.resumes),
        document=row.document,
        touched_at=row.touched_at,
        report=row.report,
        event_sent_at=row.event_sent_at,
        webhook=delivery_of(row.webhook),
        closed=bool(row.closed),
        uploads_due=row.uploads_due,
        sources_done=bool(row.sources_done),
        executions=int(row.executions),
        failures=int(row.failures),
    )
