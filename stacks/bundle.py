"""The code bundles: `service/`, `lambdas/`, the dashboard and the pinned dependencies, built without docker.

All functions share one; the function that needs the Parquet library has its own.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("lambdas", "service")
DASHBOARD = "dashboard/dist"
"""The dashboard as `make setup` builds it. A bundle without it would deploy an API whose page is missing."""
LOCK = ROOT / "requirements.txt"
PARQUET_LOCK = ROOT / "requirements-parquet.txt"
"""The additional dependencies of the Parquet bundle."""
CACHE = ROOT / ".cache" / "bundle"

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64
PYTHON_VERSION = "3.14"
"""The runtime's."""
AWS_TARGET = f"aws-arm64-python{PYTHON_VERSION}"

_AWS_WHEELS = ["--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64"]
_AWS_WHEELS += ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON_VERSION]

AWS_SERVICES = ("cloudwatch", "dynamodb", "events", "s3", "secretsmanager", "sqs", "stepfunctions", "sts")
"""The services that the functions call. The data of botocore's 400 others would be 20 MB of the bundle.

botocore itself is bundled: the service relies on its internals, and the runtime's version changes without a deployment.
"""

_UNUSED = (
    # Of the Parquet library, 50 MB that reading and writing a file does not load.
    *("pyarrow/include", "pyarrow/includes", "pyarrow/src", "pyarrow/*flight*", "pyarrow/*s3*"),
    # What cryptography's wheel needs of cffi is `_cffi_backend`; google-auth needs pyasn1 only without cryptography.
    *("cffi", "pycparser", "pyasn1", "pyasn1_modules"),
    *("pydantic/v1", "pydantic/mypy.py", "pydantic/color.py", "pydantic/experimental"),
    *("dateutil/zoneinfo/*.tar.gz", "botocore/data/*/*/examples-1.json"),
    *("boto3/data", "boto3/dynamodb", "boto3/ec2", "boto3/examples", "tzdata/zoneinfo/*.*", "tzdata/zones"),
    *("httptools/parser/*.pyx", "httptools/parser/*.pxd"),
    *("s3transfer/crt.py", "s3transfer/processpool.py", "urllib3/contrib/emscripten", "cronsim/explain.py"),
    # google-auth's asyncio, and its credentials other than service accounts.
    *("google/auth/aio", "google/auth/compute_engine", "google/auth/transport/_aiohttp_requests.py"),
    *("google/auth/transport/grpc.py", "google/auth/transport/_custom_tls_signer.py", "google/oauth2/*_async.py"),
    *(f"google/auth/{name}.py" for name in ("aws", "downscoped", "identity_pool", "pluggable", "external_account*")),
    *(f"google/auth/{name}.py" for name in ("*_async", "app_engine", "impersonated_credentials", "_oauth2client")),
    *(f"google/oauth2/{name}.py" for name in ("id_token", "reauth", "challenges", "gdch*", "sts", "webauthn*")),
    # Recurrences, tests of botocore and annotated types, the CRT, and TLS and proxies by other libraries.
    *("dateutil/rrule.py", "botocore/stub.py", "botocore/crt/auth.py", "boto3/crt.py"),
    *("urllib3/contrib/pyopenssl.py", "urllib3/contrib/socks.py", "annotated_types/test_cases.py"),
    *(
        f"aws_lambda_powertools/utilities/{name}"
        for name in (
            "auth_alpha",
            "batch",
            "circuit_breaker",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "parameters",
            "parser",
            "streaming",
        )
    ),
)
"""Parts of packages that no handler imports: a sixth of the zipped bundle, with their bytecode."""

RECIPE = "9"
"""Part of every hash: raise it when the way of building changes, so that old bundles are not taken for new ones."""


def bundle_code(*, local: bool, parquet: bool = False) -> lambda_.Code:
    """The asset. Its hash covers what goes in (sources, lock, target), not what comes out: so the CDK knows without
    installing anything that an unchanged tree is already built, in `cdk.out` or in the account."""
    target = host_target() if local else AWS_TARGET
    return lambda_.Code.from_asset(
        str(ROOT),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=content_hash(target, parquet=parquet),
        bundling=BundlingOptions(
            image=DockerImage.from_registry("never-pulled"), local=_LocalBundling(target, parquet)
        ),
    )


def host_target() -> str:
    """This machine as a target: the emulator runs handlers on an interpreter like this one."""
    return f"host-{sys.platform}-{os.uname().machine}-python{sys.version_info.major}.{sys.version_info.minor}"


