"""`clipferry`: the root of all verbs."""

import click

from clipferry.cli.audit import audit
from clipferry.cli.cancel import cancel
from clipferry.cli.clips import clips
from clipferry.cli.completion import completion
from clipferry.cli.delete import delete
from clipferry.cli.find import find
from clipferry.cli.folders import folders
from clipferry.cli.ftx import ftx
from clipferry.cli.import_ import import_
from clipferry.cli.integrations import integrations
from clipferry.cli.jobs import jobs
from clipferry.cli.keys import keys
from clipferry.cli.login import login
from clipferry.cli.preview import preview
from clipferry.cli.profile import profile
from clipferry.cli.report import report
from clipferry.cli.retry import retry
from clipferry.cli.settings import settings
from clipferry.cli.status import status
from clipferry.version import VERSION

VERBS = (
    login,
    profile,
    preview,
    import_,
    jobs,
    status,
    clips,
    find,
    retry,
    cancel,
    report,
    delete,
    folders,
    settings,
    integrations,
    keys,
    audit,
    ftx,
    completion,
)


class InOrder(click.Group):
    """Help lists the verbs in the order in which people need them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION)
def cli() -> None:
    """Import driving clips with Clipferry. Begin with `clipferry login`."""


for one in VERBS:
    cli.add_command(one)


def run() -> None:
    """The entry point."""
    cli(prog_name="clipferry")
