"""Write rows of clips as a copy function does, to a table that takes everything (`benchmarks.stub`).

`python -m benchmarks.rows --endpoint-url URL --count N` prints one JSON line: `rows`, `seconds`,
`cpu_seconds`, `peak_rss_mb`. The time is the function's own; what DynamoDB takes is not in it.
"""

import argparse
import json
import os

from benchmarks.measure import Stopwatch, peak_rss_mb
from service.aws.clips import DynamoClips
from service.aws.table import bind
from service.planning import findable
from service.schema import ClipRow, ClipStatus, Verification

BATCH_CLIPS = 250


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
    return [findable(row, job_id="ij_0123456789abcdef", project="perception", created_at="2026-11-22") for row in made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--count", type=int, default=10_000)
    given = parser.parse_args()
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = given.endpoint_url
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    bind("benchmark")
    clips, watch = DynamoClips(), Stopwatch()
    clips.put("ij_0123456789abcdef", rows(0))  # the first call makes the client
    for first in range(0, given.count, BATCH_CLIPS):
        batch = rows(first)
        with watch:
            clips.put("ij_0123456789abcdef", batch)
    print(json.dumps({"rows": given.count} | watch.figures() | {"peak_rss_mb": round(peak_rss_mb(), 1)}))


if __name__ == "__main__":
    main()
