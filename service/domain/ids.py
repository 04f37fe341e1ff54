"""Ids of jobs, clips, executions and completions. All but a new job's id are deterministic."""

import hashlib
import json
import re
import secrets

ORDINAL_DIGITS = 10


PROJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


_JOB_ID = re.compile(r"ij_[0-9a-f]{24}")


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


MARK = "clipferry-set"
"""User metadata of a set's copies: what `set_mark` says."""


SOURCE_MARK = "clipferry-source"
"""User metadata of every streamed copy: of which source object it is one. Its ETag need not tell."""


def set_mark(job_id: str, group: int) -> str:
    """What the copies of a set are marked with: the id of its front clip, so no other import's copies have it."""
    return clip_id(job_id, group)


def end_id(job_id: str, ended_at: str) -> str:
    """Names one end of a job, the same on every repeat: a job that runs again ends again, at another time."""
    return f"{job_id}-{re.sub('[^0-9TZ]', '', ended_at)}"


def conclusion_name(job_id: str, ended_at: str, number: int) -> str:
    """The execution that concludes an end by itself, for the `number`th time. Step Functions allows 80 characters."""
    return f"{end_id(job_id, ended_at)}-{number}"
