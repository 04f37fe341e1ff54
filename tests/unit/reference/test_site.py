"""Pages that are written for the repository work on the site, too."""

import sys
from types import ModuleType

import pytest


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`reference.site` without MkDocs, which only the environment of the documentation has."""
    files = ModuleType("mkdocs.structure.files")
    files.File = object  # type: ignore[attr-defined]
    for name in ("mkdocs", "mkdocs.structure"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, files.__name__, files)
    monkeypatch.delitem(sys.modules, "reference.site", raising=False)
    import reference.site

    return reference.site


@pytest.mark.parametrize(
    ("place", "text", "shown"),
    [
        ("api.md", "[a](events.md#webhook)", "[a](events.md#webhook)"),
        ("api.md", "[a](#keys)", "[a](#keys)"),
        ("api.md", "[a](https://example.com/x.md)", "[a](https://example.com/x.md)"),
        ("costs.md", "[prices](../service/prices.json) of", "prices of"),
        ("api.md", "[a](../SECURITY.md)", "[a](project/security.md)"),
        ("decisions/README.md", "[a](../../CONTRIBUTING.md#x)", "[a](../project/contributing.md#x)"),
        (
            "project/contributing.md",
            "[a](docs/api.md) [b](CHANGELOG.md) [c](Makefile)",
            "[a](../api.md) [b](changelog.md) c",
        ),
        ("api.md", "![picture](images/a.png)", "![picture](images/a.png)"),
    ],
)
def test_a_link_leads_to_the_same_page_on_the_site(site: ModuleType, place: str, text: str, shown: str) -> None:
    assert site.with_links_of_the_site(text, place) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Text.\n- a\n- b", "Text.\n\n- a\n- b"),
        ("<!-- figures -->\n| a | b |\n|---|---|", "<!-- figures -->\n\n| a | b |\n|---|---|"),
        ("- a\n  more\n- b", "- a\n  more\n- b"),
        ("```\nText.\n- a\n```", "```\nText.\n- a\n```"),
    ],
)
def test_a_list_or_a_table_may_follow_a_paragraph_at_once(site: ModuleType, text: str, shown: str) -> None:
    assert site.with_empty_lines(text) == shown
