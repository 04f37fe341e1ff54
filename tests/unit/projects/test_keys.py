"""API keys: made once, stored hashed, revoked for good."""

import re

import pytest

from service.domain.errors import InvalidCursor, InvalidRequest, NotFound
from service.projects.keys import ADMIN, Caller, authenticate, create_key, keys_page, revoke_key
from tests.builders import ASKER, World

ADMIN_KEY = "admin-secret"


def make(world: World, project: str = "demo", name: str = "ci") -> tuple[str, str]:
    """(id, text)"""
    key, text = create_key(project, name, keys=world.keys, clock=world.clock, by=ASKER, audit=world.audit_ports)
    return key.id, text


def who(world: World, text: str) -> Caller | None:
    return authenticate(text, keys=world.keys, admin_key=ADMIN_KEY)


def test_a_key_authenticates_its_project(world: World) -> None:
    key_id, text = make(world)
    make(world, "other")
    caller = who(world, text)
    assert caller == Caller("demo", key_id)
    assert caller
    assert not caller.is_admin


def test_a_keys_text_holds_its_id_and_192_random_bits(world: World) -> None:
    key_id, text = make(world)
    assert re.fullmatch(r"cf_[0-9a-f]{12}_[0-9a-f]{48}", text)
    assert key_id == f"key_{text[3:15]}"
    assert make(world)[1] != text


def test_the_secret_is_not_in_what_is_stored(world: World) -> None:
    _, text = make(world)
    secret = text.rpartition("_")[2]
    assert secret not in repr(world.keys.rows)
    assert text not in repr(world.keys.rows)


def test_the_admin_key_belongs_to_no_project(world: World) -> None:
    assert who(world, ADMIN_KEY) == ADMIN
    assert ADMIN.is_admin
    assert not world.faults.calls["keys.get"]


def test_a_revoked_key_is_nobodys(world: World) -> None:
    key_id, text = make(world)
    revoke_key(key_id, keys=world.keys, by=ASKER, audit=world.audit_ports)
    assert who(world, text) is None
    with pytest.raises(NotFound, match=key_id):
        revoke_key(key_id, keys=world.keys, by=ASKER, audit=world.audit_ports)


def test_the_right_id_with_another_secret_is_nobodys(world: World) -> None:
    _, text = make(world)
    _, other = make(world)
    assert who(world, text[:-1] + ("0" if text[-1] != "0" else "1")) is None
    assert who(world, text[:16] + other[16:]) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "cf_", "cf__", "Bearer", "ADMIN-SECRET", "admin-secret ", "ü", "\ud800", "\0", "x" * 100_000],
)
def test_a_malformed_key_is_nobodys_and_is_not_looked_up(world: World, text: str) -> None:
    make(world)
    assert who(world, text) is None
    assert not world.faults.calls["keys.get"]


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: f"{text}\n", lambda text: f" {text}", lambda text: text[:-1]]
)
def test_a_key_is_taken_exactly(world: World, change: object) -> None:
    _, text = make(world)
    assert callable(change)
    assert who(world, change(text)) is None


def test_an_unknown_id_is_nobodys(world: World) -> None:
    assert who(world, f"cf_{'0' * 12}_{'0' * 48}") is None


@pytest.mark.parametrize("project", ["", ".hidden", "-x", "a/b", "a b", "ü", "x" * 65, "a\n", "..", "~"])
def test_a_project_needs_a_proper_name(world: World, project: str) -> None:
    with pytest.raises(InvalidRequest, match="project must be 1 to 64"):
        make(world, project)
    assert not world.keys.rows


@pytest.mark.parametrize("project", ["a", "A.b_c-9", "x" * 64, "0"])
def test_proper_project_names(world: World, project: str) -> None:
    assert who(world, make(world, project)[1])


def test_keys_are_listed_oldest_first_in_pages_that_miss_none(world: World) -> None:
    made = [make(world, name=str(n))[0] for n in range(5)]
    found, cursor = [], None
    for length in (2, 2, 1):
        page = keys_page(limit=2, cursor=cursor, keys=world.keys)
        assert len(page.items) == length
        found += [key.id for key in page.items]
        cursor = page.next_cursor
    assert found == made
    assert cursor is None
    with pytest.raises(InvalidRequest):
        keys_page(limit=0, cursor=None, keys=world.keys)
    with pytest.raises(InvalidCursor):
        keys_page(limit=1, cursor="garbage", keys=world.keys)
