"""Run all benchmarks, next to the tools that a user could choose instead: `make bench`.

Peers run in their own environment (`.cache/bench`, locked in benchmarks/requirements.txt), against the same endpoints,
alternating with this project's, all on one pinned core; the endpoints have the other cores. Everything is measured
`--rounds` times (streams and memory at most 3 times) and reported as medians. Writes benchmarks/results/latest.json,
docs/performance.md's tables (between its markers) and docs/performance.svg. `--quick` runs less, to test the
benchmarks, and `--only stream,rows` runs some; neither writes anything.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks import costs, start
from benchmarks.report import write
from local.up import end_on_sigterm
from tests.servers.seaweed import ADMIN, seaweed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".cache" / "bench" / "bin"
CORE = 0
SOURCE, TARGET = "bench-source", "bench-target"
KEYS = {"AWS_ACCESS_KEY_ID": ADMIN.access_key_id, "AWS_SECRET_ACCESS_KEY": ADMIN.secret_access_key}
THREADS = 64
"""Threads of the peers: the faster of 64 and 128 for each; s5cmd has 256, its default."""
WORKER_THREADS = 128
RCLONE = ("--s3-no-check-bucket", "--ignore-times")
"""Without this, it skips objects that an earlier round copied."""
MIB = 1024**2


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    said: Mapping[str, Any] = field(default_factory=dict)
    """The JSON line of the tool, if it prints one."""


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run it on the pinned core, with its children; `|` in it is a pipe. Raises `CalledProcessError`."""
    through = [sys.executable, "-I", "-S", "benchmarks/pipeline.py", str(CORE), *command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        ended = subprocess.run(through, env=dict(environment), stdout=out, stderr=errors, cwd=ROOT, check=False)
        out.seek(0)
        errors.seek(0)
        text = out.read().decode(errors="replace").strip()
        if ended.returncode:
            raise subprocess.CalledProcessError(ended.returncode, list(command), text[-500:], errors.read()[-1_000:])
    *printed, used = text.splitlines()
    last = next((line for line in reversed(printed) if line), "")
    return Run(**json.loads(used), said=json.loads(last) if last.startswith("{") else {})


@dataclass(frozen=True)
class Tools:
    """Commands of this project and its peers, for one endpoint."""

    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        aws = self.folder / "aws-config"
        aws.write_text(f"[default]\ns3 =\n  max_concurrent_requests = {THREADS}\n")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(aws),
            "AWS_EC2_METADATA_DISABLED": "true",
            "RCLONE_CONFIG": os.devnull,
            **self._remote("S"),
            **self._remote("T"),
            **KEYS,
        }

    def _remote(self, name: str) -> dict[str, str]:
        """rclone's remote. It copies inside the store within one remote, and through itself between two."""
        facts = {"TYPE": "s3", "PROVIDER": "Other", "ENV_AUTH": "true", "ENDPOINT": self.url, "REGION": "us-east-1"}
        return {f"RCLONE_CONFIG_{name}_{fact}": value for fact, value in facts.items()}

    def clipferry(self, count: int, *options: str) -> list[str]:
        named = ["--source-bucket", SOURCE, "--prefix", "clips/", "--destination-bucket", TARGET]
        sized = ["--count", str(count), "--concurrency", str(WORKER_THREADS)]
        return [sys.executable, "-m", "benchmarks.copy", "--endpoint-url", self.url, *named, *sized, *options]

    def copying(self, count: int) -> dict[str, list[str]]:
        rclone = ["--transfers", str(THREADS), "--checkers", str(THREADS), *RCLONE]
        aws = ["--recursive", "--only-show-errors"]
        peer = [str(PEERS / "python"), "-P", "benchmarks/peer_boto3.py", "copy"]
        return {
            "clipferry": self.clipferry(count),
            "s5cmd": [*self._s5cmd("256"), "cp", f"s3://{SOURCE}/clips/*", f"s3://{TARGET}/s5cmd/"],
            "rclone": [str(PEERS / "rclone"), "copy", f"S:{SOURCE}/clips", f"S:{TARGET}/rclone", *rclone],
            "boto3": [*peer, self.url, SOURCE, "clips/", TARGET, str(THREADS)],
            "aws s3 cp": [*self._aws, "cp", *aws, f"s3://{SOURCE}/clips/", f"s3://{TARGET}/aws/"],
        }

    def listing(self) -> dict[str, list[str]]:
        ours = [sys.executable, "-m", "benchmarks.list", "--endpoint-url", self.url, "--bucket", SOURCE]
        peer = [str(PEERS / "python"), "-P", "benchmarks/peer_boto3.py", "list"]
        return {
            "clipferry": [*ours, "--prefix", "clips/"],
            "s5cmd": [*self._s5cmd("256"), "ls", f"s3://{SOURCE}/clips/*"],
            "boto3": [*peer, self.url, SOURCE, "clips/", TARGET, "1"],
        }

    def streaming(self, key: str) -> dict[str, list[str]]:
        """All through the client, with the defaults of each tool."""
        rclone = ["--disable", "copy", "--server-side-across-configs=false", *RCLONE]
        aws, s5cmd = [*self._aws, "cp", "--only-show-errors"], self._s5cmd("256")
        named = ["--source-bucket", SOURCE, "--key", key, "--destination-bucket", TARGET]
        peer = [str(PEERS / "python"), "-P", "benchmarks/peer_boto3.py", "stream"]
        return {
            "clipferry": [sys.executable, "-m", "benchmarks.stream", "--endpoint-url", self.url, *named],
            "s5cmd": [*s5cmd, "cat", f"s3://{SOURCE}/{key}", "|", *s5cmd, "pipe", f"s3://{TARGET}/s5cmd/{key}"],
            "rclone": [str(PEERS / "rclone"), "copyto", f"S:{SOURCE}/{key}", f"T:{TARGET}/rclone/{key}", *rclone],
            "boto3": [*peer, self.url, SOURCE, key, TARGET],
            "aws s3 cp": [*aws, f"s3://{SOURCE}/{key}", "-", "|", *aws, "-", f"s3://{TARGET}/aws/{key}"],
        }

    def writing(self, count: int) -> dict[str, list[str]]:
        ours = [sys.executable, "-m", "benchmarks.rows", "--endpoint-url", self.url, "--count", str(count)]
        peer = [str(PEERS / "python"), "-P", "benchmarks/peer_boto3.py", "rows", self.url]
        return {
            "clipferry": ours,
            "boto3, batch_writer": [*peer, "batch_writer", str(count)],
            "boto3, put_item": [*peer, "put_item", str(count)],
        }

    def _s5cmd(self, workers: str) -> list[str]:
        (program,) = PEERS.parent.glob("lib/python3*/site-packages/s5cmd/bin/s5cmd")  # without its wrapper in Python
        return [str(program), "--numworkers", workers, "--endpoint-url", self.url]

    @property
    def _aws(self) -> list[str]:
        return [str(PEERS / "aws"), "--endpoint-url", self.url, "s3"]


