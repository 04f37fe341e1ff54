"""Planning: a source becomes a manifest, in as many rounds as it takes."""

from dataclasses import replace

import pytest

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipStatus
from service.domain.errors import AccessDenied, ObjectError, ObjectRejected, SourceUnavailable, TableBusy
from service.domain.jobs import Job, JobStatus
from service.domain.manifest import ManifestEntry
from service.domain.requests import ImportSettings, OnExisting
from service.domain.state_keys import batches_key
from service.imports.inputs.upload_lists import decode_uploads, encode_uploads
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.planning.context import PlanCursor, Planned
from service.imports.planning.plan import plan
from tests.builders import World, always, an_upload, import_list, import_prefix, never, state_of


def fates(entries: list[ManifestEntry]) -> list[tuple[ClipStatus, str | None]]:
    return [(entry.status, entry.code) for entry in entries]


def error(kind: type[ObjectError], key: str = "k") -> ObjectError:
    return kind("because", operation="inspect", uri=f"s3://source/{key}")


# --- prefixes --------------------------------------------------------------------------------------------------------


def test_a_prefix_becomes_one_line_an_object_pinned_to_its_etag(world: World) -> None:
    keys = world.put_sources(3, size=7)
    world.storage.put("source", "other/x.zip")
    job = world.submit_prefix("p/", folder="f")
    planned = world.plan(job.id)
    assert planned == Planned(batches=1, batches_key=batches_key(job.id))
    assert world.manifest(job.id) == [
        ManifestEntry(
            ordinal=ordinal,
            source_uri=f"s3://source/{key}",
            destination=f"demo/f/source/{key}",
            size=7,
            etag=world.storage.buckets["source"][key].etag,
        )
        for ordinal, key in enumerate(keys)
    ]
    job = world.job(job.id)
    assert (job.status, job.planned, job.counts.total, job.counts.pending) == (JobStatus.COPYING, True, 3, 3)


def test_folder_markers_are_no_clips(world: World) -> None:
    for key, size in [("p/", 0), ("p/a/", 0), ("p/a/clip.zip", 1), ("p/b/", 1), ("p/empty.zip", 0)]:
        world.storage.put("source", key, size)
    job = world.submit_prefix()
    world.plan(job.id)
    assert [e.source_uri for e in world.manifest(job.id)] == [
        "s3://source/p/a/clip.zip",
        "s3://source/p/b/",
        "s3://source/p/empty.zip",
    ]


def test_an_empty_prefix_has_no_batches(world: World) -> None:
    job = world.submit_prefix("nothing/")
    assert world.plan(job.id).batches == 0
    assert world.job(job.id).planned
    assert world.job(job.id).counts.total == 0


