"""Generate the sync client from the async one: `python -m tests.client_generator` (`make client`).

Each module of `clipferry/aio` gets a twin of the same name in `clipferry`, without `async` and `await`.
`tests/unit/client/test_generated.py` compares them.
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

SYNC = ROOT / "clipferry"
ASYNC = SYNC / "aio"
NOTE = "# Generated from clipferry/aio/{name} by `make client`: change that file.\n"

RULES = (
    (r"clipferry\.aio\.", "clipferry."),
    (r"\bAwaitable\[object\]", "object"),
    (r"import Awaitable, ", "import "),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basync (?=def|for|with)", ""),
    (r"\bawait ", ""),
    (r"__a(?=enter__|exit__)", "__"),
    (r"\ba(?=close\b|iter_bytes\b)", ""),
    (r"\bimport asyncio\n", "import time\n"),
    (r"\basyncio\.sleep\b", "time.sleep"),
)


def twins() -> dict[Path, str]:
    """Map each generated file to its text."""
    sources = [path for path in sorted(ASYNC.rglob("*.py")) if path.name != "__init__.py"]
    return {SYNC / path.relative_to(ASYNC): _sync(path) for path in sources}


def _sync(path: Path) -> str:
    text = path.read_text()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    draft = NOTE.format(name=path.relative_to(ASYNC).as_posix()) + text
    for command in (["check", "--quiet", "--select=I,SIM117", "--fix"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(SYNC / path.relative_to(ASYNC)), "-"]
        draft = subprocess.run(ruff, input=draft, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return draft


if __name__ == "__main__":
    for target, text in twins().items():
        target.write_text(text)
