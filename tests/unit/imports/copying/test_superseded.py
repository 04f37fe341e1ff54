"""Several uploads to one key, in imports that differ in speed: an older one never replaces a later one's clip."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.clips import ClipStatus
from service.domain.jobs import Job
from service.domain.manifest import Batch, ManifestEntry
from service.domain.objects import Copied, ListedObject
from service.domain.requests import ImportSettings, OnExisting
from service.imports.copying.batch import copy_batch
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from tests.builders import DROP_BUCKET, PROJECT, World, an_upload, import_list, never
from tests.fakes.faults import CrashError

KEY = "a.zip"
DESTINATION = f"{PROJECT}/-/{DROP_BUCKET}/{KEY}"
OVER = [OnExisting.SKIP, OnExisting.OVERWRITE]


def a_world(on_existing: OnExisting = OnExisting.SKIP, **changes: Any) -> World:
    world = World(**changes)
    world.defaults = ImportSettings(on_existing=on_existing)
    return world


def upload(world: World, number: int, *, etag: str | None = None, versioned: bool = True) -> ListedObject:
    """Put the key's next object into the drop bucket. Its event is not delivered yet."""
    item = world.storage.put(DROP_BUCKET, KEY, version=f"v{number}" if versioned else None)
    item = replace(item, etag=etag or f"{number:032x}")
    world.storage.buckets[DROP_BUCKET][KEY] = item
    if item.version:
        world.storage.versions[DROP_BUCKET, KEY, item.version] = item
    return item


def deliver(world: World, number: int, item: ListedObject) -> Job:
    """Deliver its event, to an import of its own."""
    before = set(world.jobs.rows)
    event = an_upload(KEY, sequencer=f"{number:02d}", etag=item.etag, version=item.version)
    accept_uploads([event], world.upload_ports)
    (job_id,) = set(world.jobs.rows) - before
    world.jobs.begin_planning(job_id, world.clock())  # closes it for later uploads
    return world.job(job_id)


def planned(world: World, job: Job) -> list[Batch]:
    """Return its batch; none if the plan skips the upload."""
    plan(job.id, PlanCursor(), run=0, out_of_time=never, ports=world.plan_ports)
    return list(world.batches(job.id))


def copied(world: World, batches: list[Batch], attempt: int = 0) -> None:
    for batch in batches:
        copy_batch(batch, attempt=attempt, ports=world.copy_ports)


def fate(world: World, job: Job) -> tuple[ClipStatus, str | None]:
    row = world.clips.rows[job.id][0]
    return row.status, row.code


def at_destination(world: World) -> str:
    return world.storage.buckets["clips"][DESTINATION].etag


SUPERSEDED = (ClipStatus.SKIPPED, "SUPERSEDED")
COPIED = (ClipStatus.COPIED, None)


@pytest.mark.parametrize("on_existing", OVER)
def test_an_older_upload_whose_event_comes_later_leaves_the_newer_clip(on_existing: OnExisting) -> None:
    world = a_world(on_existing)
    old, new = upload(world, 1), upload(world, 2)
    first = deliver(world, 2, new)
    copied(world, planned(world, first))
    late = deliver(world, 1, old)
    copied(world, planned(world, late))
    assert (fate(world, first), fate(world, late)) == (COPIED, SUPERSEDED)
    assert at_destination(world) == new.etag
    assert world.storage.copies.total() == 1


@pytest.mark.parametrize("on_existing", OVER)
@pytest.mark.parametrize("large", [False, True])
def test_an_older_upload_whose_import_is_slower_leaves_the_newer_clip(on_existing: OnExisting, large: bool) -> None:
    world = a_world(on_existing, **({"multipart_threshold": 5, "part_bytes": 5} if large else {}))
    old = upload(world, 1)
    slow = deliver(world, 1, old)
    waiting = planned(world, slow)
    new = upload(world, 2)
    fast = deliver(world, 2, new)
    copied(world, planned(world, fast))
    there = at_destination(world)
    copied(world, waiting)
    assert (fate(world, fast), fate(world, slow)) == (COPIED, SUPERSEDED)
    assert at_destination(world) == there
    assert not world.storage.multiparts


def test_a_newer_upload_replaces_the_older_clip() -> None:
    world = a_world()
    jobs = []
    for number in (1, 2):
        jobs.append(deliver(world, number, upload(world, number)))
        copied(world, planned(world, jobs[-1]))
    assert [fate(world, job) for job in jobs] == [COPIED, COPIED]
    assert at_destination(world) == world.storage.buckets[DROP_BUCKET][KEY].etag


