"""`make local-down`: end the local stack. Needs nothing but the standard library."""

import argparse
import sys
from pathlib import Path

from local import emulator, faults
from local.config import DEFAULT_STATE, StateDir


def bring_down(state: StateDir) -> bool:
    """End this state folder's emulator and fault proxy and forget the stack. True if one of them was running."""
    ended = any([faults.end_leftover(state), emulator.end_leftover(state)])
    state.stack_file.unlink(missing_ok=True)
    state.profiles_file.unlink(missing_ok=True)
    return ended


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, help="the folder that the stack keeps its files in"
    )
    ended = bring_down(StateDir(parser.parse_args().state.resolve()))
    print("The local stack has ended." if ended else "No local stack is running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
