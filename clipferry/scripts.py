"""Run a Foretify script in this process, with `clipferry.ftx` in the place of `ftx`."""

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
"""The modules of `ftx` that exist here, as suffixes of its name."""


def run_script(script: Path, arguments: Sequence[str]) -> int:
    """Run `script` like `python SCRIPT ARGUMENTS...` and return its exit code, 1 after an exception."""
    provide_ftx()
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return _code(end)
    except Exception as error:  # noqa: BLE001  # the script may raise anything
        traceback.print_exception(error.with_traceback(_from_script(error.__traceback__, script)), chain=False)
        return 1
    return 0


def provide_ftx() -> None:
    """Make `import ftx` find `clipferry.ftx` for the rest of this process, even if another `ftx` is installed."""
    for name in PROVIDED:
        sys.modules[f"ftx{name}"] = importlib.import_module(f"clipferry.ftx{name}")


def _code(end: SystemExit) -> int:
    """Turn `sys.exit(...)` into an exit code like Python does."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    print(end.code, file=sys.stderr)
    return 1


def _from_script(trace: TracebackType | None, script: Path) -> TracebackType | None:
    """Cut the traceback to the script's frames. A syntax error has none: then return all of it."""
    frame = trace
    while frame is not None and frame.tb_frame.f_code.co_filename != str(script):
        frame = frame.tb_next
    return frame or trace