def test_a_later_upload_counts_though_its_key_was_deleted() -> None:
    """So that a late retry replaces nothing after the drop bucket was tidied up."""
    world = a_world()
    old, new = upload(world, 1), upload(world, 2)
    copied(world, planned(world, deliver(world, 2, new)))
    del world.storage.buckets[DROP_BUCKET][KEY]
    late = deliver(world, 1, old)
    copied(world, planned(world, late))
    assert fate(world, late) == SUPERSEDED
    assert at_destination(world) == new.etag


def test_without_versions_the_overwritten_upload_is_superseded_too() -> None:
    world = a_world()
    old = upload(world, 1, versioned=False)
    late = deliver(world, 1, old)
    upload(world, 2, versioned=False)
    copied(world, planned(world, late))
    assert fate(world, late) == SUPERSEDED
    assert DESTINATION not in world.storage.buckets["clips"]


def test_sequencers_of_different_length_are_left_to_s3s_versions() -> None:
    """S3's documentation pads the shorter one on the left in one edition, on the right in another."""
    world = a_world()
    old, new = upload(world, 1), upload(world, 2)
    events = [
        an_upload(KEY, sequencer=name, etag=item.etag, version=item.version)
        for name, item in (("0A", old), ("009", new))
    ]
    accept_uploads(events, world.upload_ports)
    (job,) = world.jobs.rows.values()
    copied(world, planned(world, job))
    rows = {row.etag: (row.status, row.code) for row in world.clips.rows[job.id].values()}
    assert rows[new.etag] == COPIED
    assert at_destination(world) == new.etag


@pytest.mark.parametrize("crash", [False, True])
def test_a_later_upload_with_the_bytes_that_were_replaced_is_put_back(
    crash: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The destination's ETag is the planned one again, so the older copy's condition holds."""
    world = a_world()
    first = upload(world, 1, etag="same")
    copied(world, planned(world, deliver(world, 1, first)))
    slow = deliver(world, 2, upload(world, 2))
    waiting = planned(world, slow)

    copy = world.storage.copy

    def after_the_third(entry: ManifestEntry, asked: ImportSettings, *, mark: str | None = None) -> Copied:
        monkeypatch.undo()
        last = deliver(world, 3, upload(world, 3, etag="same"))
        copied(world, planned(world, last))
        if crash:
            world.faults.crash_in(1, take_effect=True)  # right after this copy
        return copy(entry, asked, mark=mark)

    monkeypatch.setattr(world.storage, "copy", after_the_third)
    if crash:
        with pytest.raises(CrashError):
            copied(world, waiting)
        world.faults.revive()
        assert at_destination(world) != "same"
    copied(world, waiting, attempt=int(crash))
    assert at_destination(world) == "same"
    assert fate(world, slow) == SUPERSEDED


def test_a_list_that_pinned_an_older_version_fails_if_the_upload_landed_meanwhile() -> None:
    world = a_world()
    upload(world, 1)
    job = world.submit(import_list([f"s3://{DROP_BUCKET}/{KEY}"]))
    waiting = planned(world, job)
    new = upload(world, 2)
    copied(world, planned(world, deliver(world, 2, new)))
    copied(world, waiting)
    assert fate(world, job) == (ClipStatus.FAILED, "SOURCE_CHANGED")
    assert at_destination(world) == new.etag


@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_in_any_order_of_events_plans_and_copies_the_last_upload_wins(data: st.DataObject) -> None:
    """Up to four uploads, some with the bytes of another. Each step of each import comes when the schedule says."""
    world = a_world(data.draw(st.sampled_from(OVER)))
    count = data.draw(st.integers(2, 4))
    etags = [data.draw(st.sampled_from("abc")) for _ in range(count)]
    uploaded: list[ListedObject] = []
    jobs: dict[int, Job] = {}
    plans: dict[int, list[Batch]] = {}
    done: set[int] = set()
    while len(done) < count:
        steps = [("upload", len(uploaded))] if len(uploaded) < count else []
        steps += [("deliver", n) for n in range(len(uploaded)) if n not in jobs]
        steps += [("plan", n) for n in jobs if n not in plans]
        steps += [("copy", n) for n in plans if n not in done]
        step, n = data.draw(st.sampled_from(steps))
        if step == "upload":
            uploaded.append(upload(world, n, etag=etags[n]))
        elif step == "deliver":
            jobs[n] = deliver(world, n, uploaded[n])
        elif step == "plan":
            plans[n] = planned(world, jobs[n])
        else:
            copied(world, plans[n])
            done.add(n)
        if len(uploaded) - 1 in done:
            assert at_destination(world) == etags[len(uploaded) - 1], (step, n, etags)
    assert at_destination(world) == etags[-1]
