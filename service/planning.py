"""Pure rules of an import: URIs, destination keys, manifest lines, batches, part sizes, ids, final statuses."""

import hashlib
import json
import math
import re
import secrets
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import accumulate, groupby
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from service.domain.uris import MAX_KEY_BYTES, Location
from service.schema import (
    Batch,
    ClipKeys,
    ClipRow,
    ClipStatus,
    Counts,
    Job,
    JobStatus,
    JobTag,
    ManifestEntry,
    Run,
    Tolerance,
)

MAX_COPY_BYTES = 5 * 1024**3  # S3: one CopyObject or UploadPartCopy request
MAX_PARTS = 10_000  # S3: parts of a multipart upload
MAX_OBJECT_BYTES = MAX_PARTS * MAX_COPY_BYTES  # S3: 48.8 TiB
ORDINAL_DIGITS = 10
PART_CLIPS = 1_000
"""Lines of a manifest part. Parts are cut at fixed ordinals, so a page of clips needs no index to be found.

Where clips are in sets a part holds the sets whose last view has one of its ordinals (`set_parts`)."""

MAX_RUNS = 50
"""Ended runs that a job's row remembers, some 200 bytes each: every batch that counts pays for the row's size."""

CANCELLED = "CANCELLED"
MANIFEST_LOST = "MANIFEST_LOST"
CANCELLED_MESSAGE = "the job was cancelled before this clip was copied"
TOO_MANY_FAILURES = "TOO_MANY_FAILURES"

VIEWS = (
    *("front", "rear", "back", "left", "right", "top", "bottom"),
    *("overhead_1", "overhead_2", "overhead_3", "overhead_4", "overhead_5", "overhead_6"),
    "vehicle_view",
)
"""Roles of a set's views. A role comes once in a set, so a set has 14 views at most."""
FRONT = "front"

PROJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_JOB_ID = re.compile(r"ij_[0-9a-f]{24}")
_NOT_IN_A_SEGMENT = re.compile(r"[/%\x00-\x1f\x7f]")


def is_folder_marker(key: str, size: int) -> bool:
    """Consoles make empty objects named `folder/`: they are no clips."""
    return size == 0 and key.endswith("/")


def destination_key(project: str, folder: str | None, at: Location, *, store: str | None = None) -> str:
    """The one place of a source object in the clips bucket: `project/folder/bucket/key`.

    Stable (nothing but the arguments), free of collisions (each argument but the key is one path segment) and below
    the project's prefix. `-` stands for "no folder". A key that does not fit, or that has `.` or `..` segments which
    some tools resolve, becomes `bucket~/SHA-256/name` instead; no bucket name holds a `~`. `store`: `store_segment`.
    """
    key, root = at.key, destination_root(project, folder, at, store=store)
    mirrored = f"{root}/{key}"
    segments = key.split("/")
    if len(mirrored.encode()) <= MAX_KEY_BYTES and not {".", ".."} & set(segments):
        return mirrored
    start = f"{root}~/{hashlib.sha256(key.encode()).hexdigest()}/"
    name = next((segment for segment in reversed(segments) if segment.strip(".")), "object")
    room = MAX_KEY_BYTES - len(start.encode())
    return start + name.encode()[-room:].decode(errors="ignore")


def destination_root(project: str, folder: str | None, at: Location, *, store: str | None = None) -> str:
    """What the destinations of a bucket's objects begin with, before the `/` and the key.

    Buckets of different stores may have one name: of all but AWS's own the segment is `gs~bucket`,
    `hf~namespace~name`, `s3~host~bucket`.
    """
    names = [store, *at.bucket.split("/")] if store else at.bucket.split("/")
    own = at.scheme == "s3" and not store
    return f"{folder_root(project, folder)}/{'~'.join(names if own else [at.scheme, *names])}"


def store_segment(endpoint_url: str | None) -> str | None:
    """What tells an endpoint from others in destinations: `host` or `host~port`."""
    if endpoint_url is None:
        return None
    parts = urlsplit(endpoint_url)
    host = (parts.hostname or "").replace(":", "_")  # IPv6
    return f"{host}~{parts.port}" if parts.port else host


