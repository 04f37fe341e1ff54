"""How the client finds the service and the key."""

import json
import stat
from pathlib import Path

import pytest

from clipferry import ConfigError
from clipferry.config import (
    Profile,
    Profiles,
    checked_url,
    profiles_path,
    read_profiles,
    resolve,
    write_profiles,
)

PROD = Profile(base_url="https://prod.example/prod", api_key="cf_prod", project="demo")
TEST = Profile(base_url="https://test.example/prod", api_key="cf_test", project="demo")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "config" / "profiles.json"
    write_profiles(path, Profiles().with_one("prod", PROD).with_one("test", TEST))
    return {"CLIPFERRY_CONFIG": str(path)}


def test_only_the_owner_can_read_profiles(env: dict[str, str]) -> None:
    path = profiles_path(env)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_profiles(path) == Profiles(default="prod", by_name={"prod": PROD, "test": TEST})
    assert [one.name for one in path.parent.iterdir()] == ["profiles.json"]
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_profiles(path)


def test_a_missing_file_means_no_profiles(tmp_path: Path) -> None:
    assert read_profiles(tmp_path / "none.json") == Profiles()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"default": null, "profiles": {"a": {"key": 1}}}', '{"profiles": 1}']
)
def test_a_damaged_file_is_an_error_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profiles.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is damaged"):
        read_profiles(path)


def test_arguments_override_the_environment_and_that_the_profile(env: dict[str, str]) -> None:
    assert resolve(env=env) == PROD
    assert resolve(profile="test", env=env) == TEST
    assert resolve(env=env | {"CLIPFERRY_PROFILE": "test"}) == TEST
    given = env | {"CLIPFERRY_BASE_URL": "https://env.example", "CLIPFERRY_API_KEY": "cf_env"}
    assert resolve(env=given) == Profile(base_url="https://env.example", api_key="cf_env")
    assert resolve("https://arg.example/", "cf_arg", env=given) == Profile(
        base_url="https://arg.example", api_key="cf_arg"
    )
    assert resolve(env=env | {"CLIPFERRY_API_KEY": "cf_env"}) == Profile(base_url=PROD.base_url, api_key="cf_env")


def test_a_key_is_only_sent_to_its_own_url(env: dict[str, str]) -> None:
    assert resolve(TEST.base_url + "/", env=env) == TEST
    with pytest.raises(ConfigError, match=r"no key for https://evil\.example"):
        resolve("https://evil.example", env=env)
    with pytest.raises(ConfigError, match="its key is not shown to"):
        resolve("https://evil.example", profile="prod", env=env)
    with pytest.raises(ConfigError, match="its key is not shown to"):
        resolve(env=env | {"CLIPFERRY_BASE_URL": "https://evil.example", "CLIPFERRY_PROFILE": "prod"})


def test_a_missing_service_or_profile_is_an_error(tmp_path: Path, env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="clipferry login"):
        resolve(env={"CLIPFERRY_CONFIG": str(tmp_path / "none.json")})
    with pytest.raises(ConfigError, match=r"no profile 'x' .*prod, test"):
        resolve(profile="x", env=env)


@pytest.mark.parametrize(
    "url",
    [
        "clips.example",
        "ftp://clips.example",
        "https://",
        "https://user:pw@clips.example",
        "https://clips.example/?a=b",
        "https://clips.example:port",
        "https://clips example",
        "http://clips.example",
        "http://10.0.0.1:4566",
    ],
)
def test_urls_that_cannot_be_a_service_are_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        checked_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566/x", "http://localhost:80", "http://[::1]:80/prod"])
def test_plain_http_is_allowed_for_this_machine(url: str) -> None:
    assert checked_url(url + "/") == url


@pytest.mark.parametrize("key", ["cf_a b", "cf_a\nX: y", "cf_ä"])
def test_a_key_with_impossible_characters_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigError, match="copied whole") as caught:
        resolve("https://clips.example", key, env={})
    assert key not in str(caught.value)


def test_the_default_profile_always_exists() -> None:
    profiles = Profiles().with_one("a", PROD).with_one("b", TEST)
    assert profiles.default == "a"
    assert profiles.with_default("b").default == "b"
    assert profiles.without("a").default is None
    assert profiles.without("b").default == "a"
    with pytest.raises(ConfigError, match="no profile 'c'"):
        profiles.with_default("c")


def test_a_failed_write_keeps_the_old_profiles(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = profiles_path(env)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(ConfigError, match="disk full"):
        write_profiles(path, Profiles())
    assert read_profiles(path).default == "prod"
    assert [one.name for one in path.parent.iterdir()] == ["profiles.json"]
