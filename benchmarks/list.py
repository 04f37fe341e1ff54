"""List a prefix as planning does.

`python -m benchmarks.list --endpoint-url URL --bucket B --prefix P`, with credentials from the usual environment
variables; without `--endpoint-url`, on S3. Prints one JSON line: `keys`, `seconds`, `cpu_seconds`, `peak_rss_mb`, and
the memory before the listing, `start_rss_mb`. `--in-a-row` lists page by page, for comparison. `--busy-us` makes the
reader use that many microseconds of CPU per key, as planning does.

`--through s3` lists the same bucket also as an integration with keys does, by turns with the service's own client,
`--rounds` times each; `--through gcs` as one of Google does, whose API `benchmarks.stub` has, too. The line then has
`own` and `through`, each with the median, the least and the most seconds and the median of the CPU seconds, and
`ratio`: the integration's median seconds divided by those of the own client.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence

from benchmarks.copy import storage_of
from benchmarks.measure import Stopwatch, as_program, peak_rss_mb, use_endpoint
from service.aws.s3.listing import fetcher
from service.domain.objects import ListedObject
from service.domain.uris import s3_at
from service.support.parallel_listing import Sharding, pages_of

NEVER = Sharding(first_pages=2**63)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--in-a-row", action="store_true")
    parser.add_argument("--busy-us", type=float, default=0.0)
    parser.add_argument("--through", choices=["s3", "gcs"])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    use_endpoint(given.endpoint_url)
    storage = storage_of(given.bucket, concurrency=1)
    if given.through:
        # Imported only here, so that it does not count in the memory of the service's own listing.
        from benchmarks.through import through_account, through_keys

        at = s3_at(given.bucket, given.prefix)
        other = through_keys(given.endpoint_url) if given.through == "s3" else through_account(given.endpoint_url)
        found = compared(lambda: storage.list_pages(at), lambda: other.list_pages(at), given.rounds)
        print(json.dumps(found | {"integration": given.through}))
        return
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


Listing = Callable[[], Iterable[Sequence[ListedObject]]]


def compared(own: Listing, through: Listing, rounds: int) -> dict[str, object]:
    """List by turns, once before for connections, and return the figures."""
    watches: dict[str, list[Stopwatch]] = {"own": [], "through": []}
    keys = [sum(map(len, own())), sum(map(len, through()))]
    for _ in range(rounds):
        for name, listing in (("own", own), ("through", through)):
            watch = Stopwatch()
            with watch:
                keys.append(sum(map(len, listing())))
            watches[name].append(watch)
    assert len(set(keys)) == 1, keys
    medians = {name: statistics.median(one.seconds for one in some) for name, some in watches.items()}
    return {
        "keys": keys[0],
        **{name: _figures(some) for name, some in watches.items()},
        "ratio": round(medians["through"] / medians["own"], 2),
    }


def _figures(watches: Sequence[Stopwatch]) -> dict[str, float]:
    seconds = [one.seconds for one in watches]
    return {
        "seconds": round(statistics.median(seconds), 3),
        "least": round(min(seconds), 3),
        "most": round(max(seconds), 3),
        "cpu_seconds": round(statistics.median(one.cpu_seconds for one in watches), 3),
    }


if __name__ == "__main__":
    as_program(main)
