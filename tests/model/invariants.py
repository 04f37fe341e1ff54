"""Invariants that hold once everything is quiet, whatever happened before."""

from collections import Counter
from dataclasses import asdict

from service.domain.batching import sets_of
from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.ids import clip_id, copy_mark, end_id, job_id_for
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.progress import runs_after
from service.domain.requests import Upload
from service.domain.service_buckets import project_of_upload
from service.imports.inputs.upload_lists import decode_uploads
from service.imports.queries.find import Wanted, find_clips
from service.imports.results.clip_rows import row_of_plan, tally_of, with_rows_of_plan
from tests.builders import CLIPS_BUCKET, PROJECT, World, summing
from tests.model.ledger import Ledger, Violation

LANDED = (ClipStatus.COPIED, ClipStatus.SKIPPED)


def quiet(world: World) -> bool:
    """Whether every import has ended and told so, and every deleted one is gone."""
    return (
        all(job.status.terminal for job in world.jobs.rows.values())
        and all(end.closed for end in world.jobs.ends.values())
        and world.jobs.buried == set(world.jobs.hidden)
    )


def check(world: World, ledger: Ledger) -> None:
    """Raises `Violation`."""
    for job in world.jobs.rows.values():
        entries = {entry.ordinal: entry for entry in world.manifest(job.id)} if job.planned else {}
        rows = with_rows_of_plan(job, entries.values(), world.clips.rows[job.id])
        check_counts(job, rows, entries)
        for row in rows.values():
            check_object(world, ledger, job, row)
            must(row.code != ClipCode.MANIFEST_LOST, f"{job.id}/{row.ordinal}: {row.message}")
        check_found(world, job)
        check_sets(world, ledger, job, rows, list(entries.values()))
    check_ends(world)
    check_uploads(world, ledger)
    check_manifests(world, ledger)
    check_leftovers(world, ledger)


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)


def check_counts(job: Job, rows: dict[int, ClipRow], entries: dict[int, ManifestEntry]) -> None:
    """Counts, rows and plan name the same clips."""
    must(summing(job.counts), f"{job.id}: the counts do not add up: {job.counts}")
    must(job.counts.pending == 0, f"{job.id} has ended with pending clips: {job.counts}")
    must(len(rows) == job.counts.total, f"{job.id} has {len(rows)} rows and counts {job.counts.total} clips")
    must(not job.planned or sorted(rows) == sorted(entries), f"{job.id}: the rows are not those of the plan")
    counted = asdict(tally_of(list(rows.values())))
    counts = {name: getattr(job.counts, name) for name in counted}
    must(counted == counts, f"{job.id} counts {counts}, its rows say {counted}")
    landed = [run.counts.copied + run.counts.skipped for run in runs_after(job)]
    must(landed == sorted(landed), f"{job.id}: a retry took landed clips away: {landed}")


def check_object(world: World, ledger: Ledger, job: Job, row: ClipRow) -> None:
    """The object that a row names as landed is there, unless a user deleted it."""
    if row.status not in LANDED or row.code in (ClipCode.ARCHIVED, ClipCode.DUPLICATE, ClipCode.SUPERSEDED):
        return
    key, versions = str(row.destination), [item.etag for item, _ in world.storage.marks[str(row.destination)]]
    must(key.startswith(f"{job.project}/"), f"{job.id} of {job.project} has a clip at {key}")
    gone = row.etag in ledger.removed_by_users[key]
    must(row.etag in versions or gone, f"{job.id}/{row.ordinal} is {row.status}: {row.etag} is not among {versions}")
    if row.status is ClipStatus.COPIED:
        own = [write for write in ledger.writes if (write.job_id, write.key, write.etag) == (job.id, key, row.etag)]
        must(bool(own), f"{job.id}/{row.ordinal} is COPIED, but another import made the copy at {key}")
    there = world.storage.buckets[CLIPS_BUCKET].get(key)
    must(gone or there is not None, f"{job.id}/{row.ordinal} is {row.status}, and nothing lies at {key}")


def check_found(world: World, job: Job) -> None:
    """A find by URI has each clip that planning skipped, unless it was deleted since."""
    for entry in world.manifest(job.id) if job.skipped_by_plan else ():
        if row_of_plan(job, entry) and entry.ordinal not in world.clips.rows[job.id]:
            wanted = Wanted(original_clipgt_url=entry.source_uri)
            page = find_clips(job.project, wanted, limit=100, cursor=None, ports=world.status_ports)
            found = {one.clip.id for one in page.items}
            must(
                clip_id(job.id, entry.ordinal) in found,
                f"a find misses {job.id}/{entry.ordinal}, which planning skipped",
            )


