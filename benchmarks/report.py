"""Write results as tables and a plot into docs/, each goal next to its figure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import with_figures

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
LONG = ("in a row", "by ranges", "by ranges, busy")
"""Keys of `long_lists`, in the order of the table's columns."""
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def write(results: Mapping[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text(), results))
    PLOT.write_text(plot(results["copy_on_a_stub_of_30_ms"]["tools"]))


def page(text: str, results: Mapping[str, Any]) -> str:
    """Return the page with these figures."""
    return with_figures(text, BEGIN, END, figures(results))


def figures(results: Mapping[str, Any]) -> str:
    noise = results["noise"]
    work = noise["fixed_work_ms"]
    where = f"{results['rounds']} rounds, {results['machine']['cores']} cores, Python {results['machine']['python']}."
    worked = f"Noise: a fixed piece of work took {work['least']} to {work['most']} ms;"
    loaded = f"the load was {noise['load_before'][0]} before and {noise['load_after'][0]} after."
    parts = [
        f"{where} {worked} {loaded}",
        "### Goals",
        table(("figure", "goal", "measured", "met"), goals(results)),
        "### Server-side copies, a stub that answers after 30 ms",
        copies(results["copy_on_a_stub_of_30_ms"]),
        "![CPU seconds per 1,000 copies](performance.svg)",
        "### Server-side copies on SeaweedFS, on the same machine",
        copies(results["copy_on_seaweedfs"]),
        "### Listing",
        copies(results["list"]),
        "### Long listings: seconds and peak MB, by the stub's time for a page of 1,000",
        table(
            ("ms per page", "keys", "page by page", "by ranges", "by ranges, reader uses 14 µs per key"),
            long_lists(results),
        ),
        "### Streamed copies: SeaweedFS to SeaweedFS, through the client",
        streams(results["streams"]),
        "### Rows of clips, written to a stub of DynamoDB",
        rows(results["status_rows"]),
        "### Imports without a network: planning, pages",
        table(
            ("clips", "plan, s", "plan, peak MB", "first page of 1,000, ms", "last page, ms", "median page, ms"),
            imports(results),
        ),
        "### A million unchanged clips imported again: modelled, not measured",
        unchanged(results["unchanged_again"]),
        "### Cold starts: CPU ms",
        table(("function", "import", "budget", "kept", "ready for the first request"), starts(results["start"])),
    ]
    return "\n\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def clock_time(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 3 else f"{minutes:.0f} min" if hours < 3 else f"{hours:.1f} h"


def copies(found: Mapping[str, Any]) -> str:
    head = ("tool", "per second (min to max)", "CPU s per 1,000", "CPU with start", "peak MB", "requests")
    lines = []
    for name, one in found["tools"].items():
        low, high = one["per_second_range"]
        counts = found.get("requests", {}).get(name, {})
        asked = ", ".join(f"{value} {kind}" for kind, value in counts.items() if kind != "cpu_seconds")
        rate = f"{one['per_second']:,} ({low:,} to {high:,})"
        lines.append((name, rate, one["cpu_per_1000"], one["process_cpu_per_1000"], one["peak_rss_mb"], asked))
    return table(head, lines)


def streams(found: Mapping[str, Any]) -> str:
    head = ("tool", "MiB", "MiB/s (min to max)", "CPU s per GiB", "CPU with start", "peak MB")
    lines = []
    for size, tools in found.items():
        for name, one in tools.items():
            low, high = one["mib_per_second_range"]
            rate = f"{one['mib_per_second']} ({low} to {high})"
            lines.append((name, size, rate, one["cpu_per_gib"], one["process_cpu_per_gib"], one["peak_rss_mb"]))
    return table(head, lines)


def rows(found: Mapping[str, Any]) -> str:
    head = ("tool", "CPU ms per row", "CPU with start", "rows per second")
    lines = [
        (name, one["cpu_per_1000"], one["process_cpu_per_1000"], f"{one['per_second']:,}")
        for name, one in found["tools"].items()
    ]
    return table(head, lines)


def unchanged(found: Mapping[str, Any]) -> str:
    times = {"Clipferry": clock_time(found["seconds"])}
    lines = [(tool, f"{dollars + 1e-9:.2f}", times.get(tool, "—")) for tool, dollars in found["dollars"].items()]
    return table(("tool", "dollars", "time"), lines)