def folder_root(project: str, folder: str | None) -> str:
    """What the destinations of a folder begin with, before the `/` and the name."""
    return f"{project}/{_folder_segment(folder)}"


def _folder_segment(folder: str | None) -> str:
    if folder is None:
        return "-"
    if folder.strip(".") == "" or folder == "-":
        return "".join(f"%{byte:02X}" for byte in folder.encode())
    return _NOT_IN_A_SEGMENT.sub(lambda match: quote(match[0], safe=""), folder)


# --- ids -----------------------------------------------------------------------------------------------------------


def new_job_id() -> str:
    return f"ij_{secrets.token_hex(12)}"


def job_id_for(project: str, idempotency_key: str) -> str:
    """The same project and key name the same job, whoever computes it."""
    digest = hashlib.sha256(f"{project}\0{idempotency_key}".encode()).hexdigest()
    return f"ij_{digest[:24]}"


def is_job_id(text: str) -> bool:
    """Whether it can be a job's id at all; anything else need not be looked for."""
    return _JOB_ID.fullmatch(text) is not None


def clip_id(job_id: str, ordinal: int) -> str:
    return f"{job_id}-{ordinal}"


def ordinal_of(job_id: str, text: str) -> int | None:
    """The ordinal in a clip's id; None where it is no id of this job's clips."""
    prefix, _, digits = text.rpartition("-")
    if prefix != job_id or not digits.isdecimal() or not digits.isascii() or len(digits) > ORDINAL_DIGITS:
        return None
    return int(digits) if str(int(digits)) == digits else None


def execution_name(job_id: str, run: int) -> str:
    return f"{job_id}-r{run}" if run else job_id


def request_digest(request: object) -> str:
    """SHA-256 of a request's canonical JSON."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


# --- finding -------------------------------------------------------------------------------------------------------


def search_key(project: str, value: str) -> str:
    """What a project's clip id or URI is indexed under: 128 bits of a SHA-256, since a URI may have 1 KB."""
    return hashlib.sha256(f"{project}\0{value}".encode()).hexdigest()[:32]


def findable(row: ClipRow, *, job_id: str, project: str, created_at: str) -> ClipRow:
    """The row with the keys that it is found under, for the job of that id and time."""
    if not row.source_uri:
        return row
    keys = ClipKeys(
        clip=search_key(project, gt_clip_id(row.source_uri, row.facts)),
        url=search_key(project, row.source_uri),
        position=f"{job_position(created_at, job_id)}#{row.ordinal:010d}",
    )
    return row.with_keys(keys)


def job_position(created_at: str, job_id: str) -> str:
    """Where a job stands in lists that are ordered by time."""
    return f"{created_at}#{job_id}"


def tags_of(job: Job) -> list[tuple[JobTag, str]]:
    """What the job is found by, each pair once."""
    labels = [(JobTag.LABEL, label) for label in dict.fromkeys(job.labels)]
    folder = [(JobTag.FOLDER, job.folder)] if job.folder is not None else []
    return [(JobTag.GROUP, job.test_run_group_name), *labels, *folder]


# --- state keys ----------------------------------------------------------------------------------------------------


def job_files(job_id: str) -> str:
    """What the keys of all of a job's files begin with."""
    return f"jobs/{job_id}/"


MARK = "clipferry-set"
"""User metadata of a set's copies: what `set_mark` says."""

SOURCE_MARK = "clipferry-source"
"""User metadata of every streamed copy: of which source object it is one. Its ETag need not tell."""


def set_mark(job_id: str, group: int) -> str:
    """What the copies of a set are marked with: the id of its front clip, so no other import's copies have it."""
    return clip_id(job_id, group)


def request_key(job_id: str, digest: str) -> str:
    """Where a list's URIs, or the sets, lie. Requests that race for one job id do not overwrite each other's."""
    return f"jobs/{job_id}/request-{digest[:16]}.jsonl"


