"""boto3 as most scripts use it. Runs without this project, on the newest boto3. Each command prints one JSON line.

`python benchmarks/peer_boto3.py copy|list URL SOURCE PREFIX DESTINATION THREADS`: a client, a thread pool,
`copy_object` or the paginator.
`… stream URL SOURCE KEY DESTINATION`: `get_object`, whose body goes to `upload_fileobj`.
`… rows URL batch_writer|put_item COUNT`: rows like those of clips, with a table's `batch_writer` or one by one.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config


def main() -> None:
    what, url, *rest = sys.argv[1:]
    prepare: dict[str, Callable[..., Prepared]] = {"copy": copy, "list": listing, "stream": stream, "rows": rows}
    count, work = prepare[what](url, *rest)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    count = work() or count
    after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"count": count, "seconds": seconds, "cpu_seconds": cpu}))


Prepared = tuple[int, Callable[[], int | None]]
"""The number of items and the measured function, which may return the number instead."""


def client_of(url: str, threads: str = "10") -> Any:
    config = Config(max_pool_connections=int(threads), s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config)


def keys(client: Any, bucket: str, prefix: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def listing(url: str, source: str, prefix: str, _destination: str, threads: str) -> Prepared:
    client = client_of(url, threads)
    return 0, lambda: len(keys(client, source, prefix))


def copy(url: str, source: str, prefix: str, destination: str, threads: str) -> Prepared:
    client = client_of(url, threads)
    found = keys(client, source, prefix)

    def one(key: str) -> None:
        client.copy_object(Bucket=destination, Key=f"boto3/{key}", CopySource={"Bucket": source, "Key": key})

    def work() -> None:
        with ThreadPoolExecutor(int(threads)) as pool:
            list(pool.map(one, found))

    return len(found), work


def stream(url: str, source: str, key: str, destination: str) -> Prepared:
    client = client_of(url)

    def work() -> None:
        client.upload_fileobj(client.get_object(Bucket=source, Key=key)["Body"], destination, f"boto3/{key}")

    return 1, work


def rows(url: str, how: str, count: str) -> Prepared:
    table = boto3.resource("dynamodb", endpoint_url=url, region_name="us-east-1").Table("benchmark")
    items = [row(number) for number in range(int(count))]
    table.put_item(Item=items[0])  # the first call connects

    def work() -> None:
        if how == "put_item":
            for item in items:
                table.put_item(Item=item)
            return
        with table.batch_writer() as batch:
            for item in items:
                batch.put_item(Item=item)

    return len(items), work


def row(ordinal: int) -> dict[str, Any]:
    """Return a row with the attributes that `benchmarks.rows` writes."""
    position = f"2026-11-22#ij_0123456789abcdef#{ordinal:010d}"
    name = f"fleet-recordings/2026/11/22/vehicle-0042/clips/{ordinal:09d}.zip"
    return {
        "pk": f"JOB#ij_0123456789abcdef#{ordinal % 16:02d}",
        "sk": f"{ordinal:010d}",
        "clip_pk": f"{ordinal:032x}#{ordinal % 4}",
        "clip_sk": position,
        "url_pk": f"{ordinal + 1:032x}#{ordinal % 4}",
        "url_sk": position,
        "status": "COPIED",
        "size": 200 * 1024**2,
        "etag": f"{ordinal:032x}",
        "verified": "etag",
        "source_uri": f"s3://{name}",
        "destination": f"perception/-/{name}",
    }


if __name__ == "__main__":
    main()
