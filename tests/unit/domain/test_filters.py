"""Filters: gitignore's patterns without their worst cases, sizes, times."""

import itertools
import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from service.domain.errors import InvalidRequest
from service.domain.filters import MAX_PATTERNS, selection
from service.domain.objects import ListedObject
from service.domain.patterns import MAX_PATTERN, compile_pattern, may_match_below
from service.domain.requests import Filters


def item(key: str = "p/a.zip", size: int = 10, modified: str | None = "2026-03-01T12:00:00.000Z") -> ListedObject:
    return ListedObject(key=key, size=size, etag="e", modified=modified)


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*.zip", ["a.zip", "b/a.zip", "b/c/a.zip", "a.zip/b"], ["a.zipx", "azip", "a.ZIP"]),
        ("/a/*.zip", ["a/x.zip"], ["b/a/x.zip", "a/b/x.zip"]),
        ("a/**/z.zip", ["a/z.zip", "a/b/z.zip", "a/b/c/z.zip"], ["z.zip", "b/a/z.zip"]),
        ("**/day/*", ["day/x", "a/day/x", "a/b/day/x/y"], ["day", "dayx/x"]),
        ("a/**", ["a/x", "a/x/y"], ["a", "b/a/x"]),
        ("night/", ["night/x", "a/night/x"], ["night", "nightx/x"]),
        ("clip-[0-9]?.mp4", ["clip-1a.mp4", "x/clip-99.mp4"], ["clip-a1.mp4", "clip-1.mp4"]),
        ("[!a].zip", ["b.zip"], ["a.zip", "x/a.zip"]),
        (r"\!a\*b", ["!a*b"], ["!axb"]),
        ("日*本", ["日x本", "x/日本"], ["日x"]),
        ("*", ["a", "a/b"], []),
        ("*/", ["a/b"], ["a"]),
        ("a b+%20(1).zip", ["a b+%20(1).zip"], ["a b %20(1).zip"]),
        ("*\n", ["a\n", "a"], []),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(pattern: str, inside: list[str], outside: list[str]) -> None:
    compiled = compile_pattern(pattern, name="p")
    assert [key for key in inside if not compiled.match(key)] == []
    assert [key for key in outside if compiled.match(key)] == []


patterns = st.lists(
    st.sampled_from(["a", "b", ".", "*", "*", "?", "/", "**", "/**/", "[ab]", r"\*"]), min_size=1, max_size=9
).map("".join)
keys = st.lists(st.text("aab.*", min_size=1, max_size=5), min_size=1, max_size=5).map("/".join)


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(pattern=patterns, key=keys)
@example(pattern="a*b*b", key="abb/b")
@example(pattern="**/a/*b/**/b", key="a/b/a/ab/a/b")
def test_they_match_what_pathspec_matches(pattern: str, key: str) -> None:
    try:
        compiled = compile_pattern(pattern, name="p")
    except InvalidRequest:
        return
    expression, _ = GitIgnoreSpecPattern.pattern_to_regex(pattern)
    assert expression is not None
    if "//" not in pattern:
        assert bool(compiled.match(key)) is bool(re.search(expression, key))


HOSTILE = [
    ("*a*a*a*a*b", "a" * 1_024),
    ("*a" * 255 + "*b", "a" * 1_024),
    ("**/a/" * 80 + "b", "a/" * 512),
    ("**/" + "*/" * 200 + "b", "a/" * 512),
    ("**/*a*b/" * 40 + "c", "ab/" * 341),
    ("*" + "a" * 500 + "b", "a" * 1_024),
    ("**/" + "a*/" * 120 + "b", "aaaa/" * 204),
]