def goals(results: Mapping[str, Any]) -> list[tuple[str, str, object, str]]:
    stub = results["copy_on_a_stub_of_30_ms"]
    ours, s5cmd, rclone = (stub["tools"][name] for name in ("clipferry", "s5cmd", "rclone"))
    asked, count = stub["requests"]["clipferry"], stub["objects"]
    memory = results["worker_memory_mb"]
    lists = [results["list"]["tools"][name]["cpu_per_1000"] for name in ("clipferry", "boto3")]
    sizes = sorted(results["imports"], key=int)
    phases = [results["imports"][size]["phases"] for size in (sizes[0], sizes[-1])]
    planned = [one["plan"]["peak_rss_mb"] for one in phases]
    pages = [results["imports"][size]["median_page_ms"] for size in (sizes[0], sizes[-1])]
    small, large = (results["streams"][size]["clipferry"]["peak_rss_mb"] for size in ("256", "1024"))
    start, again = results["start"]["cpu_ms"]["copy"], results["unchanged_again"]
    ratios = [
        ("worker's copies per second ÷ s5cmd's (256 workers)", "≥ 1.0", ours["per_second"] / s5cmd["per_second"], 1.0),
        ("worker's CPU per 1,000 ÷ s5cmd's", "≤ 0.5", ours["cpu_per_1000"] / s5cmd["cpu_per_1000"], -0.5),
        ("worker's copies per second ÷ rclone's", "≥ 2", ours["per_second"] / rclone["per_second"], 2.0),
        ("COPY requests per clip", "1", asked["COPY"] / count, -1.0),
        ("HEAD requests per clip", "0", asked.get("HEAD", 0) / count, -0.0),
        ("worker's memory at 10,000 clips ÷ at 1,000", "≤ 1.1", memory["10000"] / memory["1000"], -1.1),
        ("stream's memory at 1 GiB ÷ at 256 MiB", "≤ 1.1", large / small, -1.1),
        ("stream's peak MB", "≤ 128", large, -128),
        ("DynamoDB write calls per 100 clips", "≤ 5", results["status_rows"]["calls_per_100"], -5),
        ("listing's CPU ÷ boto3's", "≤ 0.1", lists[0] / lists[1], -0.1),
        (
            f"planning's memory at {int(sizes[-1]):,} clips ÷ at {int(sizes[0]):,}",
            "≤ 1.1",
            planned[1] / planned[0],
            -1.1,
        ),
        (
            f"time of a page of 1,000 at {int(sizes[-1]):,} clips ÷ at {int(sizes[0]):,}",
            "≤ 1.5",
            pages[1] / pages[0],
            -1.5,
        ),
        ("import of the copy function, CPU ms", "≤ 300", start, -300),
        ("a million unchanged clips again, dollars (modelled)", "≤ 0.30", again["dollars"]["Clipferry"], -0.3),
        ("a million unchanged clips again, seconds (modelled)", "≤ 60", again["seconds"], -60),
        *(
            (f"CPU of a validated copy ÷ s5cmd's of a copy, {place}", "≤ 4", one["structure_by_s5cmd"], -4.0)
            for place, one in results.get("validated_copies", {}).get("on", {}).items()
        ),
    ]
    return [
        (name, goal, f"{value:.2f}", "yes" if met(value, limit) else "**no**") for name, goal, value, limit in ratios
    ]


def met(value: float, limit: float) -> bool:
    """Compare with a limit: a maximum if it is below 0 (or -0.0), else a minimum."""
    return value <= -limit if str(limit).startswith("-") else value >= limit


def long_lists(results: Mapping[str, Any]) -> list[tuple[object, ...]]:
    def shown(run: Mapping[str, Any] | None) -> str:
        return f"{run['seconds']:.1f} s, {run['peak_rss_mb']:.0f} MB" if run else "not run"

    return [
        (one["page_ms"], f"{one['keys']:,}", *(shown(one["runs"].get(name)) for name in LONG))
        for one in sorted(results["long_lists"], key=lambda one: (one["page_ms"], one["keys"]))
    ]


def starts(found: Mapping[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            name,
            imported,
            found["budget_ms"][name],
            "yes" if found["within_budget"][name] else "**no**",
            found["ready_cpu_ms"][name],
        )
        for name, imported in found["cpu_ms"].items()
    ]


def imports(results: Mapping[str, Any]) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = []
    for size, one in results["imports"].items():
        phases = one["phases"]
        first, last = (round(phases[f"{which} page of 1000"]["seconds"] * 1000) for which in ("first", "last"))
        lines.append(
            (
                f"{int(size):,}",
                phases["plan"]["seconds"],
                phases["plan"]["peak_rss_mb"],
                first,
                last,
                one["median_page_ms"],
            )
        )
    return lines


def plot(tools: Mapping[str, Any]) -> str:
    """Draw bars of CPU seconds per 1,000 copies."""
    values = {name: one["cpu_per_1000"] for name, one in tools.items()}
    most, height = max(values.values()), 26
    bars = []
    for number, (name, value) in enumerate(values.items()):
        y, width = number * height + 4, value / most * 420
        fill = "#2f6fde" if name == "clipferry" else "#9aa5b1"
        bars.append(f'<text x="92" y="{y + 14}" text-anchor="end">{name}</text>')
        bars.append(f'<rect x="100" y="{y}" width="{width:.1f}" height="18" fill="{fill}"/>')
        bars.append(f'<text x="{106 + width:.1f}" y="{y + 14}">{value:.3f}</text>')
    size = f'width="600" height="{len(values) * height + 8}"'
    style = 'font-family="sans-serif" font-size="13" fill="#444"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(bars) + "\n</svg>\n"
