"""The generated pages name all that the code has, and the committed table of codes is the code's."""

import json
import re
from dataclasses import fields
from types import ModuleType

import click
import pytest

from clipferry.cli.main import SECTIONS
from lambdas.api import app
from lambdas.http import STATUS
from lambdas.reference import document as openapi_document
from reference import api, codes, commands, remedies, settings
from service.domain.codes import ClipCode, ImportCode, KeptCode
from service.formats.failures import Reason
from stacks.settings import DeploySettings

PAGE = codes.PAGE.read_text("utf-8")


@pytest.mark.parametrize("module", [codes, settings, remedies])
def test_the_committed_pages_are_up_to_date(module: ModuleType) -> None:
    page = module.PAGE.read_text("utf-8")
    assert module.renewed(page) == page, "run: python -m reference.renew"


def test_every_setting_is_in_one_section() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", settings.PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(item.name for item in fields(DeploySettings))


def test_every_code_of_a_clip_or_an_import_is_explained() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \| (?:clip|content)", PAGE, re.MULTILINE))
    assert {str(code) for kind in (ClipCode, ImportCode, Reason) for code in kind} == listed
    kept = set(re.findall(r"^\| `(\w+)` \| kept source", PAGE, re.MULTILINE))
    assert kept == set(KeptCode)


def test_every_error_of_the_api_is_listed_with_its_status() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PAGE, re.MULTILINE))
    for error, status in STATUS.items():
        assert listed[error.code] == str(status.value), error


def test_the_api_page_has_every_operation_and_its_links_lead_to_objects() -> None:
    document = json.loads(openapi_document(app))
    page = "\n".join(api.lines(document))
    for path, verbs in document["paths"].items():
        for verb in verbs:
            assert f"\n{verb.upper()} {path}\n" in page
    links = set(re.findall(r"\]\(#(\w+)\)", page))
    assert links
    assert links <= {name.lower() for name in document["components"]["schemas"]}


def test_the_page_of_commands_has_every_visible_command_and_option() -> None:
    page = commands.page()

    def check(command: click.Command, name: str) -> None:
        assert command.hidden or f"### `{name}`\n" in page
        for one in command.params:
            if isinstance(one, click.Option) and not (one.hidden or command.hidden):
                assert f"`{one.opts[-1]}`" in page
        for verb, inner in getattr(command, "commands", {}).items():
            check(inner, f"{name} {verb}")

    for section in SECTIONS.values():
        for command in section:
            check(command, f"clipferry {command.name}")