@pytest.mark.parametrize(("pattern", "key"), HOSTILE)
def test_hostile_patterns_are_answered_at_once(pattern: str, key: str) -> None:
    """Backtracking would take longer than the universe is old; a second is a thousand times what is needed."""
    compiled = compile_pattern(pattern, name="p")
    begun = time.process_time()
    assert compiled.match(key) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("filters", "place"),
    [
        ({"include": ("*", "!a")}, r"filters.include\[1\]: '!a' is a negation"),
        ({"exclude": ("#a",)}, r"filters.exclude\[0\]: '#a' is a comment"),
        ({"include": ("",)}, r"filters.include\[0\] is empty"),
        ({"include": (" ",)}, r"filters.include\[0\] is empty"),
        ({"include": ("[a",)}, r"filters.include\[0\]: '\[a' is not a pattern"),
        ({"include": ("/",)}, r"filters.include\[0\]: '/' is not a pattern"),
        ({"include": ("\ud800",)}, r"filters.include\[0\] is not valid Unicode"),
        ({"include": ("a\\",)}, r"filters.include\[0\]: .* is not a valid pattern"),
        ({"include": ("[z-a]",)}, r"filters.include\[0\]: .* is not a valid pattern"),
        ({"include": ("a" * (MAX_PATTERN + 1),)}, r"filters.include\[0\] has 513 characters"),
        ({"include": ("a",) * 30, "exclude": ("b",) * (MAX_PATTERNS - 29)}, "51 patterns, the limit is 50"),
        ({"min_size": -1}, "filters.min_size is -1"),
        ({"min_size": 2, "max_size": 1}, "above filters.max_size"),
        ({"modified_after": "yesterday"}, "filters.modified_after is 'yesterday'"),
        ({"modified_before": "2026-01-01T00:00:00"}, "filters.modified_before is .* with its zone"),
        ({"modified_before": "9999-12-31T23:59:59-14:00"}, "filters.modified_before is '9999-"),
        ({"modified_after": "0001-01-01T00:00:00+14:00"}, "filters.modified_after is '0001-"),
        ({"modified_after": "2026-01-01T00:00Z", "modified_before": "2026-01-01T01:00+01:00"}, "nothing could match"),
    ],
)
def test_wrong_filters_are_named(filters: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequest, match=place):
        selection(Filters(**filters))


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, True),
        ({"include": ("*.zip",)}, True),
        ({"include": ("*.mp4", "/a.*")}, True),
        ({"include": ("*.mp4",)}, False),
        ({"include": ("*.zip",), "exclude": ("a*",)}, False),
        ({"min_size": 10, "max_size": 10}, True),
        ({"min_size": 11}, False),
        ({"max_size": 9}, False),
        ({"modified_after": "2026-03-01T12:00:00Z"}, True),
        ({"modified_after": "2026-03-01T13:00:01+01:00"}, False),
        ({"modified_before": "2026-03-01T12:00:00Z"}, False),
        ({"modified_before": "2026-03-01T12:00:00.001Z"}, True),
    ],
)
def test_an_object_is_a_clip_if_everything_fits(filters: dict[str, Any], wanted: bool) -> None:
    assert selection(Filters(**filters), "p/").wants(item()) is wanted


def test_an_object_of_unknown_time_fits_no_times() -> None:
    assert selection(Filters(min_size=1)).wants(item(modified=None))
    assert not selection(Filters(modified_before="2030-01-01T00:00Z")).wants(item(modified=None))


@pytest.mark.parametrize(("prefix", "name"), [("p/", "x/a"), ("p/x", "x/a"), ("", "p/x/a"), ("p/x/", "a")])
def test_patterns_see_what_follows_the_prefixs_last_slash(prefix: str, name: str) -> None:
    assert selection(Filters(include=(f"/{name}",)), prefix).named("p/x/a")


SEGMENTS = ("a", "*", "a*", "**", "[ab]", "a.zip!", "*.zip", "", "b ")


@pytest.mark.parametrize("folders", ["", "a/", "b/a/"])
def test_a_pattern_that_matches_below_a_zip_may_match_there(folders: str) -> None:
    """Patterns of up to three segments, with a slash before and after them."""
    kept_closed = 0
    for length in (1, 2, 3):
        for segments in itertools.product(SEGMENTS, repeat=length):
            for pattern in (text := "/".join(segments), f"/{text}", f"{text}/"):
                try:
                    compiled = compile_pattern(pattern, name="pattern")
                except InvalidRequest:
                    continue
                key = f"{folders}a.zip"
                may = may_match_below(pattern, (key, f"{key}!"))
                kept_closed += not may
                assert may or not any(compiled.match(name) for name in (key, f"{key}!/a", f"{key}!/b/a")), pattern
    assert kept_closed > 100
