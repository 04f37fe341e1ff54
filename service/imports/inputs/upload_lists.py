"""The uploads of an import, in state files."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from service.domain.requests import Upload
from service.ports.state import StateReader
from service.ports.uploads import UploadLists


def claimed_uploads(job_id: str, uploads: UploadLists, state: StateReader) -> list[Upload]:
    """Return all uploads of a job, in an order that is fixed once the job is closed."""
    return [upload for key in uploads.lists(job_id) for upload in decode_uploads(state.get(key))]


def encode_uploads(uploads: Sequence[Upload]) -> bytes:
    return b"".join(json.dumps(asdict(upload)).encode() + b"\n" for upload in uploads)


def decode_uploads(lines: bytes) -> list[Upload]:
    return [Upload(**json.loads(line)) for line in lines.splitlines()]
