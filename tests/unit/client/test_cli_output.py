"""Lists and single things in every format, on terminals of every width."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from rich.console import Console

from clipferry import models
from clipferry.cli.output import Output
from clipferry.cli.text import relative, shorten
from clipferry.decode import Model, decode
from tests.unit.client.conftest import Run
from tests.unit.client.service import clip, counts, job, page
from tests.unit.client.test_cli_hints import previewed

IMPORT_ID = "ij_0123456789abcdef01234567"
JOBS = page("imports", [job(id="ij_1", counts=counts(copied=2, failed=1)), job("FAILED", id="ij_2", folder="a,b")])
CHANGE = {"time": "2026-01-01T00:00:00.000Z", "door": "api"}
AUDIT = page(
    "entries",
    [
        CHANGE | {"id": "2", "action": "import.cancel", "subject": "ij_2"},
        CHANGE | {"id": "1", "action": "preset.create", "subject": "st_1"},
    ],
)


def table(rows: Sequence[Model], width: int, cells: dict[str, str], **given: object) -> list[str]:
    """The lines of a list on a terminal."""
    out = Output(columns=given.pop("columns", ()))  # type: ignore[arg-type]
    out.console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, soft_wrap=True)
    out.errors = Console(file=io.StringIO(), width=width)
    out.rows(type(rows[0]), rows, cells, **given)  # type: ignore[arg-type]
    shown: str = out.console.file.getvalue() + out.errors.file.getvalue()  # type: ignore[attr-defined]
    return shown.splitlines()


CLIPS = [
    decode(models.Clip, clip(0, id=f"{IMPORT_ID}-000000000", source_uri=f"s3://clips/{'b' * 80}/front.zip")),
    decode(
        models.Clip,
        clip(1, "FAILED", id=f"{IMPORT_ID}-000000001", code="NOT_FOUND", message="there is no such object " * 4),
    ),
]
CELLS = {"clip": "id", "status": "status", "source": "source_uri", "code": "code", "why": "message"}


@pytest.mark.parametrize("width", [60, 80, 110, 200, 400])
def test_a_table_has_one_line_a_row_that_fits_and_ids_are_whole(width: int) -> None:
    lines = table(CLIPS, width, CELLS, shorten=("source", "why"))
    assert [line.split()[0] for line in lines[1:3]] == [one.raw["id"] for one in CLIPS]
    assert max(map(len, lines[:3])) <= width


def test_columns_without_room_are_named() -> None:
    *_, last = table(CLIPS, 80, CELLS, shorten=("source", "why"))
    assert last == "no room for why: choose with --columns, or use --output json"


def test_fields_that_columns_names_are_shortened_too_and_ids_are_whole() -> None:
    rows = [decode(models.Clip, {**one.raw, "destination": f"s3://mine/{'d' * 90}.zip"}) for one in CLIPS]
    lines = table(rows, 80, CELLS, columns=("id", "source_uri", "destination"))
    assert [line.split()[0] for line in lines[1:]] == [one.raw["id"] for one in CLIPS]
    assert max(map(len, lines)) <= 80


def test_a_wide_terminal_shows_everything() -> None:
    lines = table(CLIPS, 400, CELLS, shorten=("source", "why"))
    assert CLIPS[0].raw["source_uri"] in lines[1]
    assert CLIPS[1].raw["message"].strip() in lines[2]


def test_long_lists_keep_their_columns() -> None:
    rows = [decode(models.Clip, clip(n)) for n in range(450)]
    lines = table(rows, 80, CELLS, shorten=("source", "why"))
    assert len(lines) == 451
    assert len({line.index("COPIED") for line in lines[1:]}) == 1


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("s3://clips/a.zip", 16, "s3://clips/a.zip"),
        ("s3://my-clips/2026/a/b/front.zip", 20, "s3://my-cl…front.zip"),
        ("there is no such object", 12, "there is no…"),
        ("s3://日本語日本語日本語/日本.zip", 20, "s3://日本…/日本.zip"),
        ("abc", 1, "a"),
    ],
)
def test_uris_are_cut_in_the_middle_and_sentences_at_the_end(text: str, width: int, short: str) -> None:
    assert shorten(text, width, dots="…") == short
    assert cell_len(short) <= width


def test_times_are_relative_for_people() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    times = ["2026-01-31T11:59:50Z", "2026-01-31T11:57:00Z", "2026-01-31T09:00:00Z", "2026-01-29T09:00:00Z"]
    assert [relative(time, now) for time in times] == ["just now", "3 min ago", "3 h ago", "2 d ago"]
    coming = ["2026-01-31T12:00:30Z", "2026-01-31T12:15:00Z", "2026-02-01T01:00:00Z"]
    assert [relative(time, now) for time in coming] == ["in seconds", "in 15 min", "in 13 h"]
    far = ["2025-01-31T00:00:00.000Z", "2027-01-31T00:00:00.000Z"]
    assert [relative(time, now) for time in far] == ["2025-01-31", "2027-01-31"]


@pytest.mark.parametrize("place", ["{options} imports list", "imports {options} list", "imports list {options}"])
def test_csv_has_a_header_and_whole_cells_wherever_the_option_stands(run: Run, place: str) -> None:
    found = run(place.format(options="--output csv --columns import,folder,counts.failed"), JOBS)
    rows = list(csv.reader(io.StringIO(found.stdout)))
    assert rows == [
        ["import", "folder", "counts.failed"],
        ["ij_1", "", "1"],
        ["ij_2", "a,b", "0"],
    ]


def test_csv_has_no_formulas(run: Run) -> None:
    rows = page("clips", [clip(0, source_uri="=1+1"), clip(1, source_uri="\uff1d1"), clip(2, source_uri='a"=1,\n')])
    found = run("clips ij_1 -o csv --columns source", rows)
    assert list(csv.reader(io.StringIO(found.stdout))) == [["source"], ["'=1+1"], ["'\uff1d1"], ['a"=1,\\n']]


def test_tsv_has_a_header_and_pipes_have_none(run: Run) -> None:
    lines = run("imports list -o tsv", JOBS).stdout.splitlines()
    assert lines[0] == "import\tstatus\tcreated\tsource\tclips"
    assert run("imports list", JOBS).stdout.splitlines() == lines[1:]


def test_json_is_one_document_and_jsonl_a_line_each(run: Run) -> None:
    documents = json.loads(JOBS.content)["imports"]
    assert json.loads(run("imports list --output json", JOBS).stdout) == documents
    for option in ("--json", "-o jsonl"):
        assert [json.loads(line) for line in run(f"imports list {option}", JOBS).stdout.splitlines()] == documents
    found = run("imports list --json --columns id,counts.failed", JOBS)
    assert json.loads(found.stdout.splitlines()[0]) == {"id": "ij_1", "counts.failed": 1}
    assert json.loads(run("status ij_1 -o json", job()).stdout) == job()


def test_the_last_format_wins(run: Run) -> None:
    assert run("--json status ij_1 -o csv", job()).stdout.startswith("import,status,")


def test_a_table_in_a_pipe_is_whole(run: Run) -> None:
    header, first, _ = run("imports list -o table", JOBS).stdout.splitlines()
    assert header.split() == ["import", "status", "created", "source", "clips"]
    assert "2026-01-01T00:00:00.000Z" in first


@pytest.mark.parametrize(
    ("arguments", "answers", "printed"),
    [
        ("imports list -q", [JOBS], "ij_1\nij_2\n"),
        ("-q import --prefix s3://a/", [job()], "ij_1\n"),
        ("import -q --prefix s3://a/ --watch", [job("PENDING"), job()], "ij_1\n"),
        ("status ij_1 -q", [job()], "ij_1\n"),
        ("cancel ij_1 -q", [job()], "ij_1\n"),
        ("delete ij_1 -q -y", [None], "ij_1\n"),
        ("audit -q", [AUDIT], "ij_2\nst_1\n"),
        ("audit -q --columns action", [AUDIT], "import.cancel\npreset.create\n"),
        ("preview -q --prefix s3://a/", [previewed(1_200)], "1200\n"),
    ],
)
def test_quiet_prints_what_a_pipe_takes(run: Run, arguments: str, answers: list[object], printed: str) -> None:
    found = run(arguments, *answers)
    assert (found.exit_code, found.stdout, found.stderr) == (0, printed, "")


def test_unknown_columns_are_refused_before_a_request(run: Run) -> None:
    for arguments in ("imports list --columns nothing", "--columns id status ij_1"):
        found = run(arguments)
        assert (found.exit_code, "--columns" in found.stderr, found.service.requests) == (2, True, [])


def test_watching_prints_one_document_in_formats_for_programs(run: Run) -> None:
    answers = [job("PENDING"), job("COPYING"), job()]
    assert json.loads(run("status ij_1 --watch -o json", *answers).stdout)["status"] == "COMPLETED"
    rows = list(csv.DictReader(io.StringIO(run("status ij_1 --watch -o csv", *answers).stdout)))
    assert [row["status"] for row in rows] == ["COMPLETED"]


def test_debug_prints_requests_without_the_key(run: Run) -> None:
    found = run("status ij_1 --debug --json", job())
    assert json.loads(found.stdout) == job()
    assert found.stderr.startswith("debug: GET https://clips.example/prod/v1/imports/ij_1\ndebug: 200 after ")
    assert "cf_" not in found.stderr
    assert run("status ij_1", job()).stderr == ""


def test_latest_is_the_newest_import(run: Run) -> None:
    found = run("status latest --json", page("imports", [job(id="ij_9")]), job(id="ij_9"))
    assert json.loads(found.stdout)["id"] == "ij_9"
    assert found.service.asked == [("GET", "/v1/imports?limit=1"), ("GET", "/v1/imports/ij_9")]
    found = run("audit latest", page("imports", [job(id="ij_9")]), page("entries", []))
    assert found.service.asked[1] == ("GET", "/v1/audit?subject=ij_9&limit=100")
    found = run("clips latest", page("imports", []))
    assert (found.exit_code, "the project has no imports" in found.stderr) == (1, True)