def upload_list_key(job_id: str, name: str) -> str:
    return f"jobs/{job_id}/uploads/{name}.jsonl"


def run_files(job_id: str, run: int) -> str:
    """What the keys of a run's files begin with."""
    return f"jobs/{job_id}/runs/{run}/" if run else job_files(job_id)


def selection_key(job_id: str, run: int, digest: str) -> str:
    """Where the ordinals lie that a retry was asked for. Requests that race do not overwrite each other's."""
    return f"{run_files(job_id, run)}selection-{digest[:16]}.jsonl"


def run_plan_key(job_id: str, run: int) -> str:
    """What a retry's planning came to; it is there when the run's manifest and batches are whole."""
    return f"{run_files(job_id, run)}plan.json"


def part_key(job_id: str, part: int, run: int = 0) -> str:
    return f"{run_files(job_id, run)}manifest/part-{part:06d}.jsonl"


def batches_key(job_id: str, round_number: int | None = None, run: int = 0) -> str:
    """The list of batches that the map reads, or what one round of planning adds to it."""
    name = "batches.jsonl" if round_number is None else f"rounds/{round_number:04d}.jsonl"
    return run_files(job_id, run) + name


def carried_key(job_id: str, round_number: int, digest: str) -> str:
    """Clips of a part that was not whole when a round of planning ended. A round that is repeated may end elsewhere."""
    return f"jobs/{job_id}/rounds/{round_number:04d}-carried-{digest[:16]}.jsonl"


# --- ends ----------------------------------------------------------------------------------------------------------

REPORT_FILES = {"csv": "clips.csv", "jsonl": "clips.jsonl", "summary": "summary.json", "failures": "failures.jsonl"}
"""The files of a report by their formats."""
_FAILURES = re.compile(rf"jobs/(ij_[0-9a-f]{{24}})/report/[0-9TZ]+/{re.escape(REPORT_FILES['failures'])}")


def end_id(job_id: str, ended_at: str) -> str:
    """Names one end of a job, the same on every repeat: a job that runs again ends again, at another time."""
    return f"{job_id}-{re.sub('[^0-9TZ]', '', ended_at)}"


def report_folder(job_id: str, ended_at: str) -> str:
    return f"jobs/{job_id}/report/{end_id(job_id, ended_at).removeprefix(f'{job_id}-')}/"


def report_key(job_id: str, ended_at: str, form: str) -> str:
    """`form` is one of `REPORT_FILES`."""
    return report_folder(job_id, ended_at) + REPORT_FILES[form]


def job_of_failures(key: str) -> str | None:
    """Whose failures a key in the state bucket names, or None where it is no such file."""
    match = _FAILURES.fullmatch(key)
    return match[1] if match else None


def conclusion_name(job_id: str, ended_at: str, number: int) -> str:
    """The execution that concludes an end by itself, for the `number`th time. Step Functions allows 80 characters."""
    return f"{end_id(job_id, ended_at)}-{number}"


# --- manifest ------------------------------------------------------------------------------------------------------


def encode_entry(entry: ManifestEntry) -> bytes:
    """One manifest line, without the fields that are empty."""
    fields = {name: value for name, value in vars(entry).items() if value is not None}
    if entry.status is ClipStatus.PENDING:
        del fields["status"]
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def decode_entries(lines: bytes) -> list[ManifestEntry]:
    return [_decode_entry(line) for line in lines.splitlines()]


def _decode_entry(line: bytes) -> ManifestEntry:
    fields = json.loads(line)
    if "status" in fields:
        fields["status"] = ClipStatus(fields["status"])
    return ManifestEntry(**fields)


def encode_batch(batch: Batch) -> bytes:
    return json.dumps(asdict(batch), separators=(",", ":")).encode() + b"\n"


def decode_batches(lines: bytes) -> Iterator[Batch]:
    return (Batch(**json.loads(line)) for line in lines.splitlines())


# --- batches and parts ---------------------------------------------------------------------------------------------


