"""How large the fields of rows may be, so that every row stays below the 400 KB of DynamoDB."""

import json
import re
from collections.abc import Mapping

from service.domain.errors import InvalidRequest

MAX_NAME = 128
"""Characters of a label, a run name prefix, a test run group and a set's name."""
MAX_FOLDER = 64
"""Characters of a folder."""
MAX_LABELS = 50
MAX_TIME = 40
"""Characters of a time: Python reads any number of decimals."""
MAX_REQUEST_BYTES = 160 * 1024
"""Bytes (UTF-8, as JSON) of the filters, settings and labels of an import, which its row keeps. Filters of 50 patterns
of 512 characters with four bytes each take 100 KiB."""
MAX_SETTINGS_BYTES = 16 * 1024
"""Bytes (as JSON) of a preset's settings."""
MAX_MESSAGE = 1_000
"""Characters of the message of a clip or an import."""
MAX_FORMER_MESSAGE = 200
"""Characters of the message of a former attempt, of which a row remembers 50."""
MAX_SHOWN_URI = 2_048
"""Characters of what a caller gave instead of a URI."""
MAX_FACTS_BYTES = 8 * 1024
"""Bytes (as JSON) of what content validation found: 100 rows are written in a transaction of at most 4 MB."""
MAX_FACTS_ITEMS = 32
"""Entries of a list in the facts, where they are too large otherwise."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""C0 and C1 controls, and Unicode's line and paragraph separators, which also break lines."""


def check_text(name: str, text: str, *, limit: int = MAX_NAME) -> None:
    """Raises `InvalidRequest`: neither empty nor longer than `limit`, no control characters, valid Unicode."""
    if not 1 <= len(text) <= limit:
        raise InvalidRequest(f"{name} has {len(text):,} characters, 1 to {limit:,} are allowed")
    if _CONTROL.search(text):
        raise InvalidRequest(f"{name} has a control character, such as a line break")
    if not is_unicode(text):
        raise InvalidRequest(f"{name} is not valid Unicode")


def is_unicode(text: str) -> bool:
    """Whether it can be encoded: half of a surrogate pair, which JSON can express, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_size(name: str, value: object, *, limit: int) -> None:
    """Raises `InvalidRequest` where the value takes more bytes than `limit` as JSON."""
    size = json_bytes(value)
    if size > limit:
        raise InvalidRequest(f"{name} take {size:,} bytes, the limit is {limit:,}")


def json_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def bounded(text: str, limit: int = MAX_MESSAGE) -> str:
    """The text as a row can keep it: valid Unicode, cut to `limit` characters."""
    valid = text if is_unicode(text) else text.encode(errors="replace").decode()
    return valid if len(valid) <= limit else valid[: limit - 1] + "…"


def bounded_facts(facts: Mapping[str, object]) -> Mapping[str, object]:
    """The facts as a row can keep them. Where they are too large, lists are cut, and `cut` names them."""
    if json_bytes(facts) <= MAX_FACTS_BYTES:
        return facts
    kept = {name: _cut(value) for name, value in facts.items()}
    cut = sorted(name for name, value in facts.items() if kept[name] != value)
    for name in sorted(cut, key=lambda name: -json_bytes(kept[name])):
        if json_bytes(kept) > MAX_FACTS_BYTES - 1_024:
            del kept[name]
    return kept | {"cut": cut}


def _cut(value: object) -> object:
    if isinstance(value, str):
        return bounded(value, MAX_NAME)
    if isinstance(value, Mapping):
        return {bounded(str(name), MAX_NAME): _cut(one) for name, one in list(value.items())[:MAX_FACTS_ITEMS]}
    if isinstance(value, list | tuple):
        return type(value)(_cut(one) for one in value[:MAX_FACTS_ITEMS])
    return value
