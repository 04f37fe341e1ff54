"""Match keys against gitignore patterns, in linear time.

`pathspec` parses the pattern, so that gitignore's many rules are not written again; its output is a regular expression,
and this module reads that expression because the library offers no parsed form.

The library's expression backtracks: its time is exponential in the number of wildcards, and patterns come from callers.
So the expression is rebuilt with atomic groups, in which a wildcard takes the first place that fits what follows and
never another one. That is correct, because the text between two `*` in a segment has a fixed length, and whole segments
lie between two `**`: the first place is as good as any later one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from pathspec.patterns.gitignore.base import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from service.domain.errors import InvalidRequest

MAX_PATTERN = 512
"""Maximum characters of a pattern."""

_TOKENS = re.compile(
    r"""(?P<anywhere>\(\?:\.\+/\)\?)      # a leading **/
    |(?P<between>\(\?:/\.\+\)\?/)         # /**/
    |(?P<end>\(\?:\(\?P<ps_d>/\)\|\$\))   # the object, or a folder above it
    |(?P<folder>\(\?P<ps_d>/\))           # a folder above it
    |(?P<whole>\[\^/\]\+)                 # a segment that is *
    |(?P<star>\[\^/\]\*)
    |(?P<one>\[\^/\])
    |(?P<slash>/)
    |(?P<class>\[\^?\]?[^]]*\])
    |(?P<literal>\\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_EVERYTHING = {".": "", "/": r"[^/]*+/", "(?P<ps_d>/)": r"[^/]*+/"}
"""Expressions that pathspec makes of patterns such as `**` and `*/`."""
_END = r"(?=/|\Z)"


def compile_pattern(pattern: str, *, name: str) -> "re.Pattern[str]":
    """Compile a pattern to an expression that matches keys from their start.

    Raises `InvalidRequest`, whose message has the pattern's `name`.
    """
    if len(pattern) > MAX_PATTERN:
        raise InvalidRequest(f"{name} has {len(pattern):,} characters, the limit is {MAX_PATTERN}")
    try:
        pattern.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{name} is not valid Unicode") from error
    if not pattern.strip():
        raise InvalidRequest(f"{name} is empty")
    if pattern[0] in "!#":
        kind = "a negation" if pattern[0] == "!" else "a comment"
        raise InvalidRequest(f"{name}: {pattern!a} is {kind}; a backslash before it makes it a character")
    try:
        expression, _ = GitIgnoreSpecPattern.pattern_to_regex(pattern)
        if expression is None:
            raise InvalidRequest(f"{name}: {pattern!a} is not a pattern that could match a key")
        return re.compile(_rewritten(expression))
    except (GitIgnorePatternError, re.error) as error:
        raise InvalidRequest(f"{name}: {pattern!a} is not a valid pattern") from error


@dataclass
class _Run:
    """Consecutive segments of a pattern. `floating`: any number of other segments may come before."""

    floating: bool
    segments: list[list[str]] = field(default_factory=lambda: [[""]])
    """Pieces of each segment; a `*` is between two pieces."""

    def expression(self, after: str) -> str:
        text = "/".join(_segment(pieces) for pieces in self.segments) + after
        return rf"(?>(?:[^/]*+/)*?{text})" if self.floating else text


def _rewritten(expression: str) -> str:
    if expression in _EVERYTHING:
        return _EVERYTHING[expression]
    runs, after = [_Run(floating=False)], "/"
    for token in _TOKENS.finditer(expression.removeprefix("^")):
        run, kind, text = runs[-1], token.lastgroup, token[0]
        match kind:
            case "anywhere":
                run.floating = True
            case "between":
                runs.append(_Run(floating=True))
            case "end":
                after = _END
            case "folder":
                pass
            case "slash":
                run.segments.append([""])
            case "star":
                run.segments[-1].append("")
            case "whole":
                run.segments[-1] = ["[^/]", ""]
            case "class":
                run.segments[-1][-1] += f"(?!/){text}"
            case _:
                run.segments[-1][-1] += text
    if after == "/" and runs[-1].segments[-1] == [""]:  # `a/**`: its slash is what comes after the run
        runs[-1].segments.pop()
    return "".join(run.expression("/") for run in runs[:-1]) + runs[-1].expression(after)


def _segment(pieces: list[str]) -> str:
    first, *others = pieces
    if not others:
        return first
    middle = "".join(f"(?>[^/]*?{piece})" for piece in others[:-1] if piece)
    return f"{first}{middle}(?>[^/]*{others[-1]}){_END}"


def may_match_below(pattern: str, folders: Iterable[str]) -> bool:
    """Whether a valid pattern may match a key below one of these folders; false only if it cannot."""
    return any((above := _above(pattern, name.count("/") + 1)) is None or above.match(name) for name in folders)


@lru_cache(maxsize=1_000)
def _above(pattern: str, depth: int) -> "re.Pattern[str] | None":
    """Return what a folder of this depth must match if the pattern is to match below it; None: any folder will do.

    A pattern begins at the top if a slash comes before its end; then its first segments decide, up to a `**`.
    """
    text = pattern.lstrip() if pattern.endswith("\\ ") else pattern.strip()
    first = text.strip("/").split("/")[:depth]
    if "/" not in text.rstrip("/") or {"**", ""} & set(first):
        return None
    return compile_pattern("/" + "/".join(first), name="pattern")


def matches_any(patterns: Iterable["re.Pattern[str]"], key: str) -> bool:
    return any(pattern.match(key) for pattern in patterns)
