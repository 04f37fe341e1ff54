"""Expand a job's source, of whatever kind, into parts of its manifest."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from service.domain.jobs import Job, SourceKind
from service.imports.planning.clip_ids import clip_id_parts
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.manifest_clips import manifest_parts
from service.imports.planning.named import list_parts, upload_parts
from service.imports.planning.prefix import prefix_parts
from service.imports.planning.views import view_parts


def parts_of(
    job: Job, cursor: PlanCursor, ports: ExpandPorts, *, read_again: Callable[[Job], Job] = lambda job: job
) -> "Iterator[Part | None]":
    """Yield the source part by part.

    Once the job is cancelled, nothing more is listed or inspected. The rest of a list or of uploads becomes cancelled
    clips; the rest of a prefix or a manifest is unknown, so a None ends the parts. `read_again` reads the job again; a
    preview cannot be cancelled.
    """
    parts, ordinal = _SOURCES[job.source.kind](job, cursor, ports), cursor.ordinal
    while True:
        if job.cancel_requested and job.source.kind.open_ended:
            yield None
            return
        part = next(parts, None)
        if part is None:
            return
        yield part
        ordinal += len(part.entries)
        if not job.cancel_requested:
            job = read_again(job)
            if job.cancel_requested and not job.source.kind.open_ended:
                # The carried clips are planned by now, or are cancelled with the rest.
                parts = _SOURCES[job.source.kind](job, replace(cursor, ordinal=ordinal, carried=""), ports)


_SOURCES: dict[SourceKind, Callable[[Job, PlanCursor, ExpandPorts], Iterator[Part]]] = {
    SourceKind.PREFIX: prefix_parts,
    SourceKind.MANIFEST: manifest_parts,
    SourceKind.LIST: list_parts,
    SourceKind.UPLOAD: upload_parts,
    SourceKind.SETS: view_parts,
    SourceKind.CLIP_IDS: clip_id_parts,
}
