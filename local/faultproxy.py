"""Start microburst. Runs in the emulator's environment, by path; its arguments are microburst's own.

Microburst leaves `Content-Length` out of every answer, so that an answer to HEAD tells no size. This program keeps the
header. Only a truncated body has another length, and microburst removes the header there by itself.
"""

import importlib
import logging
from typing import Any


def main() -> int:
    forward: Any = importlib.import_module("microburst.forward")
    forward.HOP_BY_HOP = forward.HOP_BY_HOP - {"content-length"}
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    return int(importlib.import_module("microburst.cli").main())


if __name__ == "__main__":
    raise SystemExit(main())
