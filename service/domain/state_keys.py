"""Keys of the files that an import keeps in the state bucket."""

import re

from service.domain.ids import end_id


def job_files(job_id: str) -> str:
    """Return the prefix of all of a job's files."""
    return f"jobs/{job_id}/"


def request_key(job_id: str, digest: str) -> str:
    """Return the key of a request's URIs or sets. Requests that race for one job id have different keys."""
    return f"jobs/{job_id}/request-{digest[:16]}.jsonl"


def upload_list_key(job_id: str, name: str) -> str:
    return f"jobs/{job_id}/uploads/{name}.jsonl"


def run_files(job_id: str, run: int) -> str:
    """Return the prefix of an attempt's files."""
    return f"jobs/{job_id}/runs/{run}/" if run else job_files(job_id)


def selection_key(job_id: str, run: int, digest: str) -> str:
    """Return the key of the ordinals that a retry names. Requests that race have different keys."""
    return f"{run_files(job_id, run)}selection-{digest[:16]}.jsonl"


def run_plan_key(job_id: str, run: int) -> str:
    """Return the key of an attempt's plan, which is written once its manifest and batches are complete."""
    return f"{run_files(job_id, run)}plan.json"


def recount_key(job_id: str, run: int) -> str:
    """Return the key of a recount's progress, for an import whose plan was lost."""
    return f"{run_files(job_id, run)}recount.json"


def reopened_key(job_id: str, run: int) -> str:
    """Return the key of how many parts of a retry are pending again, where its planner died before it was done."""
    return f"{run_files(job_id, run)}reopened.txt"


SWEEP_POSITIONS = "jobs/sweep-positions.json"
"""Key of the positions where the last sweep stopped; the next one continues there."""


def part_key(job_id: str, part: int, run: int = 0, token: str = "") -> str:
    """`token` is that of the planning call (`domain.manifest.Rounds`)."""
    return f"{run_files(job_id, run)}manifest/part-{part:06d}{_suffix(token)}.jsonl"


def skipped_key(job_id: str, index: str, number: int, token: str) -> str:
    """Return the key of a file that finds skipped clips. `index` says by what."""
    return f"jobs/{job_id}/skipped/{index}-{number:04d}{_suffix(token)}"


def batches_key(job_id: str, round_number: int | None = None, run: int = 0, token: str = "") -> str:
    """Return the key of the list of batches that the map reads, or of one planning round's share of it."""
    name = "batches.jsonl" if round_number is None else f"rounds/{round_number:04d}{_suffix(token)}.jsonl"
    return run_files(job_id, run) + name


def due_batches_key(job_id: str, run: int, resumes: int) -> str:
    """Return the key of the batches that one execution copies, where it leaves out those that wait for restores."""
    return f"{run_files(job_id, run)}due-{resumes:04d}.jsonl"


def _suffix(token: str) -> str:
    return f"-{token}" if token else ""


def carried_key(job_id: str, round_number: int, digest: str) -> str:
    """Return the key of clips that did not fill a part when a round ended. A repeated round may end elsewhere."""
    return f"jobs/{job_id}/rounds/{round_number:04d}-carried-{digest[:16]}.jsonl"


REPORT_FILES = {"csv": "clips.csv", "jsonl": "clips.jsonl", "summary": "summary.json", "failures": "failures.jsonl"}
"""Names of a report's files by format."""


_FAILURES = re.compile(rf"jobs/(ij_[0-9a-f]{{24}})/report/[0-9TZ]+/{re.escape(REPORT_FILES['failures'])}")


def report_folder(job_id: str, ended_at: str) -> str:
    return f"jobs/{job_id}/report/{end_id(job_id, ended_at).removeprefix(f'{job_id}-')}/"


def report_key(job_id: str, ended_at: str, form: str) -> str:
    """`form` is one of `REPORT_FILES`."""
    return report_folder(job_id, ended_at) + REPORT_FILES[form]


def job_of_failures(key: str) -> str | None:
    """Return the id of the job whose `failures.jsonl` this key is, or None for any other key."""
    match = _FAILURES.fullmatch(key)
    return match[1] if match else None