@pytest.mark.parametrize("count", [999, 1_000, 1_001, 2_000, 3_500])
def test_many_rounds_write_what_one_round_writes(world: World, count: int) -> None:
    world.put_sources(count)
    world.storage.put("source", "p/000500/", 0)
    one, many = world.submit_prefix(), world.submit_prefix()
    at_once = world.plan(one.id)
    in_rounds = world.plan(many.id, out_of_time=always)
    assert state_of(world, many) == state_of(world, one)
    assert in_rounds.batches == at_once.batches == -(-count // 100)
    assert world.job(many.id).counts == world.job(one.id).counts
    assert world.job(many.id).counts.total == count


def test_a_round_that_runs_out_of_time_says_where_the_next_one_goes_on(world: World) -> None:
    keys = world.put_sources(1_500)
    job = world.submit_prefix()
    first = plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert first.cursor
    assert first.cursor == PlanCursor(
        round_number=1, ordinal=1_000, batches=10, start_after=keys[999], rounds=first.cursor.rounds
    )
    assert not world.job(job.id).planned
    assert plan(job.id, first.cursor, out_of_time=never, ports=world.plan_ports).cursor is None
    assert world.storage.listed_after[-1] == keys[999]
    assert [entry.ordinal for entry in world.manifest(job.id)] == list(range(1_500))


def test_a_replayed_round_changes_nothing(world: World) -> None:
    world.put_sources(2_500)
    job = world.submit_prefix()
    cursors: list[PlanCursor] = [PlanCursor()]
    while True:
        planned = [plan(job.id, cursors[-1], out_of_time=always, ports=world.plan_ports) for _ in range(2)]
        one, twin = (replace(some, cursor=some.cursor and replace(some.cursor, rounds=())) for some in planned)
        assert one == twin
        if planned[0].cursor is None:
            break
        cursors.append(planned[0].cursor)
    before = dict(world.state.files)
    for cursor in cursors:
        plan(job.id, cursor, out_of_time=always, ports=world.plan_ports)
    assert world.state.files == before
    assert [batch.number for batch in world.batches(job.id)] == list(range(25))


def test_batches_point_to_their_own_lines(world: World) -> None:
    world.put_sources(1_250)
    job = world.submit_prefix()
    world.plan(job.id)
    ordinals: list[int] = []
    for batch in world.batches(job.id):
        lines = world.state.get_range(batch.part_key, start=batch.start, length=batch.length, etag=batch.part_etag)
        assert lines.count(b"\n") == batch.count
        assert batch.first == len(ordinals)
        ordinals += range(batch.first, batch.first + batch.count)
    assert ordinals == list(range(1_250))


def test_a_source_beyond_the_limit_ends_the_job() -> None:
    world = World(max_clips=PART_CLIPS)
    world.put_sources(PART_CLIPS)
    within = world.submit_prefix(validate=False)
    world.plan(within.id)
    assert world.job(within.id).counts.total == PART_CLIPS
    world.storage.put("source", "p/z.zip")
    beyond = world.submit_prefix(validate=False)
    assert world.plan(beyond.id) == Planned(failed=True)
    assert (world.job(beyond.id).status, world.job(beyond.id).code) == (JobStatus.FAILED, "LIMIT_EXCEEDED")


def test_a_prefix_that_may_not_be_listed_ends_the_job_with_the_reason(world: World) -> None:
    job = world.submit_prefix()
    world.storage.fail_list["source"] = [error(AccessDenied)]
    assert world.plan(job.id) == Planned(failed=True)
    ended = world.job(job.id)
    assert (ended.status, ended.code, ended.planned) == (JobStatus.FAILED, "CANNOT_ACCESS", False)
    assert ended.message
    assert "because" in ended.message


def test_a_bucket_outside_the_deploy_settings_ends_the_job(world: World) -> None:
    job = world.submit(import_prefix("s3://private/p/", validate=False))
    assert world.plan(job.id) == Planned(failed=True)
    assert (world.job(job.id).status, world.job(job.id).code) == (JobStatus.FAILED, "CANNOT_ACCESS")
    assert not world.faults.calls["storage.list_page"]


def test_a_passing_fault_of_a_listing_is_raised_and_the_round_can_be_repeated(world: World) -> None:
    world.put_sources(5)
    job = world.submit_prefix()
    world.storage.fail_list["source"] = [error(SourceUnavailable)]
    with pytest.raises(SourceUnavailable):
        world.plan(job.id)
    assert world.job(job.id).status is JobStatus.PLANNING
    world.storage.fail_list.clear()
    assert world.run(job.id).counts.copied == 5


def test_a_job_that_ended_is_not_planned(world: World) -> None:
    world.put_sources(1)
    job = world.submit_prefix()
    world.run(job.id)
    assert world.plan(job.id) == Planned()
    assert world.job(job.id).status is JobStatus.COMPLETED
    assert world.plan("ij_unknown") == Planned()


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_pinned_by_inspecting_each_uri_once(world: World) -> None:
    world.storage.put("source", "a b+%20.zip", 7, version="v1")
    world.storage.put("source", "empty.zip", 0)
    job = world.planned_list(["a b+%20.zip", "empty.zip"])
    first, second = world.manifest(job.id)
    assert (first.size, first.etag, first.version, first.status) == (7, "etag1", "v1", ClipStatus.PENDING)
    assert (second.size, second.version, second.status) == (0, None, ClipStatus.PENDING)
    assert set(world.storage.stats.values()) == {1}


def test_what_is_wrong_with_one_uri_is_its_fate_and_not_the_jobs(world: World) -> None:
    world.put_sources(1, prefix="")
    world.storage.put("source", "secret.zip")
    world.storage.put("private", "clip.zip")
    world.storage.fail_stat["secret.zip"] = [error(AccessDenied)]
    world.storage.fail_stat["broken.zip"] = [error(ObjectRejected)]
    uris = ["s3://source/000000.zip", "s3://source/missing.zip", "s3://source/secret.zip", "s3://source/broken.zip"]
    job = world.submit(import_list([*uris, "s3://private/clip.zip", uris[0]]))
    world.plan(job.id)
    assert fates(world.manifest(job.id)) == [
        (ClipStatus.PENDING, None),
        (ClipStatus.FAILED, "NOT_FOUND"),
        (ClipStatus.FAILED, "CANNOT_ACCESS"),
        (ClipStatus.FAILED, "OBJECT_REJECTED"),
        (ClipStatus.FAILED, "CANNOT_ACCESS"),
        (ClipStatus.SKIPPED, "DUPLICATE"),
    ]
    assert all(entry.message for entry in world.manifest(job.id)[1:])
    assert world.manifest(job.id)[5].message == "the same URI is clip 0 of this list"
    assert world.job(job.id).counts.total == 6


def test_a_forbidden_bucket_is_not_even_inspected(world: World) -> None:
    job = world.submit(import_list(["s3://private/clip.zip"]))
    world.plan(job.id)
    assert not world.storage.stats


def test_the_same_uri_twice_is_inspected_and_copied_once(world: World) -> None:
    world.put_sources(1, prefix="")
    job = world.submit_list(["000000.zip"] * 3)
    done = world.run(job.id)
    assert (done.status, done.counts.copied, done.counts.skipped) == (JobStatus.COMPLETED, 1, 2)
    assert world.storage.copies["demo/-/source/000000.zip"] == 1
    assert world.storage.stats["000000.zip"] == 1


def test_a_list_in_rounds_has_the_manifest_of_one_round(world: World) -> None:
    keys = world.put_sources(2_200)
    keys[1_700] = keys[3]
    one, many = world.submit_list(keys), world.submit_list(keys)
    world.plan(one.id)
    world.plan(many.id, out_of_time=always)
    assert state_of(world, many) == state_of(world, one)
    assert world.manifest(many.id)[1_700].code == "DUPLICATE"


def test_a_uri_that_cannot_be_inspected_for_now_does_not_hold_up_the_list(world: World) -> None:
    world.put_sources(2, prefix="")
    world.storage.fail_stat["000001.zip"] = [error(SourceUnavailable)]
    job = world.planned_list(["000000.zip", "000001.zip"])
    assert fates(world.manifest(job.id)) == [(ClipStatus.PENDING, None), (ClipStatus.FAILED, "SOURCE_UNAVAILABLE")]


# --- uploads ---------------------------------------------------------------------------------------------------------


def upload_job(world: World, *uploads: tuple[str, str]) -> Job:
    """A planned job of uploads (key, sequencer) that arrived one by one."""
    for key, sequencer in uploads:
        accept_uploads([an_upload(key, sequencer=sequencer)], world.upload_ports)
    (job,) = world.jobs.rows.values()
    world.plan(job.id)
    return job


def test_uploads_are_pinned_by_their_events(world: World) -> None:
    upload = an_upload("inbox/demo/a b.zip", size=9, etag="e", version="v")
    accept_uploads([upload], world.upload_ports)
    (job,) = world.jobs.rows.values()
    world.plan(job.id)
    (entry,) = world.manifest(job.id)
    assert (entry.source_uri, entry.size, entry.etag, entry.version) == ("s3://drop/inbox/demo/a b.zip", 9, "e", "v")
    assert entry.destination == "demo/-/drop/inbox/demo/a b.zip"
    assert list(world.storage.stats) == [entry.destination], "the upload itself is not inspected"


@pytest.mark.parametrize("order", [("01", "02"), ("02", "01"), ("0055AED6DCD90281E5", "0055AED6DCD90281E6")])
def test_of_several_uploads_to_one_key_the_last_one_is_the_clip(world: World, order: tuple[str, str]) -> None:
    job = upload_job(world, ("a.zip", order[0]), ("b.zip", "01"), ("a.zip", order[1]))
    by_etag = {
        entry.etag: (entry.status, entry.code) for entry in world.manifest(job.id) if "a.zip" in entry.source_uri
    }
    first, last = sorted(order)
    assert by_etag == {
        f"etag-{first}": (ClipStatus.SKIPPED, "SUPERSEDED"),
        f"etag-{last}": (ClipStatus.PENDING, None),
    }
    assert world.job(job.id).counts.total == 3


def test_planning_closes_the_job_for_further_uploads(world: World) -> None:
    upload_job(world, ("a.zip", "01"))
    accept_uploads([an_upload("b.zip")], world.upload_ports)
    assert len(world.jobs.rows) == 2


def test_uploads_in_rounds_have_the_manifest_of_one_round(world: World) -> None:
    uploads = [an_upload(f"{n}.zip") for n in range(2_100)]
    accept_uploads(uploads, world.upload_ports)
    (job,) = world.jobs.rows.values()
    world.plan(job.id, out_of_time=always)
    in_rounds = world.manifest(job.id)
    world.plan(job.id)
    assert world.manifest(job.id) == in_rounds
    assert {entry.source_uri for entry in in_rounds} == {f"s3://drop/{n}.zip" for n in range(2_100)}


def test_upload_lists_come_back_as_they_were() -> None:
    uploads = [an_upload("日本 +%20.zip"), an_upload("line\nbreak\u2028", version="v")]
    assert decode_uploads(encode_uploads(uploads)) == uploads


# --- what lies at the destinations -----------------------------------------------------------------------------------

DOORS = ("prefix", "list", "upload")
ROOTS = {"prefix": "demo/-/source", "list": "demo/-/source", "upload": "demo/-/drop"}


def started(world: World, door: str, settings: ImportSettings) -> Job:
    """A planned job of `p/000000.zip` (10 bytes), through one of the doors."""
    if door == "upload":
        ports = replace(world.upload_ports, settings=settings)
        accept_uploads([an_upload("p/000000.zip", etag="etag1")], ports)
        (job,) = world.jobs.rows.values()
    else:
        (key,) = world.put_sources(1)
        job = (
            world.submit_prefix(settings=settings) if door == "prefix" else world.submit_list([key], settings=settings)
        )
    world.plan(job.id)
    return world.job(job.id)


def lies_there(world: World, door: str, *, size: int, etag: str | None = None) -> None:
    key = f"{ROOTS[door]}/p/000000.zip"
    world.storage.writes = 500  # younger than the source
    item = world.storage.put("clips", key, size)
    world.storage.buckets["clips"][key] = replace(item, etag=etag or item.etag, modified="2026-01-02T00:00:00.000Z")
    world.storage.writes = 0


UNCHANGED = (ClipStatus.SKIPPED, "UNCHANGED")
EXISTS = (ClipStatus.FAILED, "EXISTS")
TO_COPY = (ClipStatus.PENDING, None)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("on_existing", "etag", "fate"),
    [
        (OnExisting.SKIP, "etag1", UNCHANGED),
        (OnExisting.SKIP, "other", TO_COPY),
        (OnExisting.OVERWRITE, "etag1", TO_COPY),
        (OnExisting.OVERWRITE, "other", TO_COPY),
        (OnExisting.FAIL, "etag1", EXISTS),
        (OnExisting.FAIL, "other", EXISTS),
    ],
)
def test_what_lies_there_decides_through_every_door(
    world: World, door: str, on_existing: OnExisting, etag: str, fate: tuple[ClipStatus, str | None]
) -> None:
    lies_there(world, door, size=10 if etag == "etag1" else 11, etag=etag)
    job = started(world, door, ImportSettings(on_existing=on_existing))
    (entry,) = world.manifest(job.id)
    assert ((entry.status, entry.code), entry.etag, entry.size) == (fate, "etag1", 10)
    assert bool(entry.message) is bool(entry.code)
    looks = world.storage.stats[entry.destination] + world.storage.listed_after.count(f"{ROOTS[door]}/")
    # Copies of uploads are conditional whatever the setting (decision 83), so their destinations are always looked at.
    looked_at = door != "prefix" and (on_existing is not OnExisting.OVERWRITE or door == "upload")
    assert looks == int(looked_at)


