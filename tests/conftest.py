"""For all tests: hide the user's own AWS configuration, and keep temporary files inside the checkout."""

import os
import tempfile

from local.config import CACHE, isolate_process

isolate_process()

SCRATCH = CACHE / "tmp"
SCRATCH.mkdir(parents=True, exist_ok=True)
os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(SCRATCH)
tempfile.tempdir = None  # Makes `tempfile` read the folder from the environment again.
