"""What boto3 does as most scripts use it: a client, a thread pool, `copy_object` or the paginator. Runs without this
project, on the newest boto3.

`python benchmarks/peer_boto3.py copy|list URL SOURCE PREFIX DESTINATION THREADS` prints one JSON line.
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config


def main() -> None:
    what, url, source, prefix, destination, threads = sys.argv[1:]
    config = Config(max_pool_connections=int(threads), s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=source, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    if what == "copy":
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()

        def copy(key: str) -> None:
            client.copy_object(Bucket=destination, Key=f"boto3/{key}", CopySource={"Bucket": source, "Key": key})

        with ThreadPoolExecutor(int(threads)) as pool:
            list(pool.map(copy, keys))
    after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"count": len(keys), "seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    main()
