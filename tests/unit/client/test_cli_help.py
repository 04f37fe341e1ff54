"""Help at 80 columns: whole sentences, and a text for every option."""

import re

import click
import pytest
from click.testing import CliRunner

from clipferry.cli.ids import FOLDER, INTEGRATION, PRESET, Id
from clipferry.cli.main import SECTIONS, cli
from clipferry.cli.options import OPTIONS


def commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    """All commands by their path, groups included."""
    found: dict[str, click.Command] = {path.strip(): group} if path else {}
    for name, one in group.commands.items():
        found |= commands(one, f"{path}{name} ") if isinstance(one, click.Group) else {f"{path}{name}": one}
    return found


COMMANDS = commands(cli)
PLAIN = ("ftx", "completion")


def shown(path: str) -> str:
    """The help of a command at 80 columns."""
    return CliRunner().invoke(cli, [*path.split(), "--help"], terminal_width=80).output


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_80_columns_and_no_sentence_is_cut(name: str) -> None:
    text = shown(name)
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\w\.\.\.$", text.partition("\n")[2], re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_sentence_and_every_option_a_text(name: str) -> None:
    one = COMMANDS[name]
    assert one.help
    assert one.help.strip().endswith((".", "source"))
    for option in one.params:
        assert not isinstance(option, click.Option) or option.help, option.opts


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in PLAIN])
def test_every_verb_has_the_shared_options_and_takes_no_secret(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("-")}
    assert {"--json", "--profile", "--output", "--quiet", "--debug"} <= options
    assert not {option for option in options if "secret" in option or "key" in option} - {"--idempotency-key"}


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if isinstance(one, click.Group)] + [""])
def test_a_noun_alone_is_wrong_usage_and_shows_its_help(name: str) -> None:
    ran = CliRunner().invoke(cli, name.split(), terminal_width=80)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", shown(name))


def test_arguments_that_are_ids_say_what_they_are() -> None:
    assert re.search(r"Arguments:\n  IMPORT  The id of an import; `latest` is the newest one\.", shown("status"))


def test_help_lists_all_verbs_by_subject() -> None:
    text = shown("")
    places = [text.index(f"\n  {one.name} ") for commands in SECTIONS.values() for one in commands]
    assert places == sorted(places)
    assert {one.name for commands in SECTIONS.values() for one in commands} == {
        name for name, one in cli.commands.items() if not one.hidden
    }


@pytest.mark.parametrize("name", ["imports list", "clips list"])
def test_help_writes_statuses_as_the_api_does(name: str) -> None:
    assert re.search(r"--status STATUS\s+[^-]*PENDING,\s[^-]*FAILED or\s+CANCELLED\.", shown(name))


def test_former_names_work_and_are_hidden() -> None:
    assert "jobs" not in shown("")
    assert shown("jobs").startswith("Usage: clipferry jobs")
    assert shown("settings list").startswith("Usage: clipferry settings list")


def test_no_verb_has_a_second_meaning_for_a_shared_option() -> None:
    shared = {name for one in OPTIONS for name in one.opts}
    for name, one in COMMANDS.items():
        own = {text for parameter in one.params if parameter not in OPTIONS for text in parameter.opts} & shared
        assert own == ({"-o", "--output"} if name.endswith("report") else set()), name


@pytest.mark.parametrize(
    ("option", "kind"), [("--folder", FOLDER), ("--integration", INTEGRATION), ("--preset", PRESET)]
)
def test_a_shell_completes_an_option_the_same_for_every_verb(option: str, kind: Id) -> None:
    kinds = [parameter.type for one in COMMANDS.values() for parameter in one.params if option in parameter.opts]
    assert kinds == [kind] * len(kinds) != []
