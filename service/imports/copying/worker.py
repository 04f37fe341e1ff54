"""Copy the clips of a batch that belong to no set."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from service.domain.clips import ClipRow
from service.domain.errors import AccessDenied, DestinationChanged, ObjectError, SourceChanged, SourceUnavailable
from service.domain.fates import SUPERSEDED, Fate
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.domain.requests import ContentValidation
from service.formats.facts import Verdict
from service.formats.failures import ContentInvalid, UnknownFormat
from service.formats.reader import Reading
from service.imports.copying.conflict import CONFLICTS, decide
from service.imports.copying.content import small_check, validate_content
from service.imports.copying.context import BatchWork, Clip, write_rows
from service.imports.copying.superseded import give_back, refuse_to_replace
from service.imports.results.clip_rows import copied_row, failure_fate, row_for, settled_rows
from service.ports.objects import ServerSideCopier
from service.support.parallel import each
from service.support.stops import OutOfTime, Stopped

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
    replaces = clip.entry.upload and clip.entry.destination_etag
    if deep or replaces or clip.large or isinstance(clip.copier, AccessDenied) or clip.copier.streams:
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
            verdict = yield from small_check(entry)
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
        mark_of=work.mark_of,
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
            refuse_to_replace(work, clip, conflict=found is not None)
            try:
                copied = work.copy(clip)
            except DestinationChanged as another:
                found = another
            else:
                give_back(work, clip)
                return copied_row(clip.entry, verdict, copied)
    except (ObjectError, OutOfTime, Stopped) as reason:
        return result_of(clip.entry, reason)
    return SourceUnavailable("its destination keeps changing", operation="copy", uri=clip.entry.source_uri)


def result_of(entry: ManifestEntry, reason: Reason) -> Result:
    """The result of a clip that was not copied."""
    if isinstance(reason, SourceUnavailable | OutOfTime):
        return reason
    if isinstance(reason, Stopped):
        return row_for(entry, reason.fate)
    if isinstance(reason, SourceChanged) and entry.upload:
        return row_for(entry, SUPERSEDED)
    return row_for(entry, failure_fate(reason))
