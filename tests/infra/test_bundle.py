"""The code bundle: what is in it, for which machine, and that the same tree makes the same bundle."""

import hashlib
import os
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path

import botocore
import pytest

from smoke.account import bundled_sdk
from stacks import bundle
from stacks.bundle import (
    AWS_SERVICES,
    AWS_TARGET,
    build_bundle,
    bundled_requirements,
    compile_sources,
    content_hash,
    host_target,
)

AARCH64 = (183).to_bytes(2, "little")
UNZIPPED_LIMIT = 50 * 1024**2
"""Ours, far below Lambda's 250 MB: every megabyte is read at a cold start."""
PARQUET_LIMIT = 160 * 1024**2
"""With the Parquet library, whose core alone takes 80 MB."""

ZIPPED_LIMIT = 15 * 1000**2
"""Ours: Lambda fetches the zip at a cold start."""

NOT_NEEDED = {"backports", "certifi", "_distutils_hack"}
"""Taken where they are there: by urllib3, by botocore, and by the environment of the tests."""


def test_the_sdk_that_the_tests_ran_on_is_bundled_with_every_other_pinned_package() -> None:
    pins = [pin.split()[0].split("==") for pin in bundled_requirements()]
    names = {name for name, *_ in pins}
    assert {"aws-lambda-powertools", "httptools", "pydantic", "pynamodb"} <= names
    assert {"botocore", "jmespath", "python-dateutil", "six", "urllib3"} <= names
    assert dict(pin for pin in pins if pin[0] == "botocore") == {"botocore": botocore.__version__}
    assert all(len(pin) == 2 for pin in pins), pins


def test_the_hash_depends_on_sources_lock_and_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("service", "lambdas"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("x = 1\n")
    lock = tmp_path / "requirements.txt"
    lock.write_text("pydantic==2.13.5\nboto3==1.0\n")
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    monkeypatch.setattr(bundle, "LOCK", lock)
    first = content_hash(AWS_TARGET)
    assert content_hash(AWS_TARGET) == first
    assert content_hash(host_target()) != first

    cached = tmp_path / "service" / "__pycache__"
    cached.mkdir()
    (cached / "a.pyc").write_bytes(b"x")
    lock.write_text("# by hand\npydantic==2.13.5  # comment\nboto3==1.0\n")
    assert content_hash(AWS_TARGET) == first, "bytecode and comments do not count"

    lock.write_text("pydantic==2.13.5\nboto3==2.0\n")
    assert content_hash(AWS_TARGET) != first
    lock.write_text("pydantic==2.13.5\nboto3==1.0\n")
    (tmp_path / "service" / "a.py").rename(tmp_path / "service" / "b.py")
    assert content_hash(AWS_TARGET) != first


LOCKS = [*sorted(bundle.ROOT.glob("requirements*.txt")), *sorted(bundle.ROOT.glob("tests/sdks/*.txt"))]
LOCKS += [bundle.ROOT / "local" / "requirements.txt", bundle.ROOT / "benchmarks" / "requirements.txt"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(bundle.ROOT)))
def test_every_lock_has_the_hashes_of_all_its_packages(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LOCK", lock)
    pins = bundled_requirements()
    assert pins
    assert [pin for pin in pins if "==" not in pin or " --hash=sha256:" not in pin] == []


def test_every_installation_of_a_lock_checks_its_hashes() -> None:
    makefile = (bundle.ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if "pip install" in line or "$(PIP_INSTALL)" in line]
    # `make lock` alone makes the locks; the checkout itself is in none.
    named = [
        line
        for line in installs
        if "uv==" not in line and not line.endswith("--no-deps --no-build-isolation --editable .")
    ]
    assert all("--require-hashes" in line or "$(PIP_INSTALL)" in line for line in named), named


@pytest.mark.parametrize(("given", "builds"), [("right", True), ("wrong", False), ("none", False)])
def test_a_package_with_another_hash_than_the_locked_one_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, builds: bool
) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("botocore/data/s3/service.json", "{}")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    hashes = {"right": f" \\\n    --hash=sha256:{right}", "wrong": f" --hash=sha256:{'0' * 64}", "none": ""}
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"tiny==1.0{hashes[given]}\n")
    monkeypatch.setattr(bundle, "LOCK", lock)
    monkeypatch.setattr(bundle, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with nullcontext() if builds else pytest.raises(subprocess.CalledProcessError):
        build_bundle(tmp_path / "out", host_target())
    assert (tmp_path / "out" / "tiny.py").exists() is builds


@pytest.mark.pip
def test_the_aws_bundle_is_built_for_arm64_and_the_same_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    umask = os.umask(0o077)
    request.addfinalizer(lambda: os.umask(umask))
    for output in (first, second):
        # With nothing kept from the build before.
        monkeypatch.setattr(bundle, "CACHE", tmp_path / f"cache of {output.name}")
        build_bundle(output, AWS_TARGET)
    assert tree(first) == tree(second)
    assert {path.name for path in first.iterdir()} >= {"service", "lambdas", "aws_lambda_powertools", "pydantic"}
    assert not [path for path in first.iterdir() if path.name in ("bin", "pycparser")]
    services = {path.name for path in (first / "botocore" / "data").iterdir() if path.is_dir()}
    assert services == set(AWS_SERVICES)
    assert not [path for path in first.rglob("*") if path.name == "tests"]
    compiled = {path.parent.parent / path.name.split(".")[0] for path in first.rglob("*.cpython-314.pyc")}
    assert compiled == {path.with_suffix("") for path in first.rglob("*.py")}
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in first.rglob("*")), "readable by the function's user"
    libraries = list(first.rglob("*.so"))
    assert libraries
    abi3 = [path for path in libraries if path.name.endswith(".abi3.so")]
    assert all(".cpython-314-aarch64" in path.name for path in libraries if path not in abi3), libraries
    assert all(path.read_bytes()[18:20] == AARCH64 for path in libraries), "the machine in their ELF header"
    assert unzipped(first) < UNZIPPED_LIMIT
    assert zipped(first, tmp_path / "bundle.zip") < ZIPPED_LIMIT
    assert bundled_sdk((tmp_path / "bundle.zip").read_bytes()) == botocore.__version__, "what `make smoke` reads"


