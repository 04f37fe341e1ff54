"""Format values for people: sizes, durations, times, and text that must not control the terminal."""

from datetime import datetime, timezone

from rich.cells import cell_len, set_cell_size

_STEPS = (("d", 86_400), ("h", 3_600), ("min", 60))


def clean(text: object) -> str:
    """Escape what is not printable: an object's key could otherwise control the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def size(count: float) -> str:
    """Format bytes in powers of 1,000, as stores bill them: `48.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError("TB ends the loop")


def duration(seconds: float) -> str:
    """Format seconds: `0:48`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def relative(time: str, now: datetime | None = None) -> str:
    """Format an ISO time relative to `now`: `3 min ago`, `in 2 h`; from 30 days on its date."""
    seconds = ((now or datetime.now(timezone.utc)) - moment(time)).total_seconds()
    distance = abs(seconds)
    if distance >= 30 * 86_400:
        return time[:10]
    for unit, length in _STEPS:
        if distance >= length:
            count = f"{int(distance // length)} {unit}"
            return f"{count} ago" if seconds > 0 else f"in {count}"
    return "just now" if seconds >= 0 else "in seconds"


def shorten(text: str, width: int, *, dots: str) -> str:
    """Cut `text` to at most `width` columns of a terminal: the middle of a URI, the end of other text."""
    room = width - cell_len(dots)
    if cell_len(text) <= width:
        return text
    if room < 2:
        return set_cell_size(text, max(width, 0)).rstrip()
    kept = room // 2 if "://" in text else 0
    tail = set_cell_size(text[::-1], kept)[::-1].lstrip() if kept else ""
    return set_cell_size(text, room - kept).rstrip() + dots + tail


def moment(time: str) -> datetime:
    """Read a time of the API. Python 3.10 does not know its `Z`."""
    return datetime.fromisoformat(time.replace("Z", "+00:00"))
