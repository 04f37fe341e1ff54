"""Run a script of Foretify's in this process, with `ftx` being `clipferry.ftx`."""

import importlib
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

PROVIDED = (
    "",
    "._common",
    "._common.utils",
    ".model",
    ".model.exceptions",
    ".shell",
    ".shell.client",
    ".shell.flow_executions",
)
"""The modules that there are, below `ftx`."""


def run_script(script: Path, arguments: Sequence[str]) -> int:
    """Run it as `python SCRIPT ARGUMENTS…` would; its exit code. What it does not catch is printed, and is 1."""
    provide_ftx()
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return _code(end)
    except Exception as error:  # noqa: BLE001  # whatever the script did not catch
        traceback.print_exception(error.with_traceback(_from_script(error.__traceback__, script)), chain=False)
        return 1
    return 0


def provide_ftx() -> None:
    """Make `import ftx` find ours, for the rest of this process, whatever else has that name."""
    for name in PROVIDED:
        sys.modules[f"ftx{name}"] = importlib.import_module(f"clipferry.ftx{name}")


def _code(end: SystemExit) -> int:
    """As Python itself turns `sys.exit(…)` into an exit code."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    print(end.code, file=sys.stderr)
    return 1


def _from_script(trace: TracebackType | None, script: Path) -> TracebackType | None:
    """The trace from the script's own first frame on, all of it if the script has none (a syntax error)."""
    frame = trace
    while frame is not None and frame.tb_frame.f_code.co_filename != str(script):
        frame = frame.tb_next
    return frame or trace
