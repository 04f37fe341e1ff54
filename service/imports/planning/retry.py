"""Plan a retry: write a manifest and batches of the run's own, in rounds.

`replan` looks at each clip again. Nothing but files is written until the run's plan is whole; then `reopen` makes the
clips pending. The first manifest stays as it is, since pages of clips read it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from service.domain.batching import PART_CLIPS, whole_sets
from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import SelectionIncomplete
from service.domain.jobs import Job, Retry, SourceKind
from service.imports.inputs.retry_selection import can_run_again, decode_ordinals, is_wanted
from service.imports.inputs.view_sets import parts_of_sets, requested_sets
from service.imports.manifest.store import Plan, stored_plan
from service.imports.planning.archived import request_restores
from service.imports.planning.clip_ids_again import found_again, search_again
from service.imports.planning.context import PlanCursor, Planned, PlanPorts, writer_at
from service.imports.planning.due import planned_batches
from service.imports.planning.reopen import reopen
from service.imports.planning.replan import Replanner

INDEX_LAG_SECONDS = 5
"""How long the index of failures, which is eventually consistent, may take to show the last failures."""


def plan_again(job: Job, cursor: PlanCursor, *, out_of_time: Callable[[], bool], ports: PlanPorts) -> Planned:
    """Plan one round. Raises `SelectionIncomplete` if another attempt, some seconds later, will find more clips."""
    plan = stored_plan(ports.state, job.id, job.run)
    if plan is None:
        chosen = _chosen(job, ports)
        if not cursor.searched:
            cursor = search_again(job, chosen, cursor, out_of_time=out_of_time, ports=ports)
            if not cursor.searched:
                return Planned(cursor=cursor)
        planned = _write_parts(job, chosen, cursor, out_of_time, ports)
        if isinstance(planned, PlanCursor):
            return Planned(cursor=planned)
        plan = planned
    if job.planned_run == job.run:
        ports.jobs.end_planning(job.id, run=job.run, total=job.counts.total, now=ports.clock())
    else:
        opened = reopen(job, plan, first_part=cursor.opened, out_of_time=out_of_time, ports=ports)
        if opened * PART_CLIPS < plan.total:
            return Planned(cursor=replace(cursor, opened=opened))
    return planned_batches(job, plan.batches, ports)


def _write_parts(
    job: Job, chosen: list[int] | None, cursor: PlanCursor, out_of_time: Callable[[], bool], ports: PlanPorts
) -> Plan | PlanCursor:
    """Write manifest and batches; return the plan that counts, or where the next round continues."""
    writer = writer_at(cursor, job, ports, manifest_run=job.run)
    replanner = Replanner(job, ports, found_again(job, cursor, ports))
    more = True
    while more:
        rows, more = _next_part(job, chosen, cursor, ports)
        if not rows:
            break
        writer.write_part(request_restores(replanner.plan(rows), job, ports))
        former = [row.status for row in rows]
        cursor = replace(
            cursor,
            ordinal=writer.ordinal,
            batches=writer.batches,
            next_clip=rows[-1].ordinal + 1,
            failed=cursor.failed + former.count(ClipStatus.FAILED),
            cancelled=cursor.cancelled + former.count(ClipStatus.CANCELLED),
        )
        if more and out_of_time():
            writer.end_round()
            return replace(cursor, round_number=writer.round_number, rounds=writer.rounds)
    expected = len(chosen) if chosen is not None else job.counts.failed + job.counts.cancelled
    if writer.ordinal < expected and _index_may_lag(job, ports):
        raise SelectionIncomplete(f"found {writer.ordinal:,} of {expected:,} clips to retry so far")
    return writer.end(failed=cursor.failed, cancelled=cursor.cancelled)


def _index_may_lag(job: Job, ports: PlanPorts) -> bool:
    assert job.retry is not None
    age = datetime.fromisoformat(ports.clock()) - datetime.fromisoformat(job.retry.at)
    return age.total_seconds() < INDEX_LAG_SECONDS


def _chosen(job: Job, ports: PlanPorts) -> list[int] | None:
    """Return the ordinals that the caller named; None: see `Retry.selection`."""
    assert job.retry is not None
    if job.retry.selection is None:
        return None
    chosen = decode_ordinals(ports.state.get(job.retry.selection))
    if job.source.kind is SourceKind.SETS:
        views = (view for part in parts_of_sets(requested_sets(job, ports.state)) for view in part)
        return sorted(whole_sets(views, set(chosen)))
    return chosen


def _next_part(
    job: Job, chosen: Sequence[int] | None, cursor: PlanCursor, ports: PlanPorts
) -> tuple[Sequence[ClipRow], bool]:
    """Return the rows of the next part's clips in order, and whether more follow. Sets stay whole (`set_parts`)."""
    parts = -(-cursor.ordinal // PART_CLIPS)
    room = (parts + 1) * PART_CLIPS - cursor.ordinal
    rows = _next_rows(job, chosen, cursor.next_clip, room + 1, ports)
    if len(rows) <= room:
        return rows, False
    last = room
    while rows[last].group is not None and rows[last].group == rows[last - 1].group:
        last -= 1
    return rows[:last], True


def _next_rows(job: Job, chosen: Sequence[int] | None, first: int, limit: int, ports: PlanPorts) -> Sequence[ClipRow]:
    if chosen is None:
        assert job.retry is not None
        if job.retry.content_validation is not None or job.retry.codes:
            return _wanted(job, job.retry, first, limit, ports)
        return ports.clips.failures(job.id, first=first, limit=limit)
    left = [ordinal for ordinal in chosen if ordinal >= first]
    found: list[ClipRow] = []
    for start in range(0, len(left), PART_CLIPS):
        rows = ports.clips.get(job.id, left[start : start + PART_CLIPS])
        found += (row for _, row in sorted(rows.items()) if can_run_again(row))
        if len(found) >= limit:
            break
    return found[:limit]


def _wanted(job: Job, asked: Retry, first: int, limit: int, ports: PlanPorts) -> Sequence[ClipRow]:
    """Rows that the retry asks for, and the other views of their sets."""
    found: list[ClipRow] = []
    pending: list[ClipRow] = []
    more = True
    while more and len(found) < limit:
        rows = ports.clips.failures(job.id, first=first, limit=PART_CLIPS)
        more = len(rows) == PART_CLIPS
        if more:
            first = rows[-1].ordinal + 1
        pending += rows
        # A set's rows follow each other; the last set of a page may go on in the next one.
        units = [list(unit) for _, unit in groupby(pending, key=_unit)]
        pending = units.pop() if more and units else []
        found += [row for unit in units if any(is_wanted(row, asked) for row in unit) for row in unit]
    return found[:limit]


def _unit(row: ClipRow) -> tuple[bool, int]:
    """Equal for the views of a set."""
    return (False, row.ordinal) if row.group is None else (True, row.group)
