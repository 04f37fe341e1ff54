"""For all tests: hide the user's own AWS configuration, keep temporary files in the checkout, draw the same examples.

`pytest --hypothesis-profile=default` draws others.
"""

import os
import tempfile

from hypothesis import settings

from local.config import CACHE, isolate_process

isolate_process()

SCRATCH = CACHE / "tmp"
SCRATCH.mkdir(parents=True, exist_ok=True)
os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(SCRATCH)
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")
tempfile.tempdir = None  # Makes `tempfile` read the folder from the environment again.
