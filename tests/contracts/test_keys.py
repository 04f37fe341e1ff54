"""API keys."""

from service.domain.projects import ApiKey
from service.ports.projects import KeyStore


def a_key(n: int = 1, project: str = "demo") -> ApiKey:
    return ApiKey(
        id=f"key_{n}", project=project, name="ci ü", digest="d" * 64, created_at=f"2026-11-22T17:00:0{n}.000Z"
    )


def test_a_key_comes_back_until_it_is_deleted(keys: KeyStore) -> None:
    keys.put(a_key())
    assert keys.get("key_1") == a_key()
    assert keys.get("key_2") is None
    assert keys.delete("key_1")
    assert keys.get("key_1") is None
    assert not keys.delete("key_1")
    assert keys.page(limit=10, after=None) == ([], None)


def test_keys_are_paged_oldest_first(keys: KeyStore) -> None:
    for n in (3, 1, 5, 2, 4):
        keys.put(a_key(n))
    found: list[ApiKey] = []
    after = None
    for length in (2, 2, 1):
        page, after = keys.page(limit=2, after=after)
        assert len(page) == length
        found += page
    assert found == [a_key(n) for n in (1, 2, 3, 4, 5)]
    assert after is None


def test_paging_goes_on_after_a_key_that_was_revoked_meanwhile(keys: KeyStore) -> None:
    for n in (1, 2, 3):
        keys.put(a_key(n))
    _, after = keys.page(limit=2, after=None)
    keys.delete("key_2")
    assert keys.page(limit=2, after=after) == ([a_key(3)], None)