@pytest.mark.parametrize("on_existing", OnExisting)
@pytest.mark.parametrize("door", DOORS)
def test_where_nothing_lies_all_is_copied(world: World, door: str, on_existing: OnExisting) -> None:
    job = started(world, door, ImportSettings(on_existing=on_existing))
    assert fates(world.manifest(job.id)) == [TO_COPY]


@pytest.mark.parametrize(("door", "fate"), [("prefix", UNCHANGED), ("list", UNCHANGED), ("upload", TO_COPY)])
def test_a_copy_with_another_etag_is_known_by_size_and_time_where_times_are_known(
    world: World, door: str, fate: tuple[ClipStatus, str | None]
) -> None:
    lies_there(world, door, size=10, etag="of-a-copy-made-whole")
    job = started(world, door, ImportSettings())
    assert fates(world.manifest(job.id)) == [fate]


def test_overwriting_a_prefix_does_not_look_at_the_clips_bucket(world: World) -> None:
    world.put_sources(3)
    job = world.submit_prefix(settings=ImportSettings(on_existing=OnExisting.OVERWRITE), validate=False)
    world.plan(job.id)
    assert world.storage.listed_after == [""]
    assert not world.storage.stats


def test_a_second_import_of_a_prefix_copies_nothing_and_inspects_nothing(world: World) -> None:
    world.put_sources(1_200)
    world.run(world.submit_prefix().id)
    done = world.run(world.submit_prefix().id)
    assert (done.status, done.counts.skipped, done.counts.copied) == (JobStatus.COMPLETED, 1_200, 0)
    assert set(world.storage.copies.values()) == {1}
    assert not world.storage.stats


