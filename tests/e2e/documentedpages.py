"""Run the shell and Python blocks of a Markdown page in its order, as a reader of the page would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from local.config import ROOT, StateDir
from local.stack import Stack
from tests.documented import NEEDS, blocks, name_of

PAGE_SECONDS = 600

_FUNCTIONS = r"""
set -euo pipefail
curl() { command curl --fail-with-body --show-error "$@"; }
first_id() { python -c 'import json, sys; print(next(iter(json.load(sys.stdin).values()))[0]["id"])'; }
newest() { curl -s "$BaseUrl/v1/$1" -H "X-API-Key: $key" | first_id; }
"""
"""`curl` fails on errors of the API, so that the page's run does. `newest watches` prints an id."""

_ELSEWHERE = [
    (re.compile(r"^make (demo|test|local|local-down)\b.*$", re.MULTILINE), "true"),
    (re.compile(r"pip install \. && |^pip install \..*$", re.MULTILINE), ""),
]
"""Commands that other tests run: those of make, and the package's installation into an empty environment."""

_INCOMPLETE = re.compile(r"^(.*--label tutorial --watch)$", re.MULTILINE)
"""The tutorial's import has a damaged clip, so that its exit code is 4."""

PREFIX = "my-clips/"
"""Folder of the source bucket that stands for the pages' bucket `my-clips`."""


PYTHON = ("README.md", "clipferry/README.md", "docs/sdk.md", "docs/tutorial.md", "docs/how-to/foretify.md")
"""Pages whose Python blocks run too. Those of other pages run in a framework, and have tests of their own."""


def script(page: Path, stack: Stack, folder: Path) -> str:
    """Return the page as one shell script. It has the stack's names, not the reader's; `ID` is the newest one's id.

    The import of a replay is `$id`, since the newest one may still run.
    """
    lines = [_FUNCTIONS]
    programs: list[str] = []
    languages = ("sh", "python") if name_of(page) in PYTHON else ("sh",)
    for language, title, text in blocks(page, *languages):
        if title.startswith(NEEDS):
            continue
        own = with_own_names(text, stack)
        if language == "python":
            # A later block may go on in the session of an earlier one.
            programs.append(own)
            program = folder / f"block{len(programs)}.py"
            program.write_text("\n".join(programs))
            own = f"python {program.name}\n"
        lines.append(own)
    return "\n".join(lines)


def with_own_names(text: str, stack: Stack) -> str:
    """Put names of the stack in place of those that the pages use."""
    for pattern, replacement in _ELSEWHERE:
        text = pattern.sub(replacement, text)
    text = _INCOMPLETE.sub(r"\1 || test $? = 4", text)
    text = text.replace("https://abc123.execute-api.eu-west-1.amazonaws.com/prod", stack.base_url)
    text = text.replace("s3://my-clips/", f"s3://{stack.source_bucket}/{PREFIX}")
    text = re.sub(r'(project_id[= ]"?)perception', rf"\g<1>{stack.project}", text)
    text = re.sub(r"\b(watches|imports|integrations) (show|change) ID\b", r"\1 \2 $(newest \1)", text)
    text = re.sub(r"\breplay ID\b", "replay $id", text)
    return re.sub(r"\bstatus ID\b", "status $(newest imports)", text)


def run(page: Path, stack: Stack, folder: Path, import_id: str) -> "subprocess.CompletedProcess[str]":
    """Run the page in `folder`. `import_id` is that of an import with a failed clip: `$id` on the pages."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLIPFERRY_", "AWS_"))}
    env |= {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "CLIPFERRY_CONFIG": str(folder / ".local" / "profiles.json"),
        "CLIPFERRY_API_KEY": stack.api_key,  # or `login` asks for it
        "BaseUrl": stack.base_url,
        "key": stack.api_key,
        "id": import_id,
    }
    return subprocess.run(
        ["bash", "-c", script(page, stack, folder)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
        check=False,
    )


def reader_files(folder: Path, stack: Stack) -> None:
    """Write the files that the pages' commands name: what `make local` leaves, the lists, Foretify's script."""
    state = StateDir(folder / ".local")
    state.path.mkdir()
    stack.write(state.stack_file)
    stack.write_profile(state.profiles_file)
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    root = f"s3://{stack.source_bucket}/{PREFIX}2026/"
    views = {"front": f"{root}front.mp4", "left": f"{root}left.mp4"}
    (folder / "sets.json").write_text(json.dumps([{"views": views, "name": "drive-7"}]))
    (folder / "import_list.py").write_bytes((ROOT / "tests" / "data" / "foretify" / "uri_list.py").read_bytes())
