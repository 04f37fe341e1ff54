"""All benchmarks beside what a user would pick instead: `make bench`.

Peers run from an environment of their own (`.cache/bench`, locked in benchmarks/requirements.txt), against the same
endpoints, in turn with this project's, all on one pinned core; the endpoints have the other cores. Everything is
measured `--rounds` times, and medians count. Writes benchmarks/results/latest.json, docs/performance.md's tables
(between its markers) and docs/performance.svg. `--quick` runs less, to see that everything works; it writes nothing.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from benchmarks import start
from benchmarks.report import write
from tests.servers.seaweed import ADMIN, seaweed

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".cache" / "bench" / "bin"
CORE = 0
SOURCE, TARGET = "bench-source", "bench-target"
KEYS = {"AWS_ACCESS_KEY_ID": ADMIN.access_key_id, "AWS_SECRET_ACCESS_KEY": ADMIN.secret_access_key}
THREADS = 64
"""Of the peers, as the fastest of 64 and 128 for each; s5cmd has 256, its default."""
WORKER_THREADS = 128


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    said: Mapping[str, Any] = field(default_factory=dict)
    """The JSON line of a tool that prints one."""


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """On the pinned core, its children included. Raises `CalledProcessError`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "-c", str(CORE), *command], env=dict(environment), stdout=out, stderr=errors, cwd=ROOT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        text = out.read().decode(errors="replace").strip()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(command), text[-500:], errors.read()[-1_000:])
    last = text.splitlines()[-1] if text else ""
    said = json.loads(last) if last.startswith("{") else {}
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


@dataclass(frozen=True)
class Tools:
    """Commands of this project and its peers, to one endpoint."""

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
            "RCLONE_CONFIG_S_TYPE": "s3",
            "RCLONE_CONFIG_S_PROVIDER": "Other",
            "RCLONE_CONFIG_S_ENV_AUTH": "true",
            "RCLONE_CONFIG_S_ENDPOINT": self.url,
            "RCLONE_CONFIG_S_REGION": "us-east-1",
            **KEYS,
        }

    def clipferry(self, count: int) -> list[str]:
        named = ["--source-bucket", SOURCE, "--prefix", "clips/", "--destination-bucket", TARGET]
        sized = ["--count", str(count), "--concurrency", str(WORKER_THREADS)]
        return [sys.executable, "-m", "benchmarks.copy", "--endpoint-url", self.url, *named, *sized]

    def copying(self, count: int) -> dict[str, list[str]]:
        rclone = ["--transfers", str(THREADS), "--checkers", str(THREADS), "--s3-no-check-bucket"]
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

    def _s5cmd(self, workers: str) -> list[str]:
        (program,) = PEERS.parent.glob("lib/python3*/site-packages/s5cmd/bin/s5cmd")  # without its wrapper in Python
        return [str(program), "--numworkers", workers, "--endpoint-url", self.url]

    @property
    def _aws(self) -> list[str]:
        return [str(PEERS / "aws"), "--endpoint-url", self.url, "s3"]


@contextmanager
def stub(objects: int) -> Iterator[str]:
    """The URL of a stub that has the other cores to itself."""
    others = sorted(os.sched_getaffinity(0) - {CORE}) or [CORE]
    command = ["taskset", "-c", ",".join(map(str, others)), sys.executable, "-m", "benchmarks.stub"]
    with subprocess.Popen([*command, "--objects", str(objects)], stdout=subprocess.PIPE, cwd=ROOT) as process:
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
    """Milliseconds that a fixed piece of work takes on the pinned core: 100 in all rounds on a quiet machine."""
    work = "import time; t = time.perf_counter(); sum(range(6_000_000)); print(time.perf_counter() - t)"
    said = subprocess.run(["taskset", "-c", str(CORE), sys.executable, "-c", work], check=True, capture_output=True)
    return float(said.stdout) * 1000


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
    """Medians. Of this project's tools by what they say of themselves, besides the whole process."""
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


def memory_benchmark(folder: Path, rounds: int) -> dict[str, float]:
    """Peak memory of a worker that copies one batch after another, in MB, by how many clips those are."""
    found = {}
    with stub(10_000) as url:
        tools = Tools(url, folder)
        for count in (1_000, 10_000):
            runs = [measure(tools.clipferry(count), tools.environment) for _ in range(rounds)]
            found[str(count)] = round(statistics.median(run.said["peak_rss_mb"] for run in runs), 1)
    return found


def rows_benchmark(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    with stub(1) as url:
        command = [sys.executable, "-m", "benchmarks.rows", "--endpoint-url", url, "--count", str(count)]
        runs = [measure(command, Tools(url, folder).environment) for _ in range(rounds)]
    cpu = statistics.median(run.said["cpu_seconds"] for run in runs)
    return {"rows": count, "cpu_ms_per_row": round(cpu / count * 1000, 4)}


def million_benchmark(clips: Sequence[int]) -> dict[str, Any]:
    """The whole service without a network (`benchmarks.million`)."""
    environment = dict(os.environ)
    return {
        str(count): measure([sys.executable, "-m", "benchmarks.million", "--clips", str(count)], environment).said
        for count in clips
    }


def filled(url: str, count: int) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ADMIN.access_key_id,
        aws_secret_access_key=ADMIN.secret_access_key,
    )
    for bucket in (SOURCE, TARGET):
        client.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        body = b"x" * 1_024
        list(pool.map(lambda n: client.put_object(Bucket=SOURCE, Key=f"clips/{n:09d}.zip", Body=body), range(count)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--clips", default="10000,100000,1000000", help="sizes of the imports without a network")
    given = parser.parse_args()
    quick, rounds = given.quick, 1 if given.quick else given.rounds
    before, load = [noise() for _ in range(rounds)], os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="clipferry-bench-") as scratch:
        folder = Path(scratch)
        count = 500 if quick else 3_000
        with stub(count) as url:
            on_stub = copy_benchmark(url, folder, count, rounds, stubbed=True)
        real = 100 if quick else 1_000
        with seaweed(folder / "seaweed") as url:
            filled(url, real)
            on_seaweed = copy_benchmark(url, folder, real, rounds, stubbed=False)
        results = {
            "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "rounds": rounds,
            "copy_on_a_stub_of_30_ms": on_stub,
            "copy_on_seaweedfs": on_seaweed,
            "list": list_benchmark(folder, 2_000 if quick else 20_000, rounds),
            "worker_memory_mb": memory_benchmark(folder, 1 if quick else 3),
            "status_rows": rows_benchmark(folder, 1_000 if quick else 10_000, rounds),
            "start": start.measured(rounds),
            "imports": million_benchmark([1_000] if quick else [int(size) for size in given.clips.split(",")]),
        }
    after = [noise() for _ in range(rounds)]
    results["noise"] = {
        "fixed_work_ms": {"least": round(min(before + after), 1), "most": round(max(before + after), 1)},
        "load_before": [round(one, 1) for one in load],
        "load_after": [round(one, 1) for one in os.getloadavg()],
    }
    print(json.dumps(results, indent=1))
    if not quick:
        write(results)


if __name__ == "__main__":
    if shutil.which("taskset") is None:
        sys.exit("taskset is needed (util-linux)")
    main()
