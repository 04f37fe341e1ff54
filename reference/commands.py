"""The reference of the command line, from its click commands."""

from collections.abc import Iterator

import click

from clipferry.cli.main import SECTIONS
from clipferry.cli.options import OPTIONS
from clipferry.cli.verbs import first_sentence
from reference.text import cell, table

INTRODUCTION = """# Command reference

This page lists every command of `clipferry` with its options. It is generated from the program. The
[guide to the command line](../cli.md) explains profiles, output formats and exit codes.

## Options of every command
"""


def page() -> str:
    return "\n".join(lines()) + "\n"


def lines() -> Iterator[str]:
    yield INTRODUCTION
    yield from _options(list(OPTIONS))
    for title, commands in SECTIONS.items():
        yield f"## {title}\n"
        rows = [(f"[`{one.name}`](#{_anchor(f'clipferry {one.name}')})", cell(first_sentence(one))) for one in commands]
        yield from table(("command", "does"), rows)
        for one in commands:
            yield from _command(one, f"clipferry {one.name}")


def _command(command: click.Command, name: str) -> Iterator[str]:
    """A command and, if it groups others, those."""
    if command.hidden:
        return
    context = click.Context(command, info_name=name)
    yield f"### `{name}`\n"
    yield from _help(command.help or "")
    if not isinstance(command, click.Group):
        yield f"```text\n{' '.join([name, *command.collect_usage_pieces(context)])}\n```\n"
        yield from _options([one for one in command.params if one not in OPTIONS])
        return
    for verb, one in command.commands.items():
        yield from _command(one, f"{name} {verb}")


def _help(text: str) -> Iterator[str]:
    """Paragraphs. One that begins with `\\b` keeps its lines, as on a terminal."""
    for paragraph in text.split("\n\n"):
        if paragraph.strip().startswith("\b"):
            yield f"```text\n{paragraph.strip().removeprefix(chr(8)).strip(chr(10))}\n```\n"
        else:
            yield f"{' '.join(paragraph.split())}\n"


def _options(options: list[click.Parameter]) -> Iterator[str]:
    shown = [one for one in options if isinstance(one, click.Option) and not one.hidden]
    rows = []
    for one in shown:
        names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
        value = "" if one.is_flag else f"`{cell(one.make_metavar(click.Context(click.Command(None))))}`"
        rows.append((names, value, cell(one.help or "")))
    yield from table(("option", "value", "meaning"), rows)


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")
