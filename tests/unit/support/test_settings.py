"""The typed environment of each function."""

from dataclasses import fields

import pytest

from service.domain.errors import InvalidSettings
from service.support.settings import (
    ApiSettings,
    AuthorizeSettings,
    ConcludeSettings,
    CopySettings,
    DeleteSourcesSettings,
    ExtrapolateSettings,
    FinishSettings,
    PlanSettings,
    Settings,
    SweepSettings,
    UploadSettings,
    WatchSettings,
)

CLASSES: list[type[Settings]] = [
    ApiSettings,
    AuthorizeSettings,
    ConcludeSettings,
    CopySettings,
    DeleteSourcesSettings,
    ExtrapolateSettings,
    FinishSettings,
    PlanSettings,
    SweepSettings,
    UploadSettings,
    WatchSettings,
]
SAMPLES = {str: "a text", int: 17, bool: True, tuple[str, ...]: ("one", "two")}


def sample(kind: type[Settings]) -> Settings:
    return kind(**{field.name: SAMPLES[field.type] for field in fields(kind)})  # type: ignore[index]


def leaves(kind: type[Settings]) -> set[type[Settings]]:
    """The classes that functions use: those that no other class extends."""
    return set().union(*map(leaves, kind.__subclasses__())) or {kind}


def test_these_are_all_settings_classes() -> None:
    assert leaves(Settings) == set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_settings_come_back_from_their_environment(kind: type[Settings]) -> None:
    env = sample(kind).to_env()
    assert all(name.startswith("CLIPFERRY_") and isinstance(value, str) for name, value in env.items())
    assert kind.from_env(env | {"OTHER": "x"}) == sample(kind)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_variable_is_needed(kind: type[Settings]) -> None:
    for name in sample(kind).to_env():
        env = {key: value for key, value in sample(kind).to_env().items() if key != name}
        with pytest.raises(InvalidSettings, match=f"{name} is not set"):
            kind.from_env(env)


@pytest.mark.parametrize("value", ["", "many", "1.5", "1 000"])
def test_a_number_that_is_none_is_named_with_its_value(value: str) -> None:
    env = sample(ApiSettings).to_env() | {"CLIPFERRY_MAX_BODY_BYTES": value}
    with pytest.raises(InvalidSettings, match=f"CLIPFERRY_MAX_BODY_BYTES='{value}'"):
        ApiSettings.from_env(env)


def test_no_buckets_are_no_buckets() -> None:
    env = sample(PlanSettings).to_env() | {"CLIPFERRY_SOURCE_BUCKETS": ""}
    empty = PlanSettings.from_env(env)
    assert empty.source_buckets == ()
    assert empty.to_env() == env


def test_the_processs_own_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sample(AuthorizeSettings).to_env().items():
        monkeypatch.setenv(name, value)
    assert AuthorizeSettings.from_env() == sample(AuthorizeSettings)