STREAM_WEIGHT = 4
"""How often a byte counts in a batch that may pass through the copy function. It holds up a call as no copy inside S3
does: 25 of a batch's 100 GiB take some 7 minutes."""


def batch_weight(entry: ManifestEntry) -> int:
    """The clip's bytes, as `batch_bytes` counts them."""
    inside = entry.integration is None and entry.source_uri.startswith("s3://")
    return (entry.size or 0) * (1 if inside else STREAM_WEIGHT)


def cut_batches(
    sizes: Sequence[int], *, max_clips: int, max_bytes: int, groups: Sequence[int | None] = ()
) -> Iterator[tuple[int, int]]:
    """(first index, count) of consecutive runs with at most `max_clips` clips and `max_bytes` bytes each.

    Clips of one of the `groups` stay together. A clip or a group beyond a limit by itself is a run of its own.
    """
    first, end, total = 0, 0, 0
    units = groupby(range(len(sizes)), lambda index: _unit(index, groups[index] if groups else None))
    for unit in (list(indexes) for _, indexes in units):
        size = sum(sizes[index] for index in unit)
        if end > first and (end + len(unit) - first > max_clips or total + size > max_bytes):
            yield first, end - first
            first, total = end, 0
        end += len(unit)
        total += size
    if end > first:
        yield first, end - first


def _unit(position: int, group: int | None) -> tuple[bool, int]:
    """The same for all clips of a group; a clip without one is its own unit."""
    return (True, position) if group is None else (False, group)


def sets_of(entries: Iterable[ManifestEntry]) -> Iterator[list[ManifestEntry]]:
    """The entries set by set; a clip that belongs to none comes alone."""
    for _, unit in groupby(entries, lambda entry: _unit(entry.ordinal, entry.group)):
        yield list(unit)


def whole_sets(entries: Iterable[ManifestEntry], ordinals: Collection[int]) -> set[int]:
    """`ordinals`, and those of all other views of their sets."""
    chosen = [unit for unit in sets_of(entries) if any(entry.ordinal in ordinals for entry in unit)]
    return {entry.ordinal for unit in chosen for entry in unit}


