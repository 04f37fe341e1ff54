"""Ids of jobs, clips, executions and completions. All except the id of a new job are deterministic."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted

ORDINAL_DIGITS = 10


PROJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


_JOB_ID = re.compile(r"ij_[0-9a-f]{24}")


def new_job_id() -> str:
    return f"ij_{secrets.token_hex(12)}"


def job_id_for(project: str, idempotency_key: str) -> str:
    """Return the job id for an idempotency key; the same project and key always give the same id."""
    digest = hashlib.sha256(f"{project}\0{idempotency_key}".encode()).hexdigest()
    return f"ij_{digest[:24]}"


def is_job_id(text: str) -> bool:
    """Whether the text has the form of a job id."""
    return _JOB_ID.fullmatch(text) is not None


def clip_id(job_id: str, ordinal: int) -> str:
    return f"{job_id}-{ordinal}"


def ordinal_of(job_id: str, text: str) -> int | None:
    """Return the ordinal in a clip's id, or None if it is not the id of one of this job's clips."""
    prefix, _, digits = text.rpartition("-")
    if prefix != job_id or not digits.isdecimal() or not digits.isascii() or len(digits) > ORDINAL_DIGITS:
        return None
    return int(digits) if str(int(digits)) == digits else None


def execution_name(job_id: str, run: int, resumes: int = 0) -> str:
    """`resumes` counts the waits for restores before this execution (`Job.resumes`)."""
    name = f"{job_id}-r{run}" if run else job_id
    return f"{name}-w{resumes}" if resumes else name


def request_digest(request: object) -> str:
    """Return the SHA-256 of a request's canonical JSON."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


MARK = "clipferry-set"
"""Name of the user metadata that holds `copy_mark` on a set's copies."""


SOURCE_MARK = "clipferry-source"
"""Name of the user metadata that holds `source_mark` on streamed copies, whose own ETag may differ."""


def source_mark(size: int | None, etag: str | None, version: str | None) -> str:
    """Return a digest of a source object, which differs for each object that ever had its location."""
    # The JSON of a list. `json.dumps` would take as long as signing a request.
    told = ("null" if size is None else str(size), *("null" if one is None else quoted(one) for one in (etag, version)))
    return hashlib.sha256(f"[{', '.join(told)}]".encode()).hexdigest()[:32]


def copy_mark(job_id: str, ordinal: int, group: int | None) -> str:
    """Return the mark of a clip's copy, which no other import's copies have: its id, in a set that of the front clip.

    `mark_places` says where a copy keeps it.
    """
    return clip_id(job_id, ordinal if group is None else group)


def mark_places(mark: str | None, *, in_set: bool, source: str | None = None) -> tuple[str | None, str | None]:
    """Return the mark for the metadata (`MARK`), or None, and the website redirect location, or None.

    Outside of sets the location holds the mark: S3 copies the metadata as they are, and takes the location from the
    request (decision 127). For the same reason it holds the `source` (`source_mark`) of copies that S3 makes.
    """
    if not mark:
        return None, None
    told = f"?{source}" if source else ""
    if in_set:
        return mark, f"/{told}" if told else None
    return None, f"/{mark}{told}"


def job_of_mark(mark: str | None) -> str | None:
    """Return the id of the job whose copies have the mark; None for what is none."""
    job_id = (mark or "").rpartition("-")[0]
    return job_id if is_job_id(job_id) else None


def mark_told(metadata: Mapping[str, str], redirect: str | None) -> str | None:
    """Return the mark of a copy with this metadata and redirect location.

    S3 may have copied the metadata from a set's copy, so the location comes first.
    """
    return (redirect or "").partition("?")[0].removeprefix("/") or metadata.get(MARK)


def source_told(metadata: Mapping[str, str], redirect: str | None) -> str | None:
    """Return the `source_mark` of a copy with this metadata and redirect location.

    S3 may have copied the metadata from another streamed copy, so the location comes first.
    """
    return (redirect or "").partition("?")[2] or metadata.get(SOURCE_MARK)


def may_bear(mark: str, metadata: Mapping[str, str], redirect: str | None, *, in_set: bool) -> bool:
    """Whether an object with these may be the copy with the mark. Outside of sets, copies by older code have none."""
    if in_set:
        return metadata.get(MARK) == mark
    return redirect is None or redirect.partition("?")[0] == f"/{mark}"


def end_id(job_id: str, ended_at: str) -> str:
    """Return the id of a completed attempt. A job that is retried completes again, at another time."""
    return f"{job_id}-{re.sub('[^0-9TZ]', '', ended_at)}"


def conclusion_name(job_id: str, ended_at: str, number: int) -> str:
    """Return the name of the `number`th execution that only concludes. Step Functions allows 80 characters."""
    return f"{end_id(job_id, ended_at)}-{number}"
