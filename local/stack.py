"""`stack.json`: how to reach a running local stack."""

import json
import os
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A deployed local stack. The field names are the keys of `stack.json`."""

    base_url: str
    """Without a trailing slash; paths such as `/v1/imports` follow."""
    dashboard_url: str
    """The dashboard, which asks for a key. `local.enter` makes a link that needs none."""
    api_key: str
    """A key of `project`."""
    admin_key: str
    project: str
    source_bucket: str
    """Holds the sample clips under `samples/`; the service may read it."""
    drop_bucket: str
    clips_bucket: str
    aws_endpoint_url: str
    region: str
    pid: int
    """The emulator's process; it leads a group that holds its workers."""
    forbidden_bucket: str
    """The service may not read it."""
    state_bucket: str
    table_name: str
    state_machine_arn: str
    upload_queue_url: str
    upload_dlq_url: str
    faults_url: str | None = None
    """The fault-injecting proxy between the functions and the emulator; not in the file where there is none."""
    roles_enforced: bool = False
    """Whether the emulator checks every call against the caller's policies."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `OSError` or `ValueError` when there is no such file or it is not a stack's."""
        record = json.loads(path.read_text())
        missing = [field.name for field in fields(cls) if field.name not in record and field.default is MISSING]
        if missing:
            raise ValueError(f"{path} lacks {', '.join(missing)}")
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})

    def write(self, path: Path) -> None:
        _replace(path, {name: value for name, value in asdict(self).items() if value is not None})

    def write_profile(self, path: Path) -> None:
        """Write a file of profiles whose only one, `local`, is this stack with the project's key."""
        profile = {"base_url": self.base_url, "api_key": self.api_key, "project": self.project}
        _replace(path, {"default": "local", "profiles": {"local": profile}})


def _replace(path: Path, record: dict[str, Any]) -> None:
    """Replace `path` in one step, so that nobody reads half of it. It holds keys: only its owner may read it."""
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(record, file, indent=2)
        file.write("\n")
    draft.replace(path)