def test_of_a_prefix_only_what_is_new_or_changed_is_copied(world: World) -> None:
    keys = world.put_sources(6)
    world.run(world.submit_prefix().id)
    changed = world.storage.put("source", keys[2], 10)
    world.storage.buckets["source"][keys[2]] = replace(changed, modified=world.clock())
    world.storage.put("source", keys[4], 99)
    world.storage.put("source", "p/000001a.zip")
    del world.storage.buckets["source"][keys[0]]
    job = world.run(world.submit_prefix().id)
    copied = {e.source_uri.rpartition("/")[2] for e in world.manifest(job.id) if e.status is ClipStatus.PENDING}
    assert copied == {"000001a.zip", "000002.zip", "000004.zip"}
    assert (job.counts.copied, job.counts.skipped) == (3, 3)


def test_another_folder_is_another_destination(world: World) -> None:
    world.put_sources(2)
    world.run(world.submit_prefix().id)
    done = world.run(world.submit_prefix(folder="f").id)
    assert (done.counts.copied, done.counts.skipped) == (2, 0)


def test_clips_whose_destination_is_a_hash_are_looked_up_singly(world: World) -> None:
    odd = ["p/../000000.zip", "p/" + "x" * 1_015]
    for key in odd:
        world.storage.put("source", key)
    world.put_sources(3)
    first = world.run(world.submit_prefix().id)
    world.storage.stats.clear()
    done = world.run(world.submit_prefix().id)
    assert (first.counts.copied, done.counts.copied, done.counts.skipped) == (5, 0, 5)
    assert len(world.storage.stats) == 2
    assert all(key.startswith("demo/-/source~/") for key in world.storage.stats)