def check_sets(world: World, ledger: Ledger, job: Job, rows: dict[int, ClipRow], entries: list[ManifestEntry]) -> None:
    """A set landed whole or not at all. The copy of a killed late worker may stay: nothing runs after it."""
    for unit in sets_of(entries):
        if unit[0].group is None:
            continue
        fates = [rows[entry.ordinal].status for entry in unit]
        landed = [fate in LANDED for fate in fates]
        must(len(set(landed)) == 1, f"{job.id}: the set {unit[0].ordinal} landed in part: {fates}")
        late = {write.key for write in ledger.writes if write.job_id == job.id and write.late}
        mark = copy_mark(job.id, unit[0].ordinal, unit[0].group)
        for entry in unit:
            kept = [item.etag for item, made_by in world.storage.marks[entry.destination] if made_by == mark]
            fine = all(landed) or not kept or entry.destination in late
            must(fine, f"{job.id}: copies {kept} of a failed set stay at {entry.destination}")


def check_ends(world: World) -> None:
    """Each attempt ended once, and was told with the counts that it had."""
    told = {str(event["event_id"]): event for event in world.bus.events}
    for job in world.jobs.rows.values():
        for run in runs_after(job):
            event = told.get(end_id(job.id, run.completed_at))
            must(event is not None, f"{job.id}: no event of attempt {run.run}")
            assert event is not None
            said = (event["run"], event["status"], event["counts"])
            must(said == (run.run, run.status, asdict(run.counts)), f"{job.id}: the event says {said}, not {run}")
    ends = Counter((end.job_id, end.run) for end in world.jobs.ends.values())
    must(max(ends.values(), default=1) == 1, f"an attempt ended twice: {ends.most_common(1)}")


def check_uploads(world: World, ledger: Ledger) -> None:
    """Each upload belongs to one import, and one that came after a cancel is not cancelled by it."""
    must(set(world.uploads.owners) == set(ledger.uploaded), "not every upload belongs to an import")
    found: Counter[str] = Counter()
    for job in world.jobs.rows.values():
        lists = [decode_uploads(world.state.files[key]) for key in world.uploads.lists(job.id)]
        uploads = [upload for some in lists for upload in some]
        found.update(upload.identity for upload in uploads)
        cancelled = ledger.cancelled.get((job.id, 0))
        late = [one.key for one in uploads if cancelled and ledger.uploaded[one.identity] > cancelled]
        must(not late, f"{job.id} was cancelled and took {late} after that")
    must(max(found.values(), default=1) == 1, f"an upload is in two imports: {found.most_common(1)}")
    kept = {identity for identity, owner in world.uploads.owners.items() if owner in world.jobs.rows}
    must(set(found) == kept, "a claimed upload is in no list of its import")


def check_manifests(world: World, ledger: Ledger) -> None:
    """Each uploaded manifest has its import, or a later upload of the same content has one."""
    imports = set(world.jobs.rows) | set(world.jobs.hidden)
    for upload in ledger.manifests:
        same = [one for one in ledger.manifests if (one.key, one.etag) == (upload.key, upload.etag)]
        of = [_import_of(one) for one in same if one.sequencer >= upload.sequencer]
        must(not imports.isdisjoint(of), f"no import of the manifest {upload.identity}")


def _import_of(manifest: Upload) -> str:
    return job_id_for(project_of_upload(manifest.key, PROJECT), f"manifest {manifest.identity}")


def check_leftovers(world: World, ledger: Ledger) -> None:
    """Deleted imports and unfinished uploads leave only what late killed workers began."""
    for job_id in world.jobs.hidden:
        files = [key for key in world.state.files if key.startswith(f"jobs/{job_id}/")]
        # A request that lost its race leaves its file, which the bucket's lifecycle rule removes.
        rest = [key for key in files if not key.startswith((f"jobs/{job_id}/request-", f"jobs/{job_id}/uploads/"))]
        must(not rest, f"{job_id} is deleted, its files {rest} stay")
        must(not world.clips.rows.get(job_id), f"{job_id} is deleted, its rows stay")
        must(not world.jobs.batches.get(job_id), f"{job_id} is deleted, its batches stay")
    begun_late = ledger.begun_late
    records = [key for key in world.large.rows if key not in begun_late]
    must(not records, f"records of unfinished uploads stay: {records}")
    open_uploads = {upload.key for upload in world.storage.multiparts.values()} - ledger.begun_late_at
    must(not open_uploads, f"unfinished uploads stay: {open_uploads}")
