"""Concurrency that is reserved for functions, and whether the account can reserve it."""

import re
from collections.abc import Iterator, Mapping, Sequence

KEPT = ("authorize", "api", "plan", "finish", "conclude", "delete_sources", "on_upload", "sweep", "watch")
"""Functions that `kept_concurrency` may name. Those that copy have settings of their own."""

UNRESERVED = 100
"""Concurrency that Lambda keeps unreserved (Lambda developer guide, "Configuring reserved concurrency")."""

LEAST_UPLOADS = 4
"""Calls of `on_upload` that its two queues make at once (stacks/events.py)."""

_ENTRY = re.compile(r"([a-z_]+)=([1-9][0-9]{0,4})")


def kept(entries: Sequence[str]) -> Mapping[str, int]:
    """Read entries such as `api=200`. Raises `ValueError` with a sentence."""
    found: dict[str, int] = {}
    for entry in entries:
        match = _ENTRY.fullmatch(entry)
        if not match or match[1] not in KEPT or match[1] in found:
            raise ValueError(f"kept_concurrency: {entry!r} must be name=number, each name once, of {', '.join(KEPT)}")
        found[match[1]] = int(match[2])
    if found.get("on_upload", LEAST_UPLOADS) < LEAST_UPLOADS:
        raise ValueError(f"kept_concurrency: on_upload needs {LEAST_UPLOADS}, because its queues make so many calls")
    return found


def problems(entries: Sequence[str], others: Sequence[int], account: int) -> Iterator[str]:
    """A sentence for each reservation that is wrong, or that an account with this limit cannot make."""
    try:
        own = kept(entries)
    except ValueError as error:
        yield str(error)
        return
    if own and not account:
        yield "kept_concurrency needs account_concurrency, the account's limit (Service Quotas: Concurrent executions)"
    total = sum(own.values()) + sum(others)
    if account and total > account - UNRESERVED:
        yield (
            f"the reservations together are {total}: an account_concurrency of {account} can reserve at most "
            f"{max(0, account - UNRESERVED)}, because Lambda keeps {UNRESERVED} unreserved"
        )