@pytest.mark.parametrize("count", [1_000, 2_500])
def test_later_rounds_compare_from_where_they_go_on(world: World, count: int) -> None:
    keys = world.put_sources(count)
    world.run(world.submit_prefix().id)
    del world.storage.buckets["clips"][f"demo/-/source/{keys[-1]}"]
    one, many = world.submit_prefix(), world.submit_prefix()
    world.plan(one.id)
    world.storage.listed_after.clear()
    world.plan(many.id, out_of_time=always)
    assert state_of(world, many) == state_of(world, one)
    assert fates(world.manifest(many.id)) == [UNCHANGED] * (count - 1) + [TO_COPY]
    rounds = ["", *keys[999::1_000]]
    expected = [after for key in rounds for after in (key, f"demo/-/source/{key}" if key else "")]
    assert sorted(world.storage.listed_after) == sorted(expected)


def test_a_destination_that_may_not_be_looked_at_is_the_clips_failure_in_a_list(world: World) -> None:
    world.put_sources(2)
    world.storage.fail_stat["demo/-/source/p/000000.zip"] = [error(AccessDenied)]
    job = world.planned_list(["p/000000.zip", "p/000001.zip"])
    assert fates(world.manifest(job.id)) == [(ClipStatus.FAILED, "CANNOT_ACCESS"), TO_COPY]


@pytest.mark.parametrize("on_existing", OnExisting)
def test_settled_clips_of_a_list_are_settled_whatever_lies_there(world: World, on_existing: OnExisting) -> None:
    keys = world.put_sources(1)
    world.run(world.submit_list(keys).id)
    job = world.submit_list([*keys, *keys, "missing"], settings=ImportSettings(on_existing=on_existing))
    world.plan(job.id)
    assert [entry.code for entry in world.manifest(job.id)][1:] == ["DUPLICATE", "NOT_FOUND"]


def test_a_failed_existing_clip_is_listed_among_the_failures(world: World) -> None:
    keys = world.put_sources(2)
    world.run(world.submit_list(keys[:1]).id)
    done = world.run(world.submit_prefix(settings=ImportSettings(on_existing=OnExisting.FAIL)).id)
    assert (done.status, done.counts.failed, done.counts.copied) == (JobStatus.COMPLETED_WITH_ERRORS, 1, 1)
    assert world.clips.rows[done.id][0].code == "EXISTS"


def test_a_busy_table_fails_the_round_and_not_the_import(world: World) -> None:
    world.put_sources(2)
    job = world.submit_prefix()
    world.storage.fail_list["source"] = [TableBusy("try again")]
    with pytest.raises(TableBusy):
        world.plan(job.id)
    world.storage.fail_list.clear()
    assert world.run(job.id).status is JobStatus.COMPLETED