def set_parts(sizes: Sequence[int], *, first: int = 0, part_clips: int = PART_CLIPS) -> Iterator[tuple[int, int]]:
    """(first set, count) of each part, for sets of these numbers of views; `first` is an ordinal to begin at.

    A set lies in the part of its last view: parts hold whole sets, and begin early by less than a set.
    """
    ends = list(accumulate(sizes))
    begun = bisect_right(ends, first)
    for _, numbers in groupby(range(begun, len(ends)), lambda number: (ends[number] - 1) // part_clips):
        found = list(numbers)
        yield found[0], len(found)


STREAM_PART_BYTES = 16 * 1024**2
"""A part of a streamed copy: held in memory from its first byte read to its last byte sent."""


def copy_parts(size: int, *, part_bytes: int) -> list[tuple[int, int]]:
    """(first byte, last byte) of each part of a multipart copy, as `CopySourceRange` counts them.

    With `part_bytes` from 5 MiB on each part has a size that S3 takes (5 MiB to 5 GiB, the last one may be smaller).
    Raises `ValueError` for a size beyond `MAX_OBJECT_BYTES`.
    """
    part = part_size(size, part_bytes=part_bytes)
    return [(start, min(start + part, size) - 1) for start in range(0, size, part)]


def part_size(size: int, *, part_bytes: int) -> int:
    """Bytes of each part but the last: `part_bytes`, or more where S3's 10,000 parts would not be enough."""
    if size > MAX_OBJECT_BYTES:
        raise ValueError(f"{size} bytes are beyond S3's largest object")
    return max(part_bytes, -(-size // MAX_PARTS))


def duplicates_of_first(keys: Iterable[str]) -> dict[int, int]:
    """index → index of the first equal one, for every entry that repeats an earlier one."""
    seen: dict[str, int] = {}
    repeats: dict[int, int] = {}
    for index, key in enumerate(keys):
        first = seen.setdefault(key, index)
        if first != index:
            repeats[index] = first
    return repeats


# --- statuses ------------------------------------------------------------------------------------------------------


def final_status(counts: Counts, *, cancel_requested: bool) -> JobStatus:
    """The terminal status of a job whose clips are all settled.

    FAILED: nothing landed though something was asked for. A job that asked for nothing is COMPLETED.
    """
    if counts.cancelled or (cancel_requested and counts.settled < counts.total):
        return JobStatus.CANCELLED
    if not counts.failed:
        return JobStatus.COMPLETED
    return JobStatus.COMPLETED_WITH_ERRORS if counts.copied or counts.skipped else JobStatus.FAILED


def too_many_failures(tolerated: Tolerance | None, *, failed: int, total: int) -> str | None:
    """A sentence with both numbers where more clips failed than the import bears; else None."""
    if tolerated is None:
        return None
    if tolerated.count is not None:
        return None if failed <= tolerated.count else f"{failed:,} clips failed, {tolerated.count:,} are tolerated"
    assert tolerated.percent is not None
    if failed * 100 <= tolerated.percent * total:
        return None
    return f"{failed:,} of {total:,} clips failed, {tolerated.percent:g} percent are tolerated"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """The speed of a job's run since its copying began: settled clips and copied bytes a second."""

    clips: float
    bytes: float


def rate(job: Job, now: str) -> Rate | None:
    """None before copying, and in its first instant."""
    if job.copying_since is None:
        return None
    until = datetime.fromisoformat(job.completed_at or now)
    seconds = (until - datetime.fromisoformat(job.copying_since)).total_seconds()
    if seconds <= 0:
        return None
    clips, size = job.counts.settled - job.settled_before, job.counts.bytes - job.bytes_before
    return Rate(clips=clips / seconds, bytes=size / seconds)


def eta_seconds(job: Job, now: str) -> int | None:
    """Seconds until every clip is settled if the rate stays as it is; None where nothing tells, or the job ended."""
    speed = rate(job, now)
    if job.status is not JobStatus.COPYING or speed is None or not speed.clips:
        return None
    return math.ceil(job.counts.pending / speed.clips)


def run_name(prefix: str | None, uri: str, set_name: str | None = None) -> str:
    """A clip's run: the prefix and the name of its set, else of the object without its extension."""
    return (prefix or "") + (set_name or stem(uri))


def runs_after(job: Job) -> tuple[Run, ...]:
    """The ended job's history with the run that it shows, the last `MAX_RUNS` of them."""
    assert job.completed_at is not None
    ended = Run(
        run=job.run,
        started_at=run_started_at(job),
        completed_at=job.completed_at,
        status=job.status,
        counts=job.counts,
        code=job.code,
        message=job.message,
        key_id=job.retry.key_id if job.retry else job.key_id,
        idempotency=job.retry.idempotency if job.retry else None,
        digest=job.retry.digest if job.retry else None,
    )
    return (*job.runs, ended)[-MAX_RUNS:]


def run_started_at(job: Job) -> str:
    """When the run that the job is in began."""
    return job.retry.at if job.retry else job.created_at


def run_ended_at(job: Job, run: int) -> str | None:
    """When that run of the job ended; None where it goes on, or is not remembered any more."""
    if job.run == run:
        return job.completed_at
    return next((former.completed_at for former in job.runs if former.run == run), None)


def gt_clip_id(uri: str, facts: Mapping[str, object] | None) -> str:
    """The clip id that content validation found; else the object's name without its extension."""
    found = (facts or {}).get("clip_id")
    return str(found) if found else stem(uri)


def stem(uri: str) -> str:
    """The object's name without its extension, as `PurePosixPath` has it, in a tenth of its time."""
    name = uri.rpartition("/")[2]
    if name in ("", "."):
        name = next((segment for segment in reversed(uri.split("/")) if segment not in ("", ".")), "")
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def extension(key: str) -> str:
    """Lower-case extension with its dot, empty where there is none."""
    return PurePosixPath(key).suffix.lower()
