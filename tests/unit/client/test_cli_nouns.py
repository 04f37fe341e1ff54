"""The verbs of clips and of webhooks, `imports watch` and `imports failures`."""

import json
from typing import Any

import pytest
from rich.console import Console

from clipferry.cli import exits
from clipferry.cli.output import Output
from service.domain.jobs import JobStatus
from tests.unit.client.conftest import Run
from tests.unit.client.service import clip, failures, group, job, page, refusal

FOUND = {"import_id": "ij_1", "folder": "f", "labels": ["night"], "test_run_group_name": "g"}
LINK = {"url": "https://files.example/c?X-Amz-Signature=s", "expires_at": "2026-01-01T00:05:00Z", "content_type": "a/b"}
SECRET = {"secret": "whsec_1", "previous_until": None}


@pytest.mark.parametrize(
    "command",
    [
        "clips list ij_1",
        "clips ij_1",
        "clips --columns id,status ij_1",
        "-q clips -o tsv ij_1",
        "clips --status copied ij_1",
        "clips ij_1 --status copied",
        "clips -n 5 ij_1",
        "imports clips ij_1",
    ],
)
def test_clips_without_a_verb_lists_the_clips_of_an_import(run: Run, command: str) -> None:
    found = run(command, page("clips", [clip(0)]))
    assert (found.exit_code, "ij_1-0" in found.stdout) == (0, True), found.output
    assert [path.partition("?")[0] for _, path in found.service.asked] == ["/v1/imports/ij_1/clips"]


@pytest.mark.parametrize("command", ["clips --failed", "clips -q", "clips --status FAILED", "clips list"])
def test_clips_without_an_import_say_that_it_is_missing(run: Run, command: str) -> None:
    found = run(command)
    assert (found.exit_code, found.service.asked) == (exits.USAGE, [])
    assert "Missing argument 'IMPORT'. The id of an import; `latest` is the newest one." in found.stderr
    assert "`clipferry clips list --help`" in found.stderr


def test_clips_of_the_latest_import_are_listed_without_a_verb(run: Run) -> None:
    found = run("clips latest", page("imports", [job(id="ij_7")]), page("clips", []))
    assert (found.exit_code, found.service.asked[-1][1].partition("?")[0]) == (0, "/v1/imports/ij_7/clips")


def test_clips_are_found_by_either_name(run: Run) -> None:
    for command in ("clips find --label night", "find --label night"):
        found = run(f"{command} -q", page("clips", [clip(0) | FOUND]))
        assert (found.exit_code, found.stdout) == (0, "ij_1-0\n")


def test_a_clip_is_shown_with_the_views_of_its_set(run: Run) -> None:
    views = [clip(0, view="front"), clip(1, "FAILED", view="left")]
    answer = clip(0, view="front", code="UNCHANGED", message="the same") | FOUND | {"views": views}
    found = run("clips show ij_1-0", answer)
    shown = dict(line.split("\t") for line in found.stdout.splitlines())
    assert (shown["why"], shown["import"], shown["labels"]) == ("the same (UNCHANGED)", "ij_1", "night")
    assert shown["set"] == "front: ij_1-0 COPIED, left: ij_1-1 FAILED"
    assert json.loads(run("clips show ij_1-0 --json", answer).stdout) == answer
    assert run("clips show ij_1-0 -q", answer).stdout == "ij_1-0\n"


def test_a_link_is_printed_alone(run: Run) -> None:
    found = run("clips link ij_1-0", LINK)
    assert (found.exit_code, found.stdout) == (0, f"{LINK['url']}\n")
    assert "until 2026-01-01T00:05:00Z" in found.stderr
    assert run("clips link ij_1-0 -q", LINK).output == f"{LINK['url']}\n"
    found = run("clips link ij_1-0 --download --json", LINK)
    assert (json.loads(found.stdout), found.service.asked) == (LINK, [("GET", "/v1/clips/ij_1-0/link?download=true")])


@pytest.mark.parametrize(("status", "code"), [("COMPLETED", exits.OK), ("COMPLETED_WITH_ERRORS", exits.NOT_ALL_LANDED)])
def test_an_import_is_watched_to_its_end(run: Run, status: str, code: int) -> None:
    found = run("imports watch ij_1", job("COPYING"), job("COPYING"), job(status))
    assert (found.exit_code, f"{status} after 1:10" in found.stdout) == (code, True)
    assert run("imports watch ij_1 --timeout 0", job("COPYING"), job("COPYING")).exit_code == exits.TIMED_OUT
    found = run("imports watch latest --json", page("imports", [job()]), job(), job())
    assert json.loads(found.stdout)["id"] == "ij_1"


def test_failures_are_counted_with_an_example_and_advice(run: Run) -> None:
    answer = failures(group("NOT_FOUND", 7), group("ZIP_TRUNCATED", 1, failed_check=1))
    found = run("imports failures ij_1", answer)
    first, second = (line.split("\t") for line in found.stdout.splitlines())
    assert first[:4] == ["NOT_FOUND", "FAILED", "7", "s3://clips/0.zip"]
    assert "Check the URI" in first[4]
    assert second[4]
    assert "clipferry clips ij_1 --failed" in found.stderr
    assert "--content-validation none" in found.stderr
    assert "at least" not in found.stderr
    assert json.loads(run("imports failures ij_1 --json", answer).stdout) == answer
    assert run("imports failures ij_1 -q", answer).output == "NOT_FOUND\nZIP_TRUNCATED\n"
    chosen = run("imports failures ij_1 -o csv --columns code,count", answer).stdout
    assert chosen == "code,count\nNOT_FOUND,7\nZIP_TRUNCATED,1\n"
    assert json.loads(run("imports failures ij_1 -o json --columns code", answer).stdout) == [
        {"code": "NOT_FOUND"},
        {"code": "ZIP_TRUNCATED"},
    ]


