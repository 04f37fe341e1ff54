"""The contents of `pip install .`."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from clipferry.version import VERSION
from local.config import ROOT


def _runs(python: str) -> bool:
    """Return whether this machine has that Python. A shim of pyenv may be there without it."""
    return bool(shutil.which(python)) and not subprocess.run([python, "--version"], capture_output=True).returncode


PYTHONS = [sys.executable, *filter(_runs, ("python3.10", "python3.14"))]
"""This Python; and the oldest and the newest that the package supports, if this machine has them."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and the sdist from a copy, so that the checkout gets no build folder."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for folder in ("clipferry", "service", "local"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(dist.glob("*.whl")))


def test_the_wheel_contains_the_whole_client_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "clipferry").rglob("*.py")}
    assert packed == there | {"clipferry/py.typed", "clipferry/cli/codes.json"}


def test_the_wheel_needs_few_packages_and_has_the_command_and_the_license(wheel: zipfile.ZipFile) -> None:
    info = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    needed = [line for line in info["METADATA"].splitlines() if line.startswith("Requires-Dist:")]
    assert [line.split()[1].split(">")[0].split("<")[0] for line in needed] == [
        "click",
        "httpx",
        "platformdirs",
        "rich",
        "typing-extensions",
    ]
    assert "License-Expression: Apache-2.0" in info["METADATA"].splitlines()
    assert info["LICENSE"] == (ROOT / "LICENSE").read_text()
    assert info["entry_points.txt"].split() == ["[console_scripts]", "clipferry", "=", "clipferry.cli.main:run"]
    assert "ftx" not in info["top_level.txt"].split()


def test_the_page_of_the_package_links_to_no_file_of_the_repository(wheel: zipfile.ZipFile) -> None:
    [metadata] = [wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/METADATA")]
    assert re.findall(r"\]\((?!https://)[^)]*\)", metadata) == []


def test_the_sdist_has_the_same_modules_as_the_wheel(dist: Path, wheel: zipfile.ZipFile) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames()}
    assert {name for name in packed if name.endswith((".py", "py.typed"))} == {
        name for name in wheel.namelist() if name.endswith((".py", "py.typed"))
    }


def test_twine_accepts_both(dist: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, dist.iterdir())]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_wheel_is_installed_in_an_empty_environment(python: str, dist: Path, tmp_path: Path) -> None:
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True, capture_output=True)
    bin_ = tmp_path / "venv" / "bin"
    install = [str(bin_ / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, str(next(dist.glob("*.whl")))], check=True, capture_output=True)
    printed = subprocess.run([str(bin_ / "clipferry"), "--version"], check=True, capture_output=True, text=True).stdout
    assert VERSION in printed
    script = "import clipferry; print(clipferry.Clipferry.__name__, clipferry.AsyncClipferry.__name__)"
    ran = subprocess.run([str(bin_ / "python"), "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ran.stdout.split() == ["Clipferry", "AsyncClipferry"]


def test_the_client_imports_no_server_code() -> None:
    script = """
import sys
import tarfile
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
