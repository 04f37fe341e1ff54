"""Watches: they come back as written, one change at a time, and are found by time and by bucket."""

from dataclasses import replace

import pytest

from service.domain.ends import DeliveryStatus
from service.domain.errors import TooManyWatches
from service.domain.jobs import WatchCause
from service.domain.requests import Filters
from service.domain.schedules import Schedule
from service.domain.watches import Failure, Notice, NoticeKind, NoticeWebhook
from service.ports.projects import AuditLog
from service.ports.watches import WatchStore
from tests.samples import SETTINGS, a_watch, an_entry

NOTICE = Notice(kind=NoticeKind.FAILING, at="t", code="CANNOT_ACCESS", message="why", since="t")
FULL = a_watch(
    integration_id="in_1",
    filters=Filters(include=("*.zip", "日本"), max_size=5),
    settings=SETTINGS,
    execution_settings_id="es_1",
    folder="night runs/ü",
    labels=("a", "日本"),
    schedule=Schedule(cron="0 2 * * *", time_zone="Europe/Berlin"),
    events=True,
    paused=True,
    created_by="key_1",
    next_run_at="2026-11-23T01:00:00.000Z",
    next_cause=WatchCause.CATCH_UP,
    look_at="2026-11-22T18:00:00.000Z",
    last_run="ij_1",
    failure=Failure(code="CANNOT_ACCESS", message="why 日本", since="t", attempts=3, told=False, again_at="t"),
    notice=NOTICE,
    webhooks=(
        NoticeWebhook(
            notice=NOTICE,
            again_at=None,
            status=DeliveryStatus.FAILED,
            attempts=2,
            last_status_code=503,
            last_error="no",
            last_attempt_at="t",
        ),
        NoticeWebhook(notice=NOTICE, again_at="u"),
    ),
)


def test_a_watch_comes_back_as_written_until_it_is_deleted(watches: WatchStore, audit: AuditLog) -> None:
    assert watches.create(FULL, limit=9, entry=an_entry(1, subject=FULL.id))
    assert watches.get("demo", FULL.id) == FULL
    assert watches.get("other", FULL.id) is None
    assert not watches.create(FULL, limit=9, entry=an_entry(2, subject=FULL.id))
    assert watches.delete("demo", FULL.id, entry=an_entry(3, subject=FULL.id))
    assert not watches.delete("demo", FULL.id, entry=an_entry(4, subject=FULL.id))
    assert watches.get("demo", FULL.id) is None
    assert len(audit.page("demo", subject=FULL.id, limit=9, after=None)[0]) == 2


def test_of_two_changes_of_one_revision_one_holds(watches: WatchStore, audit: AuditLog) -> None:
    made = a_watch()
    watches.create(made, limit=9, entry=an_entry(1))
    changed = watches.save(replace(made, name="one", look_at=None))
    assert changed == replace(made, name="one", revision=1)
    assert watches.save(replace(made, name="other"), entry=an_entry(2, subject=made.id)) is None
    assert watches.get("demo", made.id) == changed
    assert watches.save(replace(changed, name="other"), entry=an_entry(3, subject=made.id))
    assert len(audit.page("demo", subject=made.id, limit=9, after=None)[0]) == 1
    watches.delete("demo", made.id, entry=an_entry(4))
    assert watches.save(replace(changed, revision=2)) is None


def test_watches_are_paged_oldest_first_and_limited_by_project(watches: WatchStore) -> None:
    made = [a_watch(n) for n in (1, 2, 3)]
    for one in (made[2], made[0], made[1]):
        watches.create(one, limit=3, entry=an_entry())
    with pytest.raises(TooManyWatches, match="limit"):
        watches.create(a_watch(4), limit=3, entry=an_entry())
    assert watches.create(a_watch(4, project="other"), limit=3, entry=an_entry())
    page, after = watches.page("demo", limit=2, after=None)
    assert page == made[:2]
    assert watches.page("demo", limit=2, after=after) == (made[2:], None)


def test_watches_that_are_due_come_the_longest_waiting_first(watches: WatchStore) -> None:
    times = {1: "2026-11-22T17:00:03.000Z", 2: "2026-11-22T17:00:01.000Z", 3: "2026-11-22T17:00:09.000Z", 4: None}
    for n, look_at in times.items():
        watches.create(a_watch(n, look_at=look_at, project=f"p{n}"), limit=9, entry=an_entry())
    due = [one.project for one in watches.due("2026-11-22T17:00:03.000Z")]
    assert due == ["p2", "p1"]
    served = watches.get("p2", a_watch(2).id)
    assert served
    watches.save(replace(served, look_at="2026-11-22T17:05:00.000Z"))
    assert [one.project for one in watches.due("2026-11-22T17:00:03.000Z")] == ["p1"]


def test_a_buckets_events_are_taken_by_the_watches_that_ask_for_them(watches: WatchStore) -> None:
    taking = a_watch(1, events=True)
    others = [
        a_watch(2),
        a_watch(3, events=True, root_path="s3://other/p/"),
        a_watch(4, events=True, paused=True),
    ]
    for one in (taking, *others, a_watch(5, events=True, project="other")):
        watches.create(one, limit=9, entry=an_entry())
    assert {one.project for one in watches.of_bucket("source")} == {"demo", "other"}
    assert taking in watches.of_bucket("source")
    watches.save(replace(taking, events=False))
    assert [one.project for one in watches.of_bucket("source")] == ["other"]
    assert watches.of_bucket("nobody") == []
