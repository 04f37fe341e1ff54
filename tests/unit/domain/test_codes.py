"""Codes of clips and imports: each says what it means, and every error that fails a clip has one."""

import ast
import inspect

import pytest

from service.domain import codes
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode, ImportCode, KeptCode
from service.domain.errors import ClipferryError, ObjectError
from service.domain.fates import Fate
from service.domain.manifest import ManifestEntry
from service.formats.failures import UnknownFormat


def kinds(error: type[ClipferryError]) -> list[type[ClipferryError]]:
    return [error, *(kind for below in error.__subclasses__() for kind in kinds(below))]


@pytest.mark.parametrize("enumeration", [ClipCode, ImportCode, KeptCode])
def test_every_code_has_a_docstring_of_one_line(enumeration: type[ClipCode | ImportCode | KeptCode]) -> None:
    tree = ast.parse(inspect.getsource(codes))
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == enumeration.__name__]
    documented = [
        assigned.targets[0].id
        for assigned, text in zip(found.body, found.body[1:], strict=False)
        if isinstance(assigned, ast.Assign)
        and isinstance(assigned.targets[0], ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and str(text.value.value).endswith(".")
        and "\n" not in str(text.value.value)
    ]
    assert documented == list(enumeration.__members__)
    assert all(code == name for name, code in enumeration.__members__.items())


@pytest.mark.parametrize("kind", [*kinds(ObjectError), UnknownFormat])
def test_what_fails_a_clip_has_a_clip_code(kind: type[ClipferryError]) -> None:
    assert ClipCode(kind.code)


def test_an_entry_keeps_its_fate_and_parses_its_source_once() -> None:
    entry = ManifestEntry(ordinal=0, source_uri="s3://bucket/a/b.zip", destination="k")
    assert entry.fate is None
    assert entry.with_fate(None) is entry
    fate = Fate(ClipStatus.SKIPPED, ClipCode.UNCHANGED, "it is there")
    assert entry.with_fate(fate).fate == fate
    assert entry.location is entry.location
    assert (entry.location.bucket, entry.location.key) == ("bucket", "a/b.zip")
