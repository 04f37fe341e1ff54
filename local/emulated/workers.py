"""Let all processes of functions with the same code read one copy of it, as `/var/task` is read only on AWS.

The emulator unpacks the code for each process: 900 files and 32 MB, some forty times in a run of the tests.
"""

import hashlib
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any

_CODE_FOLDER = "code"
"""What the emulator calls the folder, in the temporary folder of each process."""


def share_code(runtime: Any) -> None:
    """Change the emulator's `lambda_runtime`."""
    unpacking = threading.Lock()

    class Shared(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            if path is None or Path(path).name != _CODE_FOLDER:
                super().extractall(path, members, pwd)
                return
            packed = Path(str(self.filename))
            kept = Path(tempfile.gettempdir()) / "code" / hashlib.sha256(packed.read_bytes()).hexdigest()[:32]
            with unpacking:
                if not kept.exists():
                    draft = kept.with_suffix(".draft")
                    super().extractall(draft)
                    draft.rename(kept)
            Path(path).rmdir()
            Path(path).symlink_to(kept, target_is_directory=True)
            packed.unlink()

    names = {"BadZipFile": zipfile.BadZipFile, "LargeZipFile": zipfile.LargeZipFile}
    runtime.zipfile = types.SimpleNamespace(ZipFile=Shared, LargeFileError=zipfile.LargeZipFile, **names)
