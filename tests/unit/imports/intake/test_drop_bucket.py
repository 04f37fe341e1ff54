"""Uploads to the drop bucket: each is in exactly one job, many share a few jobs, also after crashes and repeats."""

import pytest

from service.domain.errors import InvalidRequest, WorkflowUnavailable
from service.domain.jobs import JobStatus, Source, SourceKind, Trigger
from service.domain.requests import Upload
from service.domain.service_buckets import project_of_upload
from service.imports.inputs.upload_lists import decode_uploads
from service.imports.intake import drop_bucket
from service.imports.intake.drop_bucket import accept_uploads, parse_event
from tests.builders import DROP_BUCKET, World, an_upload, object_created
from tests.fakes.faults import CrashError

# --- events ----------------------------------------------------------------------------------------------------------


def read(event: object) -> Upload | None:
    return parse_event(event, buckets=[DROP_BUCKET])  # type: ignore[arg-type]


def test_manifests_hold_up_no_clips(world: World) -> None:
    world.faults.plan("jobs.create", [ConnectionError("no answer")])
    clip = an_upload("inbox/other/a.zip")
    with pytest.raises(ConnectionError):
        accept_uploads([an_upload("inbox/rival/x.manifest.jsonl"), clip], world.upload_ports)
    assert clip.identity in world.uploads.owners


@pytest.mark.parametrize("key", ["inbox/rival/a.zip", "inbox/rival/x.manifest.jsonl"])
def test_a_project_whose_uploads_fail_holds_up_no_others(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(drop_bucket, "MANIFESTS_AT_ONCE", 1)  # the first one fails
    call = "jobs.create" if "manifest" in key else "uploads.open"
    world.faults.plan(call, [ConnectionError("no answer")])
    others = [an_upload("inbox/other/a.zip"), an_upload("inbox/other/b.manifest.jsonl")]
    with pytest.raises(ConnectionError):
        accept_uploads([an_upload(key), *others], world.upload_ports)
    assert [job.project for job in world.jobs.rows.values()] == ["other", "other"]


def test_the_manifests_of_all_projects_come_by_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_bucket, "MANIFESTS_AT_ONCE", 1)
    flood = [an_upload(f"inbox/rival/{n}.manifest.jsonl") for n in range(100)]
    accept_uploads([*flood, an_upload("inbox/other/a.manifest.jsonl")], world.upload_ports)
    assert "other" in [job.project for job in world.jobs.rows.values()][:2]


def test_manifests_wait_for_room_among_the_projects_active_imports(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_bucket, "MANIFESTS_AT_ONCE", 1)  # the fake's check of the quota takes no lock
    world.max_active = 3
    keys = [*(f"inbox/rival/{n}.manifest.jsonl" for n in range(10)), "inbox/other/a.manifest.jsonl"]
    found = [world.storage.put_body(DROP_BUCKET, key, b'{"uri": "s3://source/a.zip"}\n') for key in keys]
    *flood, other = [an_upload(one.key, size=one.size, etag=one.etag) for one in found]
    waiting = accept_uploads([*flood, other], world.upload_ports)
    started = [job.id for job in world.jobs.rows.values()]
    assert len(waiting) == 7
    assert set(waiting) < set(flood)
    assert sorted(job.project for job in world.jobs.rows.values()) == ["other", *["rival"] * 3]
    assert sorted(world.workflow.started) == sorted(started)
    assert len(accept_uploads(waiting, world.upload_ports)) == 7
    for job_id in started:
        world.run(job_id)
    assert len(accept_uploads(waiting, world.upload_ports)) == 4
    assert accept_uploads(flood[:3], world.upload_ports) == []  # a repeated delivery of a manifest that has its import


def test_a_manifest_that_is_uploaded_again_and_again_waits_once(world: World) -> None:
    world.max_active = 0
    key, etag = "inbox/rival/a.manifest.jsonl", "of the same content"
    again = [an_upload(key, etag=etag, sequencer=f"{n:04}") for n in reversed(range(1_000))]
    others = [an_upload(key, sequencer="0001"), an_upload("inbox/rival/b.manifest.jsonl", etag=etag)]
    waiting = accept_uploads([*again, *others], world.upload_ports)
    assert sorted(waiting, key=str) == sorted([again[0], *others], key=str)


def test_clips_need_no_room(world: World) -> None:
    world.max_active = 0
    assert accept_uploads([an_upload("inbox/rival/a.zip")], world.upload_ports) == []
    [job] = world.jobs.rows.values()
    assert not job.counted


def test_an_event_of_a_versioned_bucket_pins_the_version() -> None:
    upload = read(object_created())
    assert upload
    assert (upload.bucket, upload.key, upload.size) == ("drop", "inbox/demo/clip.zip", 5)
    assert upload.etag == "b1946ac92492d2347c6235b4d2611184"
    assert upload.version == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert upload.sequencer == "617f08299329d189"


