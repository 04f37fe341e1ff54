"""The audit log: each change has its entry, also after crashes; entries say who, when and through which API."""

from datetime import UTC, datetime

import pytest

from service.domain.errors import InvalidCursor, NotFound
from service.domain.jobs import Door
from service.domain.projects import Action, Actor, AuditEntry
from service.imports.intake.drop_bucket import accept_uploads
from service.projects.audit import audit_page, entry_of, record
from service.projects.keys import create_key, revoke_key
from tests.builders import ASKER, PROJECT, World, an_upload, import_list
from tests.fakes.faults import CrashError

NOW = "2026-11-22T17:00:00.000Z"


def entries(world: World, subject: str | None = None, project: str = PROJECT) -> list[AuditEntry]:
    return list(audit_page(project, subject=subject, limit=1_000, cursor=None, log=world.audit).items)


def test_an_entry_is_forgotten_after_its_days() -> None:
    entry = entry_of(Action.KEY_CREATE, "key_1", project="demo", by=ASKER, now=NOW, days=400)
    assert datetime.fromtimestamp(entry.expires_at, UTC).isoformat() == "2027-12-27T17:00:00+00:00"
    assert entry.id.startswith(f"{NOW}#")
    assert entry.id != entry_of(Action.KEY_CREATE, "key_1", project="demo", by=ASKER, now=NOW, days=400).id


def test_an_import_and_its_entry_come_together_and_once(world: World) -> None:
    request = import_list(["s3://source/a"], idempotency_key="k")
    job = world.submit(request)
    world.submit(request)
    (entry,) = entries(world)
    assert (entry.action, entry.subject, entry.time) == ("import.start", job.id, job.created_at)
    assert entry.by == Actor(door=Door.API, key_id="key_1")


@pytest.mark.parametrize("take_effect", [False, True])
def test_no_import_is_without_its_entry_after_a_crash(take_effect: bool) -> None:
    for calls in range(1, 9):
        world = World()
        world.faults.crash_in(calls, take_effect=take_effect)
        try:
            world.submit(import_list(["s3://source/a"]))
        except CrashError:
            world.faults.revive()
        else:
            break
        assert {entry.subject for entry in entries(world)} == set(world.jobs.rows)
    assert calls > 2


def test_a_job_that_uploads_opened_has_one_entry(world: World) -> None:
    for _ in range(2):
        accept_uploads([an_upload("a"), an_upload("b")], world.upload_ports)
    accept_uploads([an_upload("c")], world.upload_ports)
    (job_id,) = world.jobs.rows
    (entry,) = entries(world)
    assert (entry.action, entry.subject) == ("import.start", job_id)
    assert entry.by == Actor(door=Door.UPLOAD)
    assert world.job(job_id).door is Door.UPLOAD


def test_keys_are_recorded_in_the_project_that_they_belong_to(world: World) -> None:
    admin = Actor(door=Door.API, key_id="admin", request_id="r")
    key, _ = create_key("fleet", "ci", keys=world.keys, clock=world.clock, by=admin, audit=world.audit_ports)
    revoke_key(key.id, keys=world.keys, by=admin, audit=world.audit_ports)
    with pytest.raises(NotFound):
        revoke_key(key.id, keys=world.keys, by=admin, audit=world.audit_ports)
    assert [(one.action, one.subject, one.by) for one in entries(world, project="fleet")] == [
        ("key.revoke", key.id, admin),
        ("key.create", key.id, admin),
    ]
    assert entries(world) == []


def test_a_key_that_could_not_be_stored_has_an_entry_of_the_attempt(world: World) -> None:
    world.faults.plan("keys.put", [CrashError("here")])
    with pytest.raises(CrashError):
        create_key("demo", "ci", keys=world.keys, clock=world.clock, by=ASKER, audit=world.audit_ports)
    assert not world.keys.rows
    assert [one.action for one in entries(world)] == ["key.create"]


def test_nothing_is_changed_where_the_entry_cannot_be_written(world: World) -> None:
    world.faults.plan("audit.add", [CrashError("here")])
    with pytest.raises(CrashError):
        create_key("demo", "ci", keys=world.keys, clock=world.clock, by=ASKER, audit=world.audit_ports)
    assert not world.keys.rows


def test_pages_are_newest_first_and_by_subject(world: World) -> None:
    for n in range(5):
        record(Action.IMPORT_CANCEL, f"ij_{n % 2}", project=PROJECT, by=ASKER, ports=world.audit_ports)
    record(Action.IMPORT_CANCEL, "ij_0", project="other", by=ASKER, ports=world.audit_ports)
    found: list[str] = []
    cursor = None
    while True:
        page = audit_page(PROJECT, subject=None, limit=2, cursor=cursor, log=world.audit)
        found += [entry.subject for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ["ij_0", "ij_1", "ij_0", "ij_1", "ij_0"]
    assert [entry.subject for entry in entries(world, "ij_1")] == ["ij_1", "ij_1"]
    assert entries(world, "ij_2") == []
    cursor = audit_page(PROJECT, subject=None, limit=2, cursor=None, log=world.audit).next_cursor
    with pytest.raises(InvalidCursor):
        audit_page(PROJECT, subject="ij_0", limit=2, cursor=cursor, log=world.audit)
