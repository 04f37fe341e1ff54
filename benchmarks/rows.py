"""Write rows of clips like a copy function, to a table that accepts everything (`benchmarks.stub`).

`python -m benchmarks.rows --endpoint-url URL --count N` prints one JSON line: `rows`, `seconds`, `cpu_seconds`,
`peak_rss_mb`. The time is the function's own, without DynamoDB's. Each batch of 100 is also counted on the job's row,
outside the measured time, so that the endpoint can report the calls per batch.
"""

import argparse
import json
import os

from benchmarks.measure import Stopwatch, peak_rss_mb
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.domain.clips import ClipRow, ClipStatus, Verification
from service.domain.jobs import Tally
from service.domain.search_keys import findable

JOB = "ij_0123456789abcdef"
BATCH_CLIPS = 100


def rows(first: int) -> list[ClipRow]:
    made = (
        ClipRow(
            ordinal=ordinal,
            status=ClipStatus.COPIED,
            size=200 * 1024**2,
            etag=f"{ordinal:032x}",
            verified=Verification.ETAG,
            source_uri=f"s3://fleet-recordings/2026/11/22/vehicle-0042/clips/{ordinal:09d}.zip",
            destination=f"perception/-/fleet-recordings/2026/11/22/vehicle-0042/clips/{ordinal:09d}.zip",
        )
        for ordinal in range(first, first + BATCH_CLIPS)
    )
    return [findable(row, job_id=JOB, project="perception", created_at="2026-11-22") for row in made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--count", type=int, default=10_000)
    given = parser.parse_args()
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = given.endpoint_url
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    bind("benchmark")
    clips, jobs, watch, batches = DynamoClips(), DynamoJobs(), Stopwatch(), given.count // BATCH_CLIPS
    for number in range(batches + 1):
        batch = rows(number * BATCH_CLIPS)
        with watch if number else Stopwatch():  # the first call makes the client
            clips.put(JOB, batch)
        jobs.record_batch(JOB, number, Tally(copied=BATCH_CLIPS), "2026-11-22T17:00:00.000Z")
    print(json.dumps({"rows": batches * BATCH_CLIPS} | watch.figures() | {"peak_rss_mb": round(peak_rss_mb(), 1)}))


if __name__ == "__main__":
    main()