def test_an_event_without_a_version_or_a_sequencer_is_read_too() -> None:
    upload = read(object_created(version_id=None, sequencer=None))
    assert upload
    assert (upload.version, upload.sequencer) == (None, "2021-11-12T00:00:00Z")


@pytest.mark.parametrize("key", ["a b.zip", "a+b%20c.zip", "日本.zip", "line\nbreak.zip"])
def test_keys_of_eventbridge_are_taken_verbatim(key: str) -> None:
    upload = read(object_created(key))
    assert upload
    assert upload.key == key


def test_every_delivery_of_an_event_has_the_same_identity() -> None:
    again = object_created() | {"id": "another delivery", "time": "2021-11-12T00:00:09Z"}
    assert read(object_created()) == read(again)


@pytest.mark.parametrize(
    "change", [{"key": "other"}, {"etag": "other"}, {"version-id": "other"}, {"sequencer": "617f08299329d18a"}]
)
def test_another_upload_has_another_identity(change: dict[str, str]) -> None:
    one, other = read(object_created()), read(object_created(**change))
    assert one
    assert other
    assert one.identity != other.identity


def test_a_folder_marker_is_no_upload() -> None:
    assert read(object_created("inbox/demo/", size=0)) is None
    assert read(object_created("inbox/demo/empty.zip", size=0)) is not None


def test_an_event_without_a_key_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="names a bucket but no object"):
        read(object_created(""))


def test_an_event_of_another_bucket_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="bucket drop, which this deployment does not listen to"):
        parse_event(object_created(), buckets=["another"])


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        None,
        "text",
        5,
        {"detail": None},
        {"detail": {}},
        {"detail": {"bucket": {"name": "drop"}}},
        {"detail": {"bucket": {"name": "drop"}, "object": {"key": "k"}}},
        {"detail": {"bucket": {"name": "drop"}, "object": "k"}},
        object_created(size="many"),
        object_created(size=float("inf")),
        object_created(size=10**400),
        object_created(size=-1),
        object_created("half \ud800"),
        object_created("k" * 1_025),
        object_created("é" * 1_024),
        object_created(etag=["a"]),
        object_created(version_id={"a": 1}),
        object_created(sequencer="\udfff"),
        object_created(etag=None),
    ],
)
def test_what_is_no_event_is_refused(event: object) -> None:
    with pytest.raises(InvalidRequest, match="not an S3 Object Created event"):
        read(event)


@pytest.mark.parametrize(
    ("key", "project"),
    [
        ("inbox/fleet/clip.zip", "fleet"),
        ("inbox/fleet-7.a_b/day/1/clip.zip", "fleet-7.a_b"),
        ("inbox/fleet//clip.zip", "fleet"),
        ("inbox/fleet/line\nbreak.zip", "fleet"),
        ("clip.zip", "default"),
        ("inbox/clip.zip", "default"),
        ("inbox//clip.zip", "default"),
        ("inbox/../clip.zip", "default"),
        ("inbox/-x/clip.zip", "default"),
        ("inbox/a b/clip.zip", "default"),
        (f"inbox/{'x' * 65}/clip.zip", "default"),
        ("other/inbox/fleet/clip.zip", "default"),
        ("Inbox/fleet/clip.zip", "default"),
    ],
)
def test_keys_under_inbox_name_their_project(key: str, project: str) -> None:
    assert project_of_upload(key, "default") == project


# --- jobs ------------------------------------------------------------------------------------------------------------


def accept(world: World, *uploads: Upload) -> None:
    accept_uploads(uploads, world.upload_ports)


def uploads_of(world: World, job_id: str) -> list[str]:
    """Identities in the job's lists, sorted; repeats show."""
    lists = [decode_uploads(world.state.files[key]) for key in world.uploads.lists(job_id)]
    return sorted(upload.identity for uploads in lists for upload in uploads)


def all_uploads(world: World) -> list[str]:
    return sorted(identity for job_id in world.jobs.rows for identity in uploads_of(world, job_id))


def test_an_upload_starts_a_job_that_names_its_trigger_and_waits_for_more(world: World) -> None:
    accept(world, an_upload())
    (job,) = world.jobs.rows.values()
    assert (job.project, job.status, job.trigger) == ("demo", JobStatus.PENDING, Trigger.UPLOAD)
    assert job.source == Source(kind=SourceKind.UPLOAD, uri="s3://drop/")
    assert (job.key_id, job.request_digest) == (None, None)
    assert world.workflow.waits == {job.id: 30}


def test_uploads_of_later_deliveries_gather_in_the_pending_job(world: World) -> None:
    for n in range(20):
        accept(world, *(an_upload(f"{n}-{m}.zip") for m in range(3)))
    (job,) = world.jobs.rows.values()
    assert len(uploads_of(world, job.id)) == 60
    assert world.workflow.started == [job.id]


