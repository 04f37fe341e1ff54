"""Keys of the table's rows."""

import hashlib

from service.domain.jobs import JobTag

CLIP_SHARDS = 16
"""Partition keys of one job's clip rows. One key takes 1,000 writes/s (DynamoDB), all copy functions make 3,500."""


SEARCH_SHARDS = 8
"""Partition keys of one search key: a million films may all be named `front.mp4`. All copy functions make 3,500
writes/s, and a hash does not spread them evenly at every moment. Do not lower it: readers would miss older rows."""


OPEN_ENDS = "ENDED"
"""Partition of `attention` with the open ends: the outbox."""


DUE_UPLOADS = "UPLOADS"
"""Partition of `attention` with the closed ends whose uploads will be removed, by the time when they are due."""


WATCHES = "WATCHES"
"""Partition of `attention` with the watches, by the time of the next look."""


UNSETTLED = "INTEGRATIONS"
"""Partition of `attention` with the integrations that are being made or deleted."""


AUDIT = "AUDIT#"
"""Begins the partition keys of audit entries. Roles name it (`stacks.access`)."""


def job_pk(job_id: str) -> str:
    return f"JOB#{job_id}"


def end_sk(ended_at: str) -> str:
    return f"END#{ended_at}"


def clip_pk(job_id: str, ordinal: int) -> str:
    return shard_pk(job_id, ordinal % CLIP_SHARDS)


def shard_pk(job_id: str, shard: int) -> str:
    return f"JOB#{job_id}#{shard:02d}"


def search_pk(key: str, position: str) -> str:
    """Partition key of an index that finds clips. `position` is the clip's in all imports.

    By a hash of it, not by the ordinal: every fourth clip of a listing of four views is a `front.mp4`.
    """
    shard = int.from_bytes(hashlib.blake2b(position.encode(), digest_size=2).digest()) % SEARCH_SHARDS
    return f"{key}#{shard}"


def job_of(pk: str) -> str:
    """The job's id, from the partition key of a job's or a clip's row."""
    return pk.split("#")[1]


def ordinal_sk(ordinal: int) -> str:
    return f"{ordinal:010d}"


ACTIVE = "ACTIVE"


DELETED = "DELETED"


def batches_of(run: int) -> str:
    return f"BATCH#{run:04d}#"


def batch_sk(number: int, run: int) -> str:
    return f"{batches_of(run)}{number:08d}"


def project_pk(project: str) -> str:
    return f"PROJECT#{project}"


def tag_pk(project: str, tag: JobTag, value: str) -> str:
    """Partition key of a tag. `#` separates, since no project's name has one."""
    return f"{tag}#{project}#{value}"
