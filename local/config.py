"""Where the local stack keeps things, and the environment that its processes get."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".cache"
SAMPLES: Final = ROOT / "samples"
DEFAULT_STATE: Final = ROOT / ".local"
EMULATOR_PYTHON: Final = CACHE / "emulator-venv" / "bin" / "python"
EMULATOR_LOCK: Final = ROOT / "local" / "requirements.txt"

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
CREDENTIALS: Final[Mapping[str, str]] = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

PROJECT: Final = "demo"
SOURCE_BUCKET: Final = "clipferry-samples"
FORETIFY_BUCKET: Final = "my-bucket"
"""Of the example scripts in Foretify's manual: the service may read it, the tests make it."""
FORBIDDEN_BUCKET: Final = "clipferry-private"
"""Exists, holds one object, and is not among the deployment's source buckets."""
FORBIDDEN_KEY: Final = "secret/clip.zip"
SAMPLES_PREFIX: Final = "samples/"

COPY_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/clipferry-copies"
FOREIGN_COPY_ROLE: Final = "arn:aws:iam::222222222222:role/clipferry-copies"
"""The emulator takes it for all of its account in a bucket's policy, so its writes are denied."""

DEPLOY_CONTEXT: Final[Mapping[str, str]] = {
    "local": "true",
    "source_buckets": f"{SOURCE_BUCKET},{FORETIFY_BUCKET}",
    "restore_buckets": SOURCE_BUCKET,
    "default_project": PROJECT,
    "copy_roles": f"{COPY_ROLE},{FOREIGN_COPY_ROLE}",
    "upload_window_seconds": "2",
    # Every concurrent batch is a Python process of its own on this machine (about 1 s of CPU to start, 60 MB).
    "map_concurrency": "2",
    "copy_slots": "2",
    "copy_concurrency": "16",
    "copy_threads": "8",
    "batch_clips": "50",
    "stream_part_bytes": str(5 * 1024**2),
    "webhook_retry_seconds": "1",
    # No less than all callers together have: the tests ask as one project.
    "project_rate": "50",
    "project_burst": "100",
    # A receiver on this machine has no public address.
    "allow_private_urls": "true",
}
"""Deploy settings that differ from `cdk.json` locally."""


@dataclass(frozen=True)
class StateDir:
    """One local stack's folder. Two stacks with different folders do not touch each other."""

    path: Path

    @property
    def stack_file(self) -> Path:
        return self.path / "stack.json"

    @property
    def profiles_file(self) -> Path:
        """A file of profiles for `clipferry`, with the stack's URL and the project's key (`clipferry/config.py`)."""
        return self.path / "profiles.json"

    @property
    def emulator_file(self) -> Path:
        """The emulator's pid and port, written as soon as it exists: what a crash leaves can be found and ended."""
        return self.path / "emulator.json"

    @property
    def emulator_log(self) -> Path:
        return self.path / "emulator.log"

    @property
    def faults_file(self) -> Path:
        """The same of the fault-injecting proxy, where there is one."""
        return self.path / "faults.json"

    @property
    def faults_log(self) -> Path:
        return self.path / "faults.log"

    @property
    def deploy_log(self) -> Path:
        return self.path / "deploy.log"

    @property
    def scratch(self) -> Path:
        return self.path / "tmp"


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` without anything of the user's own AWS set-up, and with loopback exempt from proxies.

    A profile, an endpoint or a session token from the user's shell would otherwise send local calls elsewhere.
    """
    cleaned = {name: value for name, value in env.items() if not name.startswith("AWS_")}
    exempt = ",".join(filter(None, [env.get("no_proxy") or env.get("NO_PROXY"), "127.0.0.1", "localhost"]))
    return cleaned | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": exempt,
        "no_proxy": exempt,
    }


def isolate_process() -> None:
    """Apply `clean_environment` to this process. For entry points, before the first AWS client is made."""
    cleaned = clean_environment(os.environ)
    os.environ.clear()
    os.environ.update(cleaned)


def emulated_environment(endpoint: str) -> dict[str, str]:
    """What a subprocess needs to talk to the emulator at `endpoint` and to nothing else."""
    return clean_environment(os.environ) | {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
