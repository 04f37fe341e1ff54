"""Audit entries and saved execution settings."""

from dataclasses import replace

import pytest

from service.domain.errors import TooManyExecutionSettings
from service.domain.jobs import Door
from service.domain.projects import Actor, AuditEntry
from service.ports.projects import AuditLog, ExecutionSettingsStore
from tests.samples import an_entry, some


def test_entries_come_back_newest_first_by_project_and_by_subject(audit: AuditLog) -> None:
    made = [replace(an_entry(n, subject=f"ij_{n % 2}"), details={"n": n} if n else None) for n in range(5)]
    made[4] = replace(made[4], by=Actor(door=Door.UPLOAD))
    for entry in (*made, an_entry(9, project="other"), an_entry(9, subject="ij_10")):
        audit.add(entry)
    found: list[AuditEntry] = []
    after = None
    for length in (3, 3):
        page, after = audit.page("demo", subject=None, limit=3, after=after)
        assert len(page) == length
        found += page
    assert (found[1:], after) == (made[::-1], None)
    page, after = audit.page("demo", subject="ij_0", limit=2, after=None)
    assert page == [made[4], made[2]]
    assert audit.page("demo", subject="ij_0", limit=2, after=after) == ([made[0]], None)
    assert audit.page("demo", subject="ij_9", limit=2, after=None) == ([], None)


def test_settings_come_back_as_given_until_they_are_deleted(saved: ExecutionSettingsStore, audit: AuditLog) -> None:
    assert saved.create(some(), limit=9, entry=an_entry(1, subject="es_1"))
    assert saved.get("demo", "es_1") == some()
    assert saved.get("other", "es_1") is None
    changed = some(name="x", description="why", settings={}, updated_at="t")
    assert saved.replace(changed, entry=an_entry(2, subject="es_1"))
    assert saved.get("demo", "es_1") == changed
    assert saved.delete("demo", "es_1", entry=an_entry(3, subject="es_1"))
    assert saved.get("demo", "es_1") is None
    assert len(audit.page("demo", subject="es_1", limit=9, after=None)[0]) == 3
    for refused in (
        saved.replace(changed, entry=an_entry(4, subject="es_1")),
        saved.delete("demo", "es_1", entry=an_entry(5, subject="es_1")),
    ):
        assert not refused
    assert saved.get("demo", "es_1") is None
    assert len(audit.page("demo", subject="es_1", limit=9, after=None)[0]) == 3


def test_settings_are_paged_oldest_first(saved: ExecutionSettingsStore) -> None:
    for n in (3, 1, 2):
        saved.create(some(n), limit=9, entry=an_entry())
    saved.create(some(4, project="other"), limit=9, entry=an_entry())
    page, after = saved.page("demo", limit=2, after=None)
    assert page == [some(1), some(2)]
    saved.delete("demo", "es_2", entry=an_entry())
    assert saved.page("demo", limit=2, after=after) == ([some(3)], None)


def test_the_limit_counts_what_is_there_and_an_id_that_exists_is_told_first(
    saved: ExecutionSettingsStore, audit: AuditLog
) -> None:
    for n in (1, 2):
        assert saved.create(some(n), limit=2, entry=an_entry(n))
    with pytest.raises(TooManyExecutionSettings, match="limit"):
        saved.create(some(3), limit=2, entry=an_entry(3))
    assert not saved.create(some(2), limit=2, entry=an_entry(3))
    assert saved.create(some(4, project="other"), limit=2, entry=an_entry(4, project="other"))
    assert len(audit.page("demo", subject=None, limit=9, after=None)[0]) == 2
    assert saved.delete("demo", "es_1", entry=an_entry(5))
    assert not saved.delete("demo", "es_1", entry=an_entry(5))
    assert saved.create(some(3), limit=2, entry=an_entry(6))
    with pytest.raises(TooManyExecutionSettings):
        saved.create(some(1), limit=2, entry=an_entry(7))
