"""The real SDKs, each in its own environment (`make setup`), driven line by line through pipes."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local.config import CACHE, ROOT, clean_environment

CLASSES = {"nomadicml": "NomadicML", "nomadic": "NomadicAI"}


class SdkError(Exception):
    """An exception of the SDK: its class, HTTP status and text."""

    def __init__(self, kind: str, status: int | None, text: str) -> None:
        super().__init__(f"{kind} ({status}): {text}")
        self.kind, self.status, self.text = kind, status, text


class Sdk:
    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self._process = process

    def __call__(self, call: str, *args: object, **kwargs: object) -> Any:
        """Call the SDK and return its result. Raises `SdkError`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps({"call": call, "args": args, "kwargs": kwargs}) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, f"the SDK's process ended with {self._process.wait(10)}"
        outcome = json.loads(line)
        if "raised" in outcome:
            raised = outcome["raised"]
            raise SdkError(raised["type"], raised["status"], raised["text"])
        return outcome["returned"]


def python_of(name: str) -> str:
    """Fails if the SDK's environment is missing."""
    python = CACHE / "sdk" / name / "bin" / "python"
    assert python.exists(), f"{python.parent.parent} is missing: `make setup` makes it"
    return str(python)


def environment_of(extra: Mapping[str, str]) -> dict[str, str]:
    return clean_environment(os.environ) | dict(extra)


@contextmanager
def driven(name: str, base_url: str, key: str) -> Iterator[Sdk]:
    command = [python_of(name), str(ROOT / "tests" / "sdks" / "drive.py"), name, CLASSES[name], base_url]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment_of({"API_KEY": key}),
    )
    try:
        yield Sdk(name, process)
    finally:
        process.kill()
        process.communicate()
