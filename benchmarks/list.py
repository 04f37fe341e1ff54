"""List a prefix as planning does.

`python -m benchmarks.list --endpoint-url URL --bucket B --prefix P`, with credentials from the usual environment
variables; without `--endpoint-url`, on S3. Prints one JSON line: `keys`, `seconds`, `cpu_seconds`, `peak_rss_mb`, and
the memory before the listing, `start_rss_mb`. `--in-a-row` lists page by page, for comparison. `--busy-us` makes the
reader use that many microseconds of CPU per key, as planning does.
"""

import argparse
import json
import time

from benchmarks.copy import storage_of
from benchmarks.measure import Stopwatch, as_program, peak_rss_mb, use_endpoint
from service.aws.s3.listing import fetcher
from service.aws.s3.parallel_listing import Sharding, pages_of
from service.domain.uris import s3_at

NEVER = Sharding(first_pages=2**63)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--in-a-row", action="store_true")
    parser.add_argument("--busy-us", type=float, default=0.0)
    given = parser.parse_args()
    use_endpoint(given.endpoint_url)
    storage = storage_of(given.bucket, concurrency=1)
    if given.in_a_row:
        pages = pages_of(fetcher(storage.sources.requests, given.bucket, given.prefix), sharding=NEVER)
    else:
        pages = storage.list_pages(s3_at(given.bucket, given.prefix))
    watch, started, keys = Stopwatch(), peak_rss_mb(), 0
    with watch:
        for page in pages:
            keys += len(page)
            busy_until = time.thread_time() + given.busy_us * len(page) / 1e6
            while given.busy_us and time.thread_time() < busy_until:
                pass
    memory = {"peak_rss_mb": round(peak_rss_mb(), 1), "start_rss_mb": round(started, 1)}
    print(json.dumps({"keys": keys} | watch.figures() | memory))


if __name__ == "__main__":
    as_program(main)
