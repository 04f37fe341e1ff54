"""For all tests: nothing of the user's own AWS set-up reaches them, and nothing that they write leaves the checkout."""

import os
import tempfile

from local.config import CACHE, isolate_process

isolate_process()

SCRATCH = CACHE / "tmp"
SCRATCH.mkdir(parents=True, exist_ok=True)
os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(SCRATCH)
tempfile.tempdir = None  # Asked for again, it is the folder that the environment names.
