"""Keys of the files that an import keeps in the state bucket."""

import re

from service.domain.ids import end_id


def job_files(job_id: str) -> str:
    """What the keys of all of a job's files begin with."""
    return f"jobs/{job_id}/"


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


REPORT_FILES = {"csv": "clips.csv", "jsonl": "clips.jsonl", "summary": "summary.json", "failures": "failures.jsonl"}
"""The files of a report by their formats."""


_FAILURES = re.compile(rf"jobs/(ij_[0-9a-f]{{24}})/report/[0-9TZ]+/{re.escape(REPORT_FILES['failures'])}")


def report_folder(job_id: str, ended_at: str) -> str:
    return f"jobs/{job_id}/report/{end_id(job_id, ended_at).removeprefix(f'{job_id}-')}/"


def report_key(job_id: str, ended_at: str, form: str) -> str:
    """`form` is one of `REPORT_FILES`."""
    return report_folder(job_id, ended_at) + REPORT_FILES[form]


def job_of_failures(key: str) -> str | None:
    """Whose failures a key in the state bucket names, or None where it is no such file."""
    match = _FAILURES.fullmatch(key)
    return match[1] if match else None
