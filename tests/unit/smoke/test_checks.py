"""Lines of the deployment's proof."""

import pytest

from clipferry import ClipferryError, ConfigError
from clipferry.models.imports import Webhook
from smoke.checks import Skipped, Tally, check, denied, expect
from smoke.imports import delivered


class Suite:
    @check("first", "do this")
    def first(self) -> str:
        return "seen"

    @check("second", "do that")
    def second(self) -> str:
        expect(False, "it is\n not so")
        return ""

    def helper(self) -> str:
        raise AssertionError("no check, so it is not run")

    @check("third", "nothing")
    def third(self) -> str:
        raise Skipped("name a bucket")

    @check("fourth", "look")
    def fourth(self) -> str:
        raise KeyError


class Mistaken:
    @check("mistaken", "none")
    def mistaken(self) -> str:
        raise TypeError("a mistake of the tool's")


def refuse() -> None:
    raise ConfigError("no")


def test_each_check_is_a_line_in_the_order_of_definition() -> None:
    lines: list[str] = []
    tally = Tally(say=lines.append)
    tally.run_all(Suite())
    assert lines == [
        "✓ first: seen",
        "✗ second: it is not so\n  → do that",
        "- third: skipped: name a bucket",
        "✗ fourth: KeyError\n  → look",
    ]
    assert (tally.passed, tally.failed, tally.skipped) == (1, 2, 1)


def test_a_mistake_of_the_tool_is_no_result() -> None:
    with pytest.raises(TypeError):
        Tally().run_all(Mistaken())


def test_a_refusal_must_have_the_expected_code() -> None:
    assert denied(refuse, "FORBIDDEN", "CONFIG") == "CONFIG"
    with pytest.raises(AssertionError, match="refused with CONFIG, not FORBIDDEN"):
        denied(refuse, "FORBIDDEN")


def test_what_is_not_refused_fails() -> None:
    with pytest.raises(AssertionError, match="it was not refused"):
        denied(lambda: None, ClipferryError.code)


def hook(status: str, **more: object) -> Webhook:
    return Webhook(url="https://hooks.example.com/x", status=status, attempts=1, **more)  # type: ignore[arg-type]


def test_a_webhook_that_was_given_up_says_why_at_once() -> None:
    assert delivered(None) is None
    assert delivered(hook("PENDING", last_status_code=500)) is None
    assert delivered(hook("DELIVERED", last_status_code=204)) == "delivered, status 204"
    with pytest.raises(AssertionError, match="x: connection refused"):
        delivered(hook("FAILED", last_error="connection refused"))
