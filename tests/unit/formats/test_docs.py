"""Each code and note is explained, in the code and for users."""

import re
from pathlib import Path

import pytest

from reference.codes import of_content_checks
from service.formats import failures, limits
from service.formats.failures import Note, Reason

MIB = 1024**2
PAGE = (Path(__file__).parents[3] / "docs" / "validation.md").read_text()


@pytest.mark.parametrize("known", [Reason, Note])
def test_every_code_is_in_the_module_and_on_the_page(known: type[Reason] | type[Note]) -> None:
    codes = [str(code) for code in known]
    assert failures.__doc__ is not None
    rows = [line.split("|")[1].strip() for line in failures.__doc__.splitlines() if line.startswith("| ")]
    assert [row for row in rows if row in codes] == codes
    on_page = re.findall(r"^\| `([A-Z0-9_]+)` \|", PAGE, re.MULTILINE)
    assert sorted(code for code in on_page if code in codes) == sorted(codes)


def test_every_limit_is_on_the_page() -> None:
    for name in (name for name in dir(limits) if name.startswith("MAX_") and name != "MAX_NESTING"):
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        (Reason.ZIP_BOMB, f"{limits.MAX_RATIO} times"),
        (Reason.ZIP_TOO_MANY_MEMBERS, f"{limits.MAX_MEMBERS:,} members"),
        (Reason.ZIP_DIRECTORY_TOO_LARGE, f"{limits.MAX_DIRECTORY_BYTES // MIB} MiB"),
        (Reason.CLIPGT_LAYERS_TOO_LARGE, f"{limits.MAX_UNPACKED_BYTES // MIB} MiB"),
        (Reason.PARQUET_FOOTER_TOO_LARGE, f"{limits.MAX_FOOTER_BYTES // MIB} MiB"),
        (Reason.PARQUET_FOOTER_TOO_LARGE, f"{limits.MAX_FOOTER_VALUES:,} values"),
    ],
)
def test_a_code_names_its_limit_by_the_value(code: Reason, limit: str) -> None:
    """The sentences show on the command line and in the dashboard, where nobody knows the names of the module."""
    assert limit in of_content_checks()[code]


def test_no_sentence_of_a_code_names_a_constant() -> None:
    assert [code for code, text in of_content_checks().items() if "MAX_" in text] == []
