"""The dashboard in a real browser: the tests of `dashboard/e2e` on the stack under test."""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.config import ROOT
from local.stack import Stack
from tests.e2e.support import put_all, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANY = 3_000


@pytest.fixture
def stack_file(stack: Stack, tmp_path: Path) -> Path:
    """The file that names the stack; the fixture's own may have no keys of a running one."""
    path = tmp_path / "stack.json"
    stack.write(path)
    return path


def run_in_browser(tests: str, **env: str) -> None:
    """Run a file of browser tests. Fails with what it printed."""
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", f"e2e/{tests}"],
        cwd=ROOT / "dashboard",
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def test_the_pages_work_in_a_browser(stack: Stack, stack_file: Path, s3: "S3Client") -> None:
    prefix = f"{unique('many')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n:05}.zip", b"clip") for n in range(MANY)))
    many = f"s3://{stack.source_bucket}/{prefix}"
    run_in_browser("dashboard.test.mjs", CLIPFERRY_STACK=str(stack_file), CLIPFERRY_MANY=many)


def test_the_pages_bear_stops_revoked_keys_and_any_names(stack_file: Path) -> None:
    run_in_browser("hardship.test.mjs", CLIPFERRY_STACK=str(stack_file))
