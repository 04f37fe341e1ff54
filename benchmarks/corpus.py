"""Run the content checks on folders of files, and compare the results with those of common tools.

    python -m benchmarks.corpus DIR… [--depth structure|deep] [--json FILE] [--memory]

Checks every `.zip` and `.mp4` below the folders, packed with gzip (`.mp4.gz`) or not. Prints a line per file, then the
confusion matrix: the checks' results against those of `ffprobe` (films) or Python, `unzip`, `7z` and `bsdtar` (zips),
if installed. A false refusal is a file that is invalid here although a tool reads it. It may be no fault: a film can be
encrypted, and not every readable zip is a clip.
"""

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.formats.check import Depth, check_clip
from service.formats.facts import Verdict

KINDS = (".zip", ".mp4")
TOLERANCE_S = 0.1
TOOL_SECONDS = 60
ZIP_TOOLS = {"unzip": ["-tqq"], "7z": ["t", "-bd", "-p-"], "bsdtar": ["-tf"]}
"""Arguments with which each tool reads a whole archive or its directory."""


@dataclass
class FileSource:
    """Reads ranges of a file."""

    path: Path
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = self.path.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(length)


@dataclass(kw_only=True)
class Line:
    path: str
    content: str
    code: str | None
    message: str | None
    facts: dict[str, Any]
    reads: int
    bytes: int
    cpu_s: float
    memory_bytes: int | None
    tools: dict[str, str]
    """Result of each tool: `ok` and details, or the error."""

    @property
    def readable(self) -> bool | None:
        """Return whether a tool reads it; None if none is installed."""
        return any(said.startswith("ok") for said in self.tools.values()) if self.tools else None

    @property
    def wrong_duration(self) -> bool:
        """Return whether the duration differs from ffprobe's by more than the tolerance, and no note explains it."""
        ours: float | None = self.facts.get("duration_s")
        theirs = self.tools.get("ffprobe", "").partition("duration=")[2]
        if ours is None or not theirs or self.facts.get("notes"):
            return False
        return abs(ours - float(theirs.split()[0])) > TOLERANCE_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--depth", type=Depth, default=Depth.STRUCTURE, choices=list(Depth))
    parser.add_argument("--json", type=Path, help="write the lines to this file, one JSON object per line")
    parser.add_argument("--memory", action="store_true", help="measure the peak memory (slower)")
    options = parser.parse_args()
    lines = []
    for path in files_in(options.folders):
        lines.append(line := look(path, options.depth, memory=options.memory))
        print(shown(line), flush=True)
    if not lines:
        sys.exit("no .zip or .mp4 below " + ", ".join(map(str, options.folders)))
    print(summary(lines))
    if options.json:
        options.json.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))


def files_in(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.is_file() and kind_of(path) in KINDS:
                yield path


def kind_of(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def look(path: Path, depth: Depth, *, memory: bool) -> Line:
    with tempfile.TemporaryDirectory() as folder:
        plain = path
        if path.suffix == ".gz":
            plain = Path(folder, path.stem)
            plain.write_bytes(gzip.decompress(path.read_bytes()))
        began = time.process_time()
        verdict = check_clip(plain.name, FileSource(plain), depth=depth)
        seconds = time.process_time() - began
        return line_of(path, verdict, seconds, peak_of(plain, depth) if memory else None, asked(plain))


def line_of(path: Path, verdict: Verdict, seconds: float, peak: int | None, tools: dict[str, str]) -> Line:
    return Line(
        path=str(path),
        content=verdict.content,
        code=verdict.code,
        message=verdict.message,
        facts=verdict.facts.to_json(),
        reads=verdict.reads,
        bytes=verdict.bytes,
        cpu_s=seconds,
        memory_bytes=peak,
        tools=tools,
    )


def peak_of(path: Path, depth: Depth) -> int:
    tracemalloc.start()
    try:
        check_clip(path.name, FileSource(path), depth=depth)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def asked(path: Path) -> dict[str, str]:
    """Return the results of the installed tools."""
    if kind_of(path) == ".mp4":
        return {"ffprobe": ffprobe(path)} if shutil.which("ffprobe") else {}
    said = {"python": by_python(path)}
    for tool, arguments in ZIP_TOOLS.items():
        if shutil.which(tool):
            result = run([tool, *arguments, str(path)])
            # unzip exits with 1 after a warning, having read everything.
            good = result is not None and result.returncode <= (1 if tool == "unzip" else 0)
            said[tool] = "ok" if good else f"exit {result.returncode}" if result else "no answer"
    return said


def by_python(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # noqa: BLE001 - any exception is a result
        return f"{type(error).__name__}: {error}"[:60]
    return f"damaged: {damaged}" if damaged else "ok"


def ffprobe(path: Path) -> str:
    result = run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)])
    if result is None or result.returncode:
        return "unreadable"
    found = json.loads(result.stdout)
    videos = [stream for stream in found.get("streams", []) if stream.get("codec_type") == "video"]
    if not videos:
        return "no video"
    video = max(videos, key=lambda stream: int(stream.get("nb_frames", 0)))
    duration = video.get("duration") or found.get("format", {}).get("duration") or ""
    size = f"{video.get('width')}x{video.get('height')}"
    return f"ok {video.get('codec_tag_string')} {size} duration={duration}"


def run(command: list[str]) -> "subprocess.CompletedProcess[bytes] | None":
    try:
        return subprocess.run(command, capture_output=True, timeout=TOOL_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None


def shown(line: Line) -> str:
    facts = {name: value for name, value in line.facts.items() if name in ("duration_s", "width", "height", "codec")}
    notes = ",".join(line.facts.get("notes", ()))
    peak = "" if line.memory_bytes is None else f" {line.memory_bytes / 2**20:.1f} MiB"
    tools = "; ".join(f"{tool}: {said}" for tool, said in line.tools.items())
    cost = f"{line.reads} reads {line.bytes / 1024:.0f} kB {line.cpu_s * 1000:.1f} ms{peak}"
    marks = " WRONG DURATION" if line.wrong_duration else ""
    said = " ".join(filter(None, [line.content, line.code, notes, json.dumps(facts) if facts else ""]))
    return f"{line.path}: {said} | {cost} | {tools}{marks}"


def summary(lines: list[Line]) -> str:
    names = {True: "a tool reads it", False: "no tool reads it", None: "no tool installed"}
    counts = Counter((line.content, line.readable) for line in lines)
    columns = [key for key in names if any(line.readable is key for line in lines)]
    head = f"{'':10}" + "".join(f"{names[key]:>20}" for key in columns)
    rows = [
        f"{content:10}" + "".join(f"{counts[content, key]:>20}" for key in columns)
        for content in ("valid", "invalid", "unchecked")
    ]
    codes = Counter(line.code for line in lines if line.code)
    return "\n".join(
        [
            "",
            head,
            *rows,
            "",
            *(f"{code}: {count}" for code, count in codes.most_common()),
            f"wrong durations: {sum(line.wrong_duration for line in lines)}",
            f"most CPU: {max(line.cpu_s for line in lines):.3f} s",
            f"most reads: {max(line.reads for line in lines)}",
            *([f"most memory: {max(peaks) / 2**20:.1f} MiB"] if (peaks := memory_of(lines)) else []),
        ]
    )


def memory_of(lines: list[Line]) -> list[int]:
    return [line.memory_bytes for line in lines if line.memory_bytes is not None]


if __name__ == "__main__":
    main()