@pytest.mark.parametrize(
    ("target", "version"), [(AWS_TARGET, bundle.PYTHON_VERSION), (host_target(), "{}.{}".format(*sys.version_info))]
)
def test_bytecode_is_by_the_targets_version_and_holds_wherever_and_whenever_the_bundle_is_unpacked(
    tmp_path: Path, target: str, version: str
) -> None:
    package = tmp_path / "built" / "one"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("WHERE = 1\n")
    (package / "template.py").write_text("def {{name}}\n")
    compile_sources(tmp_path / "built", ["one"], target)
    compiled = list(package.rglob("*.pyc"))
    assert [path.name for path in compiled] == [f"__init__.cpython-{version.replace('.', '')}.pyc"]
    flags = int.from_bytes(compiled[0].read_bytes()[4:8], "little")
    assert flags == 0b01, "by hash, which is not checked"
    assert str(tmp_path).encode() not in compiled[0].read_bytes()


@pytest.mark.pip
def test_the_parquet_bundle_has_one_library_more_and_stays_below_lambdas_limit(tmp_path: Path) -> None:
    build_bundle(tmp_path, AWS_TARGET, parquet=True)
    assert unzipped(tmp_path) < PARQUET_LIMIT < 250 * 1024**2
    libraries = list((tmp_path / "pyarrow").rglob("*.so*"))
    assert any(path.name.startswith("libparquet.so") for path in libraries)
    assert all(path.read_bytes()[18:20] == AARCH64 for path in libraries), "the machine in their ELF header"
    assert not [path for path in libraries if "flight" in path.name or "s3" in path.name]


def test_the_parquet_library_is_in_its_own_bundle_only() -> None:
    plain, parquet = bundled_requirements(), bundled_requirements(parquet=True)
    assert [pin.split("==")[0] for pin in parquet if pin not in plain] == ["pyarrow"]
    assert set(plain) < set(parquet)
    assert content_hash(AWS_TARGET) != content_hash(AWS_TARGET, parquet=True)


