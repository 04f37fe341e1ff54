"""`python -m smoke` on the local stack: every check that can run here passes, and nothing is left."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local import aws
from local.config import ROOT, emulated_environment
from local.stack import Stack
from smoke.subscriber import PREFIX
from tests.e2e.support import receiver

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api

PASSES = [
    "stack is deployed",
    "one runtime",
    "admin key works, cold start",
    "no key, no answer",
    "admin key sees no imports",
    "alarm test message",
    "plan may not write clips",
    "the API may not write clips",
    "copy may not delete the table",
    "import of a prefix, copy rate",
    "copies equal their sources",
    "second import skips all",
    "one idempotency key, one import",
    "import of a list, a clip missing",
    "retry once the clip is there",
    "import of a set",
    "import of a dropped clip",
    "import of a large object in parts",
    "cancel",
    "clips found by label",
    "link to the report",
    "bucket outside source_buckets",
    "webhook",
    "all removed again",
]
NEEDS_AWS = {
    "the tested SDK is bundled": "an emulator does not hand out the functions' code",
    "source in another region": "name a bucket of source_buckets with --other-region-bucket",
    "source under a KMS key": "name a bucket of source_buckets with --kms-bucket",
}


def smoke(stack: Stack, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smoke", f"--endpoint-url={stack.aws_endpoint_url}", *arguments]
    env = emulated_environment(stack.aws_endpoint_url)
    return subprocess.run(command, cwd=ROOT, env=env, input=answer, text=True, capture_output=True, timeout=600)


@pytest.fixture(scope="module")
def printed(stack: Stack) -> list[str]:
    with receiver() as (url, _):
        ran = smoke(stack, "--stack=Clipferry", "--yes", f"--large-bytes={12 * 1024**2}", f"--webhook-url={url}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("name", PASSES)
def test_a_check_passes(printed: list[str], name: str) -> None:
    assert [line for line in printed if line.startswith(f"✓ {name}: ")], printed


@pytest.mark.parametrize(("name", "reason"), NEEDS_AWS.items())
def test_a_check_that_cannot_run_here_says_why(printed: list[str], name: str, reason: str) -> None:
    assert f"- {name}: skipped: {reason}" in printed


def test_the_alarms_message_arrives(printed: list[str]) -> None:
    [line] = [line for line in printed if line.startswith("✓ alarm test message: ")]
    assert line.endswith("it reached a test's subscription and 0 of yours: set alarm_email")


def test_these_are_all_the_checks(printed: list[str]) -> None:
    assert printed[-1] == f"{len(PASSES)} passed, 0 failed, {len(NEEDS_AWS)} skipped"


def test_nothing_is_left(printed: list[str], stack: Stack, s3: "S3Client", admin: "Api") -> None:
    assert printed
    for bucket in (stack.source_bucket, stack.drop_bucket, stack.clips_bucket):
        found = s3.list_object_versions(Bucket=bucket)
        keys = [one["Key"] for one in (*found.get("Versions", []), *found.get("DeleteMarkers", []))]
        assert not [key for key in keys if "smoke-" in key]
    listed = aws.session().client("sqs", endpoint_url=stack.aws_endpoint_url).list_queues(QueueNamePrefix=PREFIX)
    assert listed.get("QueueUrls", []) == []
    _, answer = admin.get("/v1/keys")
    assert not [key for key in answer["keys"] if key["project"].startswith("smoke-")]


def test_it_asks_before_it_writes(stack: Stack) -> None:
    ran = smoke(stack, "--stack=Clipferry", answer="n\n")
    assert ran.returncode == 2
    assert ran.stdout.endswith("Nothing was written.\n")


def test_a_wrong_name_says_what_to_do(stack: Stack) -> None:
    ran = smoke(stack, "--stack=Nope", "--yes")
    assert ran.returncode == 2
    assert "Check the stack's name, the region" in ran.stdout
