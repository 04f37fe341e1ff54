"""Copy the clips of a batch that belong to no set."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import BoundedSemaphore

from service.domain.clips import ClipRow
from service.domain.errors import AccessDenied, DestinationChanged, ObjectError, SourceUnavailable
from service.domain.fates import Fate
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.domain.requests import ContentValidation
from service.formats.facts import Verdict
from service.formats.failures import ContentInvalid, UnknownFormat
from service.formats.reader import Reading
from service.imports.copying.conflict import CONFLICTS, decide
from service.imports.copying.context import BatchWork, Clip, write_rows
from service.imports.results.clip_rows import copied_row, failure_fate, row_for, settled_rows
from service.ports.objects import ServerSideCopier
from service.support.parallel import each
from service.support.stops import OutOfTime, Stopped

CHECKS_AT_ONCE = 16
"""Clips that one process validates at once: each may hold two reads of 16 MiB (`formats.reader.MAX_READ_BYTES`)."""
_CHECKS = BoundedSemaphore(CHECKS_AT_ONCE)
LOOP_BYTES = 1024**2
"""What a check may read on the event loop of all copies. A check that needs more holds the loop too long, and moves to
a thread: a film of an hour has 1 MiB of tables."""

Reason = ContentInvalid | ObjectError | OutOfTime | Stopped | UnknownFormat
"""Why a clip was not copied."""

Result = ClipRow | SourceUnavailable | OutOfTime
"""A clip's row, or why it has none yet: a transient fault, or the end of the call's time."""


def copy_clips(work: BatchWork, entries: Sequence[ManifestEntry]) -> list[Result]:
    """Copy each clip that needs it and write its row. Plain copies inside one store share the event loop, with their
    checks; every other clip takes a worker thread.
    """
    results: list[Result] = []
    together: dict[str | None, tuple[ServerSideCopier, list[ManifestEntry]]] = {}
    alone: list[Clip] = []
    large_checks: list[ManifestEntry] = []
    for entry in entries:
        if entry.ordinal in work.known:
            results.append(work.known[entry.ordinal])
        elif entry.fate:
            results.append(_planned(work, entry, entry.fate))
        else:
            clip = work.clip(entry)
            copier = _plain_copier(work, clip)
            if copier:
                together.setdefault(entry.integration, (copier, []))[1].append(entry)
            else:
                alone.append(clip)
    tasks: list[Callable[[], Sequence[Result]]] = [
        *(partial(_copy_together, work, copier, some, large_checks) for copier, some in together.values()),
        *(partial(_copy_alone, work, clip) for clip in alone),
    ]
    for some in each(lambda task: task(), tasks, threads=work.ports.threads):
        results += some
    checked_alone = [work.clip(entry) for entry in large_checks]
    for some in each(lambda clip: _copy_alone(work, clip), checked_alone, threads=work.ports.threads):
        results += some
    return results


def _planned(work: BatchWork, entry: ManifestEntry, fate: Fate) -> ClipRow:
    """The row of a clip whose fate planning decided."""
    row = row_for(entry, fate)
    work.rows.add([row])
    return row


def _plain_copier(work: BatchWork, clip: Clip) -> ServerSideCopier | None:
    """What copies the clip together with others; None where it needs a thread of its own."""
    deep = work.settings.content_validation is ContentValidation.DEEP
    if deep or clip.large or isinstance(clip.copier, AccessDenied) or clip.copier.streams:
        return None
    return clip.copier


def _copy_together(
    work: BatchWork, copier: ServerSideCopier, entries: Sequence[ManifestEntry], large_checks: list[ManifestEntry]
) -> Sequence[Result]:
    """`large_checks` gets the clips that are to be checked, and copied, in threads."""
    results: list[Result] = []
    conflicts: list[tuple[ManifestEntry, Verdict | None, DestinationChanged]] = []
    verdicts: dict[int, Verdict] = {}

    # The event loop runs all of these: none may block.

    def settled(entry: ManifestEntry, outcome: Copied | Reason) -> None:
        verdict = verdicts.pop(entry.ordinal, None)
        if isinstance(outcome, DestinationChanged):
            conflicts.append((entry, verdict, outcome))
            return
        result = copied_row(entry, verdict, outcome) if isinstance(outcome, Copied) else result_of(entry, outcome)
        results.append(_recorded(work, result))

    def beginning() -> Iterator[ManifestEntry]:
        for entry in entries:
            try:
                work.gate.begin()
            except (OutOfTime, Stopped) as reason:
                settled(entry, reason)
            else:
                yield entry

    def check(entry: ManifestEntry) -> Reading[bool]:
        try:
            verdict = yield from _small_check(entry)
        except (ContentInvalid, UnknownFormat) as reason:
            settled(entry, reason)
            return False
        if verdict is None:
            large_checks.append(entry)
            return False
        verdicts[entry.ordinal] = verdict
        return True

    validated = work.settings.content_validation is not ContentValidation.NONE
    copier.copy_each(
        beginning(),
        work.settings,
        settled,
        at_once=work.ports.copies_at_once,
        check=check if validated else None,
    )
    for entry, verdict, found in conflicts:
        results.append(_recorded(work, _copied_over(work, Clip(entry, copier, large=False), verdict, found)))
    return results


def _recorded(work: BatchWork, result: Result) -> Result:
    if isinstance(result, ClipRow):
        work.gate.count_failures([result])
        work.rows.add([result])
    return result


def _small_check(entry: ManifestEntry) -> Reading[Verdict | None]:
    """`structure`, given up with None before it reads more than `LOOP_BYTES`. Raises as `validate_content` does."""
    # Imported here: imports without validation start faster without the parsers.
    from service.formats.check import Depth, checking

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


def _copy_alone(work: BatchWork, clip: Clip) -> Sequence[Result]:
    if not clip.large:
        return [_recorded(work, _settled(work, clip))]
    # A call may have ended between a large clip's row and the batch's count.
    known = settled_rows(work.ports.clips, work.job_id, [clip.entry])
    if known:
        return list(known.values())
    result = _settled(work, clip)
    if isinstance(result, ClipRow):
        work.gate.count_failures([result])
        held = write_rows([result], work.batch, work.ports, work.watch)
        if held:
            work.large.settled(clip.entry.ordinal)
            return held
    return [result]


def _settled(work: BatchWork, clip: Clip) -> Result:
    entry = clip.entry
    try:
        if clip.large:
            work.gate.check()  # its parts begin one by one
        else:
            work.gate.begin()
        return _copied_over(work, clip, validate_content(clip, work.settings.content_validation))
    except (ContentInvalid, ObjectError, OutOfTime, Stopped, UnknownFormat) as reason:
        return result_of(entry, reason)


def _copied_over(
    work: BatchWork, clip: Clip, verdict: Verdict | None, found: DestinationChanged | None = None
) -> Result:
    """Copy the clip. `found`, and whatever else lies at its destination by then, is decided by the import's setting."""
    try:
        for _ in range(CONFLICTS):
            if found:
                decided = decide(work, clip, found)
                if isinstance(decided, ClipRow):
                    return decided
                if isinstance(decided, Copied):
                    return copied_row(clip.entry, verdict, decided)
                clip = decided
            try:
                return copied_row(clip.entry, verdict, work.copy(clip))
            except DestinationChanged as another:
                found = another
    except (ObjectError, OutOfTime, Stopped) as reason:
        return result_of(clip.entry, reason)
    return SourceUnavailable("its destination keeps changing", operation="copy", uri=clip.entry.source_uri)


def result_of(entry: ManifestEntry, reason: Reason) -> Result:
    """The result of a clip that was not copied."""
    if isinstance(reason, SourceUnavailable | OutOfTime):
        return reason
    if isinstance(reason, Stopped):
        return row_for(entry, reason.fate)
    return row_for(entry, failure_fate(reason))


def validate_content(clip: Clip, depth: ContentValidation) -> Verdict | None:
    """None where the run does not look into clips. Raises `ContentInvalid`, `UnknownFormat` or an `ObjectError`."""
    if depth is ContentValidation.NONE:
        return None
    if isinstance(clip.copier, AccessDenied):
        raise clip.copier
    from service.formats.check import Depth, check_clip  # as in `_small_check`

    with _CHECKS:
        verdict = check_clip(clip.entry.location.key, clip.copier.reader(clip.entry), depth=Depth(depth))
    return _unless_invalid(verdict)
