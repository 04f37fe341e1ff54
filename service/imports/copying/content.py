"""Validate the content of clips before they are copied."""

from threading import BoundedSemaphore

from service.domain.errors import AccessDenied
from service.domain.manifest import ManifestEntry
from service.domain.requests import ContentValidation
from service.formats.facts import Verdict
from service.formats.reader import Reading
from service.imports.copying.context import Clip

CHECKS_AT_ONCE = 16
"""Clips that one process validates at once: each may hold a read of 32 MiB (`formats.limits.MAX_READ_BYTES`)."""
_CHECKS = BoundedSemaphore(CHECKS_AT_ONCE)
LOOP_BYTES = 1024**2
"""What a check may read on the event loop of all copies. A check that needs more holds the loop too long, and moves to
a thread: a film of an hour has 1 MiB of tables."""


def validate_content(clip: Clip, depth: ContentValidation) -> Verdict | None:
    """Validate the clip by blocking reads; None where the import does not look into clips.

    Raises `ContentInvalid`, `UnknownFormat` or an `ObjectError`.
    """
    if depth is ContentValidation.NONE:
        return None
    if isinstance(clip.copier, AccessDenied):
        raise clip.copier
    # Imported here: imports without validation start faster without the parsers.
    from service.formats.check import Depth, check_clip

    with _CHECKS:
        verdict = check_clip(clip.entry.location.key, clip.copier.reader(clip.entry), depth=Depth(depth))
    return _unless_invalid(verdict)


def small_check(entry: ManifestEntry) -> Reading[Verdict | None]:
    """Check a clip's structure on the event loop. None, if it would read more than `LOOP_BYTES`.

    Raises as `validate_content` does.
    """
    from service.formats.check import Depth, checking  # as in `validate_content`

    assert entry.size is not None
    reading, brought = checking(entry.location.key, entry.size, depth=Depth.STRUCTURE), 0
    try:
        wanted = next(reading)
        while (brought := brought + wanted.length) <= LOOP_BYTES:
            wanted = reading.send((yield wanted))
    except StopIteration as done:
        return _unless_invalid(done.value)
    reading.close()
    return None


def _unless_invalid(verdict: Verdict) -> Verdict:
    """Raises `ContentInvalid`."""
    if verdict.failure:
        raise verdict.failure
    return verdict
