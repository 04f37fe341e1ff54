"""Each code and note is explained, in the code and for users."""

import re
from pathlib import Path

import pytest

from service.formats import failures, limits
from service.formats.failures import Note, Reason

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