@contextmanager
def stub(objects: int, *, page_ms: int = 0, refuse_percent: float = 0.0, body: Path | None = None) -> Iterator[str]:
    """Start a stub and return its URL."""
    command = [sys.executable, "-m", "benchmarks.stub", "--objects", str(objects), "--page-ms", str(page_ms)]
    command += ["--refuse-percent", str(refuse_percent), *(["--body", str(body)] if body else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.kill()


def counted(url: str) -> dict[str, float]:
    import urllib.request

    with urllib.request.urlopen(f"{url}/?counts") as answer:
        counts: dict[str, float] = json.load(answer)
    urllib.request.urlopen(f"{url}/?reset").close()
    return counts


def noise() -> float:
    """Return the milliseconds of a fixed piece of work on the pinned core: 100 in all rounds on a quiet machine."""
    work = "import json, time; t = time.perf_counter(); sum(range(6_000_000))"
    work += "; print(json.dumps({'seconds': time.perf_counter() - t}))"
    return float(measure([sys.executable, "-c", work], os.environ).said["seconds"]) * 1000


def interleaved(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    rounds: int,
    after: Callable[[str], Mapping[str, float]] = lambda _name: {},
) -> tuple[dict[str, list[Run]], dict[str, Mapping[str, float]]]:
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    requests: dict[str, Mapping[str, float]] = {}
    for number in range(rounds):
        names = list(commands)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            runs[name].append(measure(commands[name], environment))
            requests[name] = after(name)
            print(f"  {number + 1} {name:12} {runs[name][-1].seconds:7.2f} s", file=sys.stderr)
    return runs, requests


def summary(runs: Sequence[Run], count: int) -> dict[str, Any]:
    """Return medians. For this project's tools also by their own measurement, without the start of the process."""
    own = [(run.said.get("seconds", run.seconds), run.said.get("cpu_seconds", run.cpu_seconds)) for run in runs]
    rates = [count / seconds for seconds, _ in own]
    return {
        "per_second": round(statistics.median(rates)),
        "per_second_range": [round(min(rates)), round(max(rates))],
        "cpu_per_1000": round(statistics.median(cpu for _, cpu in own) / count * 1000, 4),
        "process_per_second": round(count / statistics.median(run.seconds for run in runs)),
        "process_cpu_per_1000": round(statistics.median(run.cpu_seconds for run in runs) / count * 1000, 4),
        "peak_rss_mb": round(statistics.median(run.peak_rss_mb for run in runs), 1),
    }


def copy_benchmark(url: str, folder: Path, count: int, rounds: int, *, stubbed: bool) -> dict[str, Any]:
    tools = Tools(url, folder)
    if stubbed:
        counted(url)
    after = (lambda _name: counted(url)) if stubbed else (lambda _name: {})
    runs, requests = interleaved(tools.copying(count), tools.environment, rounds, after)
    assert all(run.said["copied"] == count for run in runs["clipferry"]), runs["clipferry"]
    found = {name: summary(of, count) for name, of in runs.items()}
    return {"objects": count, "tools": found, "requests": {name: dict(one) for name, one in requests.items()}}


def list_benchmark(folder: Path, keys: int, rounds: int) -> dict[str, Any]:
    with stub(keys) as url:
        tools = Tools(url, folder)
        runs, _ = interleaved(tools.listing(), tools.environment, rounds)
    return {"keys": keys, "tools": {name: summary(of, keys) for name, of in runs.items()}}


def long_list_benchmark(folder: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """List page by page, by ranges of keys, and by ranges with a reader as slow as planning; once each."""
    found = []
    for keys in sizes:
        for page_ms in PAGE_MS:
            with stub(keys, page_ms=page_ms) as url:
                tools = Tools(url, folder)
                ours = tools.listing()["clipferry"]
                runs = {
                    name: measure([*ours, *options], tools.environment).said
                    for name, options in LISTINGS.items()
                    if name != "in a row" or page_ms * keys <= LONGEST_IN_A_ROW
                }
            found.append({"keys": keys, "page_ms": page_ms, "runs": runs})
    return found


def refusals_benchmark(folder: Path, count: int, rounds: int) -> list[dict[str, Any]]:
    """Return the seconds of copying while the store refuses some copies at random, next to s5cmd."""
    found = []
    for percent in REFUSED_PERCENT:
        with stub(count, refuse_percent=percent) as url:
            tools = Tools(url, folder)
            commands = {name: tools.copying(count)[name] for name in ("clipferry", "s5cmd")}
            counted(url)

            def after(_name: str, url: str = url) -> Mapping[str, float]:
                return counted(url)

            runs, requests = interleaved(commands, tools.environment, rounds, after)
        assert all(run.said["copied"] == count for run in runs["clipferry"]), runs["clipferry"]
        found.append(
            {
                "percent": percent,
                "objects": count,
                "seconds": {
                    name: round(statistics.median(run.said.get("seconds", run.seconds) for run in of), 2)
                    for name, of in runs.items()
                },
                "requests": {name: dict(one) for name, one in requests.items()},
            }
        )
    return found


def validation_benchmark(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """CPU of checking and copying a clip, next to s5cmd's for copying it: a real ClipGT zip."""
    with stub(count, body=SAMPLE) as url:
        found: dict[str, Any] = {"stub": _validated(Tools(url, folder), count, rounds)}
    with seaweed(folder / "validation") as url:
        filled(url, count, SAMPLE.read_bytes())
        found["seaweedfs"] = _validated(Tools(url, folder), count, rounds)
    return {"objects": count, "on": found}


def _validated(tools: Tools, count: int, rounds: int) -> dict[str, Any]:
    commands = {
        "unvalidated": tools.clipferry(count),
        "structure": tools.clipferry(count, "--content-validation", "structure"),
        "s5cmd": tools.copying(count)["s5cmd"],
    }
    runs, _ = interleaved(commands, tools.environment, rounds)
    assert all(run.said["copied"] == count for name in ("unvalidated", "structure") for run in runs[name]), runs
    found = {name: summary(of, count) for name, of in runs.items()}
    ours, theirs = found["structure"]["cpu_per_1000"], found["s5cmd"]["cpu_per_1000"]
    return {"tools": found, "structure_by_s5cmd": round(ours / theirs, 2)}


def memory_benchmark(folder: Path, rounds: int) -> dict[str, float]:
    """Return the peak MB of a worker that copies one batch after another, by number of clips."""
    found = {}
    with stub(10_000) as url:
        tools = Tools(url, folder)
        for count in (1_000, 10_000):
            runs = [measure(tools.clipferry(count), tools.environment) for _ in range(rounds)]
            found[str(count)] = round(statistics.median(run.said["peak_rss_mb"] for run in runs), 1)
    return found


def rows_benchmark(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Here CPU seconds per 1,000 are CPU milliseconds per row."""
    with stub(1) as url:
        tools = Tools(url, folder)
        runs, calls = interleaved(tools.writing(count), tools.environment, rounds, lambda _name: counted(url))
    ours = {name: calls["clipferry"][name] for name in ("BatchWriteItem", "TransactWriteItems")}
    return {
        "rows": count,
        "tools": {name: summary(of, count) for name, of in runs.items()},
        "calls_per_100": sum(ours.values()) / ours["TransactWriteItems"],  # one for each batch of 100
    }


def stream_benchmark(folder: Path, sizes: Sequence[int], rounds: int) -> dict[str, Any]:
    """By MiB of the object: all tools at the first size, only this project's at the others."""
    with seaweed(folder / "streams") as url:
        tools = Tools(url, folder)
        client = admin(url)
        for bucket in (SOURCE, TARGET):
            client.create_bucket(Bucket=bucket)
        commands: dict[tuple[str, int], Sequence[str]] = {}
        for size in sizes:
            key = f"streams/{size}.bin"
            client.upload_fileobj(BufferedReader(Repeated(size * MIB)), SOURCE, key)
            commands |= {(name, size): command for name, command in tools.streaming(key).items()}
        wanted = {one: command for one, command in commands.items() if one[0] == "clipferry" or one[1] == sizes[0]}
        environment = tools.environment | {"AWS_CONFIG_FILE": os.devnull}
        runs, _ = interleaved(
            {f"{name} {size}": command for (name, size), command in wanted.items()}, environment, rounds
        )
        assert all(run.said["bytes"] == size * MIB for size in sizes for run in runs[f"clipferry {size}"]), runs
    return {
        str(size): {name: stream_summary(runs[f"{name} {size}"], size) for name, of in wanted if of == size}
        for size in sizes
    }


def stream_summary(runs: Sequence[Run], mib: int) -> dict[str, Any]:
    own = [(run.said.get("seconds", run.seconds), run.said.get("cpu_seconds", run.cpu_seconds)) for run in runs]
    rates = [mib / seconds for seconds, _ in own]
    return {
        "mib_per_second": round(statistics.median(rates)),
        "mib_per_second_range": [round(min(rates)), round(max(rates))],
        "cpu_per_gib": round(statistics.median(cpu for _, cpu in own) / mib * 1024, 3),
        "process_cpu_per_gib": round(statistics.median(run.cpu_seconds for run in runs) / mib * 1024, 3),
        "peak_rss_mb": round(statistics.median(run.peak_rss_mb for run in runs), 1),
    }


class Repeated(RawIOBase):
    """`size` pseudo-random bytes: one mebibyte, repeated."""

    def __init__(self, size: int) -> None:
        self._at, self._size, self._piece = 0, size, random.Random(1).randbytes(MIB)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, at most to the end of the mebibyte, and return the number of bytes; 0 at the end."""
        view, start = memoryview(buffer), self._at % MIB
        taken = min(view.nbytes, self._size - self._at, MIB - start)
        view[:taken] = self._piece[start : start + taken]
        self._at += taken
        return taken


def million_benchmark(clips: Sequence[int]) -> dict[str, Any]:
    """Run the whole service without a network (`benchmarks.million`)."""
    environment = dict(os.environ)
    return {
        str(count): measure([sys.executable, "-m", "benchmarks.million", "--clips", str(count)], environment).said
        for count in clips
    }


def admin(url: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ADMIN.access_key_id,
        aws_secret_access_key=ADMIN.secret_access_key,
    )


def filled(url: str, count: int, body: bytes = b"x" * 1_024) -> None:
    client = admin(url)
    for bucket in (SOURCE, TARGET):
        client.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: client.put_object(Bucket=SOURCE, Key=f"clips/{n:09d}.zip", Body=body), range(count)))


PAGE_MS = (20, 100)
"""S3's answers to listings, fast and slow ones."""
LISTINGS = {"in a row": ["--in-a-row"], "by ranges": [], "by ranges, busy": ["--busy-us", "14"]}
LONGEST_IN_A_ROW = 20 * 1_000_000
"""Milliseconds a page times keys: a million keys at 100 ms a page would take 100 s and say nothing new."""

REFUSED_PERCENT = (0.0, 0.3, 1.0, 3.0)
"""Percent of copies refused with 503 at random: S3 refuses some at any rate."""

SAMPLE = min((ROOT / "samples").rglob("*.zip"))
"""The clip for measuring validation: a ClipGT zip takes ten times the CPU of a film."""

KEYS_OF = {
    "copy": "copy_on_a_stub_of_30_ms",
    "refusals": "copy_with_random_refusals",
    "validation": "validated_copies",
    "seaweed": "copy_on_seaweedfs",
    "list": "list",
    "long": "long_lists",
    "memory": "worker_memory_mb",
    "stream": "streams",
    "rows": "status_rows",
    "start": "start",
    "imports": "imports",
    "unchanged": "unchanged_again",
}
"""Under what the results have each benchmark."""


def benchmarks(folder: Path, rounds: int, clips: Sequence[int], *, quick: bool) -> dict[str, Callable[[], Any]]:
    few = min(rounds, 3)

    def on_stub() -> dict[str, Any]:
        count = 500 if quick else 3_000
        with stub(count) as url:
            return copy_benchmark(url, folder, count, rounds, stubbed=True)

    def on_seaweed() -> dict[str, Any]:
        count = 100 if quick else 1_000
        with seaweed(folder / "seaweed") as url:
            filled(url, count)
            return copy_benchmark(url, folder, count, rounds, stubbed=False)

    return {
        "copy": on_stub,
        "refusals": lambda: refusals_benchmark(folder, 500 if quick else 3_000, few),
        "seaweed": on_seaweed,
        "validation": lambda: validation_benchmark(folder, 300 if quick else 3_000, few),
        "list": lambda: list_benchmark(folder, 2_000 if quick else 20_000, rounds),
        "long": lambda: long_list_benchmark(folder, [2_000] if quick else [10_000, 100_000, 1_000_000]),
        "memory": lambda: memory_benchmark(folder, few),
        "stream": lambda: stream_benchmark(folder, [32, 64] if quick else [256, 1_024], few),
        "rows": lambda: rows_benchmark(folder, 1_000 if quick else 10_000, rounds),
        "start": lambda: start.measured(rounds),
        "imports": lambda: million_benchmark(clips),
        "unchanged": costs.unchanged_again,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--clips", default="10000,100000,1000000", help="sizes of the imports without a network")
    parser.add_argument("--only", metavar="NAMES", help=f"some of {', '.join(KEYS_OF)}, with commas between")
    given = parser.parse_args()
    end_on_sigterm()  # so that its servers end with it
    only = given.only.split(",") if given.only else list(KEYS_OF)
    if unknown := set(only) - set(KEYS_OF):
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}")
    quick, rounds = given.quick, 1 if given.quick else given.rounds
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {CORE} or {CORE})  # and so the endpoints
    before, load = [noise() for _ in range(rounds)], os.getloadavg()
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "rounds": rounds,
    }
    with tempfile.TemporaryDirectory(prefix="clipferry-bench-") as scratch:
        clips = [1_000] if quick else [int(size) for size in given.clips.split(",")]
        for name, run in benchmarks(Path(scratch), rounds, clips, quick=quick).items():
            if name in only:
                print(name, file=sys.stderr)
                results[KEYS_OF[name]] = run()
    after = [noise() for _ in range(rounds)]
    results["noise"] = {
        "fixed_work_ms": {"least": round(min(before + after), 1), "most": round(max(before + after), 1)},
        "load_before": [round(one, 1) for one in load],
        "load_after": [round(one, 1) for one in os.getloadavg()],
    }
    print(json.dumps(results, indent=1))
    if not quick and not given.only:
        write(results)


if __name__ == "__main__":
    main()