def test_failures_on_a_terminal_have_whole_sentences_below_the_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(Output):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            self.console = Console(width=80, force_terminal=True, color_system=None, soft_wrap=True)

    monkeypatch.setattr("clipferry.cli.app.Output", Terminal)
    found = run("imports failures ij_1", failures(group("NOT_FOUND", 7), group("NEWER", 1)))
    assert [line.split()[0] for line in found.stdout.splitlines()] == ["code", "NOT_FOUND", "NEWER"]
    assert "NOT_FOUND: The store has no such object" in found.stderr
    assert "NEWER: this version of the command line does not know the code" in found.stderr


def test_counts_that_are_not_complete_say_so(run: Run) -> None:
    found = run("imports failures ij_1", failures(group("NOT_FOUND", 5_000), complete=False))
    assert "each number means at least this many clips" in found.stderr


def test_failures_of_a_cancelled_import_name_the_cancelled_clips(run: Run) -> None:
    found = run("imports failures ij_1", failures(group("CANCELLED", 2, status="CANCELLED", examples=[])))
    assert "clipferry clips ij_1 --status CANCELLED" in found.stderr
    assert "--status FAILED" not in found.stderr


def test_an_import_without_failures_has_no_advice(run: Run) -> None:
    found = run("imports failures ij_1", failures())
    assert (found.exit_code, found.output) == (0, "")


def test_a_secret_is_shown(run: Run) -> None:
    assert run("webhooks secret", SECRET).stdout == "secret\twhsec_1\n"
    assert run("webhooks secret -q", SECRET).output == "whsec_1\n"
    assert json.loads(run("webhooks secret --json", SECRET).stdout) == SECRET


def test_a_secret_is_replaced_and_an_end_of_the_old_one_is_confirmed(run: Run) -> None:
    new = {"secret": "whsec_2", "previous_until": "2026-01-02T00:00:00Z"}
    found = run("webhooks rotate --overlap 60", new, asked=True)
    assert (found.exit_code, found.service.body()) == (0, {"overlap_seconds": 60})
    assert found.stdout == "secret\twhsec_2\nreplaced ones sign until\t2026-01-02T00:00:00Z\n"
    assert run("webhooks rotate", new).service.body() == {}
    found = run("webhooks rotate --overlap 0", asked=True, stdin="n\n")
    assert (found.exit_code, found.service.asked) == (exits.INTERRUPTED, [])
    for stdin, yes in (("y\n", ""), (None, " --yes")):
        found = run(f"webhooks rotate --overlap 0{yes}", SECRET, asked=True, stdin=stdin)
        assert (found.exit_code, found.service.body()) == (0, {"overlap_seconds": 0})
    assert run("webhooks rotate --overlap -1").exit_code == exits.USAGE


def test_a_webhook_is_sent_again(run: Run) -> None:
    found = run("webhooks replay latest", page("imports", [job()]), job())
    assert found.service.asked[-1] == ("POST", "/v1/imports/ij_1/webhook/replay")
    assert found.stdout == "the webhook of import ij_1 is sent again\n"
    found = run("webhooks replay ij_1", refusal(409, "NO_WEBHOOK"))
    assert (found.exit_code, "--webhook URL" in found.stderr) == (exits.REFUSED, True)
    assert run("webhooks replay ij_1 --event e").exit_code == exits.USAGE


def test_imports_are_listed_by_each_status_in_any_case(run: Run) -> None:
    for status in JobStatus:
        found = run(f"imports list --status {status.lower()}", page("imports", []))
        assert found.service.requests[0].url.params["status"] == status
    found = run("imports list --status done")
    assert (found.exit_code, found.service.asked) == (2, [])


@pytest.mark.parametrize("command", ["imports list -n", "report ij_1 --format", "watches add s3://a/ --name"])
def test_wrong_usage_points_to_the_help_of_its_verb(run: Run, command: str) -> None:
    found = run(command)
    verb = command.partition(" -")[0].removesuffix(" ij_1").removesuffix(" s3://a/")
    assert f"{verb} --help`" in found.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("imports list -n 0", "it must be a whole number, at least 1, not '0'"),
        ("imports list -n many", "it must be a whole number, at least 1, not 'many'"),
        ("import --restore-days 99 s3://a/b", "it must be a whole number, 1 to 30, not '99'"),
        ("imports watch ij_1 --timeout nan", "it must be a number, at least 0, not 'nan'"),
        ("report ij_1 --wait inf", "it must be a number, at least 0, not 'inf'"),
        ("import --tolerate nan% s3://a/b", "'nan%' is neither a number nor a percentage such as 5%"),
        ("import --tolerate -1 s3://a/b", "'-1' is neither a number nor a percentage such as 5%"),
        (f"import --prefix s3://a/ --min-size {'9' * 400}", "is not a size: write 500, 10MB or 1.5GiB"),
        ("completion", "error: Missing argument 'SHELL'. Choose from: bash, zsh, fish\n"),
        ("completion tcsh", "error: Invalid value for 'SHELL': 'tcsh' is not one of 'bash', 'zsh', 'fish'.\n"),
    ],
)
def test_values_that_no_option_takes_are_sentences(run: Run, command: str, said: str) -> None:
    found = run(command)
    assert (found.exit_code, found.service.requests) == (exits.USAGE, [])
    assert said in found.stderr


@pytest.mark.parametrize(("command", "next_"), [("imports lst", "commands"), ("imports show", "options")])
def test_wrong_usage_says_what_the_help_lists(run: Run, command: str, next_: str) -> None:
    assert run(command).stderr.endswith(f"--help` lists the {next_}\n")
