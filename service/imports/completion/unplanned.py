"""Write a failed row for each named clip if planning failed before it completed."""

from collections.abc import Iterator

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.fates import CANCELLED, Fate
from service.domain.jobs import Job, SourceKind
from service.domain.limits import MAX_SHOWN_URI, bounded
from service.domain.manifest import ManifestEntry
from service.domain.uris import s3_at
from service.imports.completion.context import FinishPorts
from service.imports.inputs.upload_lists import claimed_uploads
from service.imports.inputs.uri_list import requested_uris
from service.imports.inputs.view_sets import parts_of_sets, requested_sets
from service.imports.manifest.store import ManifestWriter


def plan_as_failed(job: Job, reason: str, ports: FinishPorts) -> None:
    """Write a manifest in which the clips of a list, of sets or of uploads are failed, or cancelled."""
    fate = CANCELLED if job.cancel_requested else Fate(ClipStatus.FAILED, ClipCode.PLANNING_FAILED, reason)
    writer = ManifestWriter(ports.state, job.id, job.run, batch_clips=PART_CLIPS, batch_bytes=1)
    for part in _named_clips(job, ports):
        writer.write_part([entry.with_fate(fate) for entry in part])
    stored = writer.end()
    ports.jobs.end_planning(
        job.id,
        run=job.run,
        total=stored.total,
        skipped=stored.skipped,
        cut_short=stored.cut_short,
        rounds=stored.rounds,
        now=ports.clock(),
    )


def _named_clips(job: Job, ports: FinishPorts) -> Iterator[list[ManifestEntry]]:
    """Yield the named clips of each manifest part."""
    if job.source.kind is SourceKind.SETS:
        yield from parts_of_sets(requested_sets(job, ports.state))
        return
    if job.source.kind is SourceKind.LIST:
        uris = requested_uris(job, ports.state)
    else:
        ports.jobs.begin_planning(job.id, ports.clock(), run=job.run)
        uploads = claimed_uploads(job.id, ports.uploads, ports.state)
        uris = [str(s3_at(upload.bucket, upload.key)) for upload in uploads]
    for first in range(0, len(uris), PART_CLIPS):
        part = enumerate(uris[first : first + PART_CLIPS], first)
        yield [
            ManifestEntry(ordinal=ordinal, source_uri=bounded(uri, MAX_SHOWN_URI), destination="")
            for ordinal, uri in part
        ]
