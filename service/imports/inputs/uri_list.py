"""The URIs or clip ids of a request in a state file, one JSON string per line."""

import json

from service.domain.jobs import Job
from service.domain.state_keys import request_key
from service.ports.state import StateReader


def requested_uris(job: Job, state: StateReader) -> list[str]:
    """Return the URIs of a list as they were given, or the directories or clip ids of a prefix."""
    assert job.request_digest is not None
    return decode_uris(state.get(request_key(job.id, job.request_digest)))


def encode_uris(uris: tuple[str, ...]) -> bytes:
    return b"".join(json.dumps(uri).encode() + b"\n" for uri in uris)


def decode_uris(lines: bytes) -> list[str]:
    return [json.loads(line) for line in lines.splitlines()]