@pytest.mark.pip
def test_layers_are_extrapolated_from_the_parquet_bundle(tmp_path: Path) -> None:
    build_bundle(tmp_path, host_target(), parquet=True)
    (clip,) = (bundle.ROOT / "samples" / "clipgt").glob("0b1734b6-*.zip")
    statement = (
        "import lambdas.extrapolate, pyarrow, sys, zipfile; lambdas.extrapolate.handler;"
        "from service.imports.extrapolation.layer import extrapolate;"
        "a = zipfile.ZipFile(sys.argv[1]);"
        "b = lambda layer: next(a.read(n) for n in a.namelist() if layer in n);"
        "print(extrapolate(b('obstacle'), b('egomotion'), 0.5).rows, pyarrow.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", statement, str(clip)],
        env={"PYTHONPATH": str(tmp_path), "AWS_DEFAULT_REGION": "eu-west-1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["402", str(tmp_path / "pyarrow" / "__init__.py")]


@pytest.mark.pip
def test_every_handler_can_be_imported_from_the_local_bundle(tmp_path: Path) -> None:
    build_bundle(tmp_path, host_target())
    # `extrapolate` has the other bundle.
    handlers = ["api", "authorize", "conclude", "copy", "delete_sources", "finish"]
    handlers += ["on_upload", "plan", "sweep", "watch"]
    statement = "; ".join(f"import lambdas.{name}; lambdas.{name}.handler" for name in handlers)
    statement += "; import lambdas.reference, service.sources.gcs"  # what handlers import when it is first needed
    origin = (
        "import service.sources.build, sys; "
        "print(*{m.__file__ for m in sys.modules.values() if 'site-packages' in (getattr(m, '__file__', 0) or '')})"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}; {origin}"],
        env={"PYTHONPATH": str(tmp_path), "AWS_DEFAULT_REGION": "eu-west-1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {path.rpartition("site-packages/")[2].split("/")[0].removesuffix(".py") for path in done.stdout.split()}
    found = {name for name in found if not name.startswith("__editable__")}  # the checkout's own, of `make setup`
    assert found <= NOT_NEEDED, "whatever else is here would be missing there, or be another version"


@pytest.mark.pip
def test_the_bundles_sdk_makes_every_client_that_the_functions_use(tmp_path: Path) -> None:
    build_bundle(tmp_path, host_target())
    statement = (
        "from service.aws import clients; from service.aws.dynamodb.connection import connection;"
        "made = [clients.s3_client(connections=1), clients.events_client(), clients.workflow_client(),"
        " clients.secrets_client(), clients.sts_client(), clients.sqs_client(clients.A_CALLER_WAITS),"
        " clients.cloudwatch_client(clients.A_CALLER_WAITS), connection().client];"
        "import botocore;"
        "print(botocore.__file__, *sorted(one.meta.service_model.service_name for one in made))"
    )
    done = subprocess.run(
        [sys.executable, "-c", statement],
        env={"PYTHONPATH": str(tmp_path), "AWS_DEFAULT_REGION": "eu-west-1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, *services = done.stdout.split()
    assert where == str(tmp_path / "botocore" / "__init__.py")
    assert services == list(AWS_SERVICES)


def unzipped(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def zipped(folder: Path, archive: Path) -> int:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for path in folder.rglob("*"):
            made.write(path, path.relative_to(folder))
    return archive.stat().st_size


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_dashboard_is_bundled_and_a_bundle_without_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    before = content_hash(AWS_TARGET)
    with pytest.raises(FileNotFoundError, match="make setup"):
        build_bundle(tmp_path / "out", AWS_TARGET)
    assets = tmp_path / "dashboard" / "dist" / "assets"
    assets.mkdir(parents=True)
    (assets.parent / "index.html").write_text("<html>")
    (assets / "a-1.js").write_text("run()")
    assert content_hash(AWS_TARGET) != before
    monkeypatch.setattr(bundle, "_dependencies", lambda *_, **__: tmp_path / "dashboard")
    build_bundle(tmp_path / "out", AWS_TARGET)
    assert (tmp_path / "out" / "dashboard" / "dist" / "assets" / "a-1.js").read_text() == "run()"