def content_hash(target: str, *, parquet: bool = False) -> str:
    """SHA-256 over the recipe, the target, the locked dependencies and every source file's path and bytes."""
    digest = hashlib.sha256(f"{RECIPE}\n{target}\n".encode())
    digest.update("\n".join(bundled_requirements(parquet=parquet)).encode())
    for path in _source_files():
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def bundled_requirements(*, parquet: bool = False) -> list[str]:
    """The locks' lines (`name==version --hash=sha256:…`), each with all its hashes and without comments."""
    locks = (LOCK, PARQUET_LOCK) if parquet else (LOCK,)
    lines = "\n".join(lock.read_text() for lock in locks).replace("\\\n", " ").splitlines()
    pins = (" ".join(line.split("#")[0].split()) for line in lines)
    return [pin for pin in pins if pin]


def build_bundle(output: Path, target: str, *, parquet: bool = False) -> None:
    """Fill `output` with sources, the built dashboard and dependencies for `target`.

    Raises `CalledProcessError` if pip fails, `FileNotFoundError` if nobody built the dashboard.
    """
    if not (ROOT / DASHBOARD / "index.html").exists():
        raise FileNotFoundError(f"{ROOT / DASHBOARD} is not built: run `make setup`")
    shutil.copytree(_dependencies(target, parquet=parquet), output, dirs_exist_ok=True)
    for path in _source_files():
        destination = output / path.relative_to(ROOT)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, destination)
    compile_sources(output, SOURCES, target)
    for path in output.rglob("*"):
        # Independent of the builder's umask: the function runs as another user.
        path.chmod(0o755 if path.is_dir() else 0o644)


def compile_sources(bundle: Path, folders: Iterable[str], target: str) -> None:
    """Add bytecode to these folders of the bundle, by a Python of the target's version.

    A function's folder is read-only, so each new sandbox would compile all that it imports. Raises `CalledProcessError`
    if Node or Pyodide is missing.
    """
    if target == AWS_TARGET:
        compiler = ["node", str(Path(__file__).with_name("bytecode.mjs")), str(bundle), *folders]
        subprocess.run(compiler, check=True, stdout=sys.stderr)
        return
    how = ["-q", "-q", "-j", "0", "-s", str(bundle), "--invalidation-mode", "unchecked-hash"]
    where = [str(bundle / folder) for folder in folders]
    # Its status tells of templates in dependencies that do not compile; they stay sources.
    subprocess.run([sys.executable, "-m", "compileall", *how, *where], check=False, stdout=sys.stderr)


def _source_files() -> list[Path]:
    files = (path for folder in (*SOURCES, DASHBOARD) for path in (ROOT / folder).rglob("*") if path.is_file())
    return sorted(path for path in files if "__pycache__" not in path.parts and path.suffix != ".pyc")


def _dependencies(target: str, *, parquet: bool) -> Path:
    """The compiled dependencies of `target`. They are kept between builds, so a changed source file needs no pip."""
    pins = bundled_requirements(parquet=parquet)
    key = hashlib.sha256("\n".join([RECIPE, target, *pins]).encode()).hexdigest()[:16]
    ready = CACHE / f"{target}-{key}"
    if ready.is_dir():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="installing-") as scratch:
        installed = Path(scratch) / "site"
        listed = Path(scratch) / "requirements.txt"
        listed.write_text("\n".join(pins))
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
        wheels = _AWS_WHEELS if target == AWS_TARGET else []
        into = ["--target", str(installed), "--requirement", str(listed)]
        # pip's messages go to stderr: stdout is the CDK CLI's to read.
        subprocess.run([*install, *wheels, *into], check=True, stdout=sys.stderr)
        _strip(installed)
        compile_sources(installed, ["."], target)
        try:
            # In one step, so that an interrupted build leaves nothing that looks complete.
            installed.rename(ready)
        except OSError:
            if not ready.is_dir():  # otherwise another build was faster, with the same result
                raise
    return ready


def _strip(installed: Path) -> None:
    """Remove what no handler reads: package metadata, type stubs, console scripts, tests, unused parts."""
    for pattern in ("*.dist-info", "*-stubs", "bin", "**/__pycache__", "**/tests", *_UNUSED):
        for path in sorted(installed.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
    for path in installed.rglob("*.pyi"):
        path.unlink()
    for path in (installed / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in AWS_SERVICES:
            shutil.rmtree(path)


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, target: str, parquet: bool) -> None:
        self._target, self._parquet = target, parquet

    def try_bundle(self, output_dir: str, *_options: Any, **_kwargs: Any) -> bool:
        """Always does the work (or raises): there is no docker to fall back to."""
        build_bundle(Path(output_dir), self._target, parquet=self._parquet)
        return True
