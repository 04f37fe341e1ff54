"""Write the report of a completed import: all clips as CSV and JSONL, a summary, and the failed clips as a manifest.

Clips are read and written one manifest part at a time, so memory stays constant; files grow by multipart upload. A
round that runs out of time keeps its progress in a state file, and the next round continues there. A repeated round
writes the same parts again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from service.domain.batching import PART_CLIPS
from service.domain.clip_names import extension
from service.domain.clips import Clip
from service.domain.destinations import folder_root
from service.domain.errors import NotFound, UploadLost
from service.domain.jobs import Job, SourceKind
from service.domain.state_keys import REPORT_FILES, report_folder, report_key
from service.imports.completion.report_rows import (
    COLUMNS,
    clips_in_parts,
    csv_lines,
    csv_row,
    failure_line,
    is_failure,
    json_line,
)
from service.ports.clips import ClipStore
from service.ports.state import ReportFiles, StateFiles

PART_BYTES = 8 * 1024**2
"""Bytes of an upload's part. S3 requires 5 MiB and accepts 10,000 parts."""

MAX_EXTENSIONS = 100
OTHER = "other"
"""Counts clips beyond the first 100 extensions. All other keys begin with a dot."""

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "failures": "application/x-ndjson",
    "summary": "application/json",
}
_ROWS = ("csv", "jsonl", "failures")


class ReportPorts(Protocol):
    @property
    def clips(self) -> ClipStore: ...

    @property
    def state(self) -> StateFiles: ...

    @property
    def files(self) -> ReportFiles: ...

    @property
    def clips_bucket(self) -> str: ...


@dataclass
class Growing:
    """A file in progress: the stored parts, and the text that is not stored yet."""

    text: str = ""
    upload_id: str | None = None
    etags: list[str] = field(default_factory=list)
    stored: int = 0
    """Bytes of the stored parts."""


@dataclass
class Draft:
    """A report in progress, up to but not including clip `ordinal`."""

    ordinal: int = 0
    files: dict[str, Growing] = field(default_factory=lambda: {form: Growing() for form in _ROWS})
    by_code: dict[str, int] = field(default_factory=dict)
    by_extension: dict[str, dict[str, int]] = field(default_factory=dict)


def write_report(
    job: Job,
    document: Mapping[str, object],
    *,
    out_of_time: Callable[[], bool],
    ports: ReportPorts,
    part_bytes: int = PART_BYTES,
) -> Mapping[str, int] | None:
    """Write one round; return the bytes of each file by format, or None if another round must follow.

    The summary begins with `document`. Safe to repeat from any point.
    """
    assert job.completed_at is not None
    progress = report_folder(job.id, job.completed_at) + "progress.json"
    writer = _Writer(job, ports, part_bytes)
    draft = _read_draft(progress, ports.state)
    try:
        if not writer.go_on(draft, out_of_time):
            ports.state.put(progress, json.dumps(asdict(draft)).encode())
            return None
        return writer.complete(draft, document)
    except UploadLost:
        # An earlier try of this round completed the upload, or the upload expired: start again.
        ports.state.put(progress, json.dumps(asdict(Draft())).encode())
        return None


def _read_draft(key: str, state: StateFiles) -> Draft:
    try:
        kept = json.loads(state.get(key))
    except NotFound:
        return Draft()
    return Draft(**kept | {"files": {form: Growing(**file) for form, file in kept["files"].items()}})


@dataclass(frozen=True)
class _Writer:
    job: Job
    ports: ReportPorts
    part_bytes: int

    def _own_name(self, clip: Clip) -> str | None:
        """Return the name that the caller gave the clip; None if its destination mirrors its source."""
        job = self.job
        if job.settings.destination is None and job.source.kind is not SourceKind.MANIFEST:
            return None
        root = f"s3://{self.ports.clips_bucket}/{folder_root(job.project, job.folder)}/"
        return clip.destination.removeprefix(root) or None

    def go_on(self, draft: Draft, out_of_time: Callable[[], bool]) -> bool:
        """Write clips until none are left (True) or time is up (False); at least one part of the manifest."""
        if draft.ordinal == 0:
            draft.files["csv"].text = csv_lines([COLUMNS])
        for clips in clips_in_parts(self.job, draft.ordinal, self.ports):
            draft.files["csv"].text += csv_lines(csv_row(clip) for clip in clips)
            draft.files["jsonl"].text += "".join(map(json_line, clips))
            failures = (failure_line(clip, self._own_name(clip)) for clip in clips if is_failure(clip, self.job))
            draft.files["failures"].text += "".join(failures)
            _count(clips, draft)
            draft.ordinal += PART_CLIPS
            for form, file in draft.files.items():
                if len(file.text) >= self.part_bytes:
                    self._store(form, file)
            if draft.ordinal < self.job.counts.total and out_of_time():
                return False
        return True

    def complete(self, draft: Draft, document: Mapping[str, object]) -> Mapping[str, int]:
        sizes: dict[str, int] = {}
        for form, file in draft.files.items():
            if file.upload_id is None:
                body = file.text.encode()
                self.ports.files.put(self._key(form), body, CONTENT_TYPES[form])
                sizes[form] = len(body)
            else:
                if file.text:
                    self._store(form, file)
                self.ports.files.complete(self._key(form), file.upload_id, file.etags)
                sizes[form] = file.stored
        summary = {**document, "by_code": draft.by_code, "by_extension": draft.by_extension}
        body = json.dumps(summary, indent=2).encode() + b"\n"
        self.ports.files.put(self._key("summary"), body, CONTENT_TYPES["summary"])
        return sizes | {"summary": len(body)}

    def _store(self, form: str, file: Growing) -> None:
        """Upload the text as one part. It exceeds `part_bytes` by at most the text of one manifest part."""
        key, body = self._key(form), file.text.encode()
        if file.upload_id is None:
            file.upload_id = self.ports.files.begin(key, CONTENT_TYPES[form])
        file.etags.append(self.ports.files.put_part(key, file.upload_id, len(file.etags) + 1, body))
        file.stored += len(body)
        file.text = ""

    def _key(self, form: str) -> str:
        assert self.job.completed_at is not None
        return report_key(self.job.id, self.job.completed_at, form)


def _count(clips: Sequence[Clip], draft: Draft) -> None:
    for clip in clips:
        if clip.code:
            draft.by_code[clip.code] = draft.by_code.get(clip.code, 0) + 1
        kind = extension(clip.source_uri)
        if kind not in draft.by_extension and len(draft.by_extension) >= MAX_EXTENSIONS:
            kind = OTHER
        total = draft.by_extension.setdefault(kind, {"count": 0, "bytes": 0})
        total["count"] += 1
        total["bytes"] += clip.size or 0


def told(
    document: Mapping[str, object], report: Mapping[str, int], *, job_id: str, ended_at: str, bucket: str
) -> dict[str, object]:
    """Return a completion's document with the location of its report; null if there is none."""
    places = {form: report_key(job_id, ended_at, form) for form in REPORT_FILES}
    return {**document, "report": {"bucket": bucket, **places} if report else None}
