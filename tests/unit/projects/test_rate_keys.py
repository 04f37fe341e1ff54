"""API Gateway keys that limit the rate of projects."""

import re

from service.projects.rate_keys import RATE_KEYS, rate_key, rate_key_of


def test_a_project_always_has_the_same_key_and_the_admin_one_of_its_own() -> None:
    assert rate_key_of("Clipferry", "demo") == rate_key_of("Clipferry", "demo")
    projects = {rate_key_of("Clipferry", f"project-{number}") for number in range(2_000)}
    assert len(projects) == RATE_KEYS - 1
    assert rate_key_of("Clipferry", None) not in projects
    assert projects | {rate_key_of("Clipferry", None)} == {rate_key("Clipferry", n) for n in range(RATE_KEYS)}


def test_api_gateway_accepts_the_values_with_the_shortest_and_the_longest_stack_name() -> None:
    for name in ("A", "A" * 24):
        assert re.fullmatch(r"[A-Za-z0-9]{20,128}", rate_key_of(name, "demo"))