def test_hundreds_of_uploads_at_once_make_one_job_a_project(world: World) -> None:
    uploads = [an_upload(f"inbox/{project}/{n}.zip") for n in range(250) for project in ("a", "b")]
    accept(world, *uploads)
    assert sorted(job.project for job in world.jobs.rows.values()) == ["a", "b"]
    assert all_uploads(world) == sorted(upload.identity for upload in uploads)
    assert world.faults.calls["uploads.open"] == 2
    assert world.faults.calls["uploads.claim"] == 4
    assert len(world.workflow.started) == 2


def test_a_duplicate_in_the_same_delivery_counts_once(world: World) -> None:
    accept(world, an_upload("a"), an_upload("b"), an_upload("a"))
    assert all_uploads(world) == ["a@01", "b@01"]


def test_a_duplicate_in_a_later_delivery_adds_nothing(world: World) -> None:
    accept(world, an_upload("a"), an_upload("b"))
    accept(world, an_upload("b"), an_upload("c"))
    accept(world, an_upload("c"))
    assert len(world.jobs.rows) == 1
    assert all_uploads(world) == ["a@01", "b@01", "c@01"]


def test_a_duplicate_makes_no_job_after_its_job_has_ended(world: World) -> None:
    world.storage.buckets["drop"]["a"] = world.storage.put("drop", "a")
    accept(world, an_upload("a", etag="etag1"))
    (job_id,) = world.jobs.rows
    assert world.run(job_id).status is JobStatus.COMPLETED
    accept(world, an_upload("a", etag="etag1"))
    assert list(world.jobs.rows) == [job_id]
    assert world.workflow.started == [job_id]


def test_another_upload_to_the_same_key_is_another_clip(world: World) -> None:
    accept(world, an_upload("a", sequencer="01"), an_upload("a", sequencer="02"))
    assert all_uploads(world) == ["a@01", "a@02"]


def test_after_planning_began_further_uploads_make_a_new_job(world: World) -> None:
    accept(world, an_upload("a"))
    (first,) = world.jobs.rows
    world.plan(first)
    accept(world, an_upload("b"))
    accept(world, an_upload("c"))
    (second,) = set(world.jobs.rows) - {first}
    assert (uploads_of(world, first), uploads_of(world, second)) == (["a@01"], ["b@01", "c@01"])
    assert world.workflow.started == [first, second]


def test_a_job_that_closes_between_look_and_claim_takes_nothing(world: World) -> None:
    accept(world, an_upload("a"))
    (first,) = world.jobs.rows

    def planning_begins() -> None:
        world.uploads.before_claim = lambda: None
        world.jobs.begin_planning(first, world.clock())

    world.uploads.before_claim = planning_begins
    accept(world, an_upload("a"), an_upload("b"))
    (second,) = set(world.jobs.rows) - {first}
    assert (uploads_of(world, first), uploads_of(world, second)) == (["a@01"], ["b@01"])
    assert world.workflow.started == [first, second]


def test_of_two_deliveries_at_once_one_opens_the_job_and_the_other_joins_it(world: World) -> None:
    def the_other_is_faster() -> None:
        world.uploads.before_claim = lambda: None
        accept(world, an_upload("b"))

    world.uploads.before_claim = the_other_is_faster
    accept(world, an_upload("a"))
    (job_id,) = world.jobs.rows
    assert uploads_of(world, job_id) == ["a@01", "b@01"]
    assert world.workflow.started == [job_id]


# --- crashes ---------------------------------------------------------------------------------------------------------


def test_a_crash_between_claim_and_start_is_mended_by_the_next_delivery(world: World) -> None:
    world.faults.plan("workflow.start", [CrashError("here")])
    with pytest.raises(CrashError):
        accept(world, an_upload("a"))
    assert not world.workflow.started
    accept(world, an_upload("a"))
    (job_id,) = world.jobs.rows
    assert world.workflow.waits == {job_id: 30}
    assert all_uploads(world) == ["a@01"]


def test_a_start_that_fails_is_left_to_the_sweep(world: World) -> None:
    world.faults.plan("workflow.start", [WorkflowUnavailable("throttled")])
    accept(world, an_upload("a"))
    assert [job.status for job in world.jobs.rows.values()] == [JobStatus.PENDING]


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_crash_anywhere_loses_no_upload_and_doubles_none(take_effect: bool) -> None:
    uploads = [an_upload(f"inbox/{project}/{n}") for n in range(7) for project in ("a", "b")]
    for calls in range(1, 60):
        world = World()
        world.uploads.max_uploads_per_claim = 3
        world.faults.crash_in(calls, take_effect=take_effect)
        try:
            accept(world, *uploads)
        except CrashError:
            world.faults.revive()
            accept(world, *uploads)
        else:
            break
        assert all_uploads(world) == sorted(upload.identity for upload in uploads)
        assert sorted(world.workflow.started) == sorted(world.jobs.rows)
        assert len(world.jobs.rows) == 2
    else:
        pytest.fail("accepting never ran without a crash")
    assert calls > 10
