"""List a prefix as planning does, page by page.

`python -m benchmarks.list --endpoint-url URL --bucket B --prefix P`, credentials by the usual environment variables;
without `--endpoint-url`, S3 itself. Prints one JSON line: `keys`, `seconds`, `cpu_seconds`, `peak_rss_mb`.
"""

import argparse
import json

from benchmarks.copy import storage_of
from benchmarks.measure import Stopwatch, peak_rss_mb, use_endpoint
from service.uris import s3_at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--prefix", default="")
    given = parser.parse_args()
    use_endpoint(given.endpoint_url)
    storage = storage_of(given.bucket, concurrency=1)
    watch = Stopwatch()
    with watch:
        keys = sum(len(page) for page in storage.list_pages(s3_at(given.bucket, given.prefix)))
    print(json.dumps({"keys": keys} | watch.figures() | {"peak_rss_mb": round(peak_rss_mb(), 1)}))


if __name__ == "__main__":
    main()
