"""The contents of `pip install .`."""

import shutil
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from local.config import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy, so that the checkout gets no build folder."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in ("clipferry", "service", "local"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(made), str(source)],
        check=True, capture_output=True,
    )  # fmt: skip
    return zipfile.ZipFile(next(made.glob("*.whl")))


def test_the_wheel_contains_the_whole_client_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "clipferry").rglob("*.py")}
    assert packed == there | {"clipferry/py.typed"}


def test_the_wheel_needs_few_packages_and_has_the_command_and_the_license(wheel: zipfile.ZipFile) -> None:
    info = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    needed = [line for line in info["METADATA"].splitlines() if line.startswith("Requires-Dist:")]
    assert [line.split()[1].split(">")[0].split("<")[0] for line in needed] == [
        "click",
        "httpx",
        "platformdirs",
        "rich",
    ]
    assert "License-Expression: Apache-2.0" in info["METADATA"].splitlines()
    assert info["LICENSE"] == (ROOT / "LICENSE").read_text()
    assert info["entry_points.txt"].split() == ["[console_scripts]", "clipferry", "=", "clipferry.cli.main:run"]
    assert "ftx" not in info["top_level.txt"].split()


def test_the_client_imports_no_server_code() -> None:
    script = """
import sys
import clipferry, clipferry.cli.main, clipferry.scripts
clipferry.scripts.provide_ftx()
loaded = {name.partition('.')[0] for name in sys.modules}
print(sorted(loaded & {'boto3', 'botocore', 'pydantic', 'service', 'lambdas', 'local', 'stacks', 'aws_cdk'}))
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"


def test_the_client_has_no_import_cycle() -> None:
    """The import contract finds cycles of siblings; this finds a module that imports its own package, too."""
    graph = grimp.build_graph("clipferry", cache_dir=None)
    TopologicalSorter({one: graph.find_modules_directly_imported_by(one) for one in graph.modules}).prepare()
