"""Processes of functions: they share one copy of their code, and each finishes the call that it is in.

- All processes with the same code read one copy of it, as `/var/task` is read only on AWS. The emulator unpacks the
  code for each process: 900 files and 32 MB, some forty times in a run of the tests.
- A process that works on a call ends after it. The emulator ends it at once, and removes its code, when its function's
  configuration changes or another process of the function cannot start. On AWS, calls know nothing of each other.
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


def finish_calls(runtime: Any, lambdas: Any) -> None:
    """Let processes that work on a call finish it. Changes `lambda_runtime` and `lambda_svc`."""
    kill, release, spawn = runtime.kill_workers, runtime.release_worker, runtime.Worker._spawn

    def kill_when_done(workers: Any) -> None:
        idle = []
        for worker in workers:
            if worker.in_use:
                worker.replaced = True
            else:
                idle.append(worker)
        kill(idle)

    def release_worker(worker: Any) -> None:
        release(worker)
        if getattr(worker, "replaced", False):
            kill([worker])

    def spawn_or_free(worker: Any) -> None:
        try:
            spawn(worker)
        except BaseException:
            worker.in_use = False  # It works on no call, so it is ended at once.
            raise

    runtime.kill_workers, runtime.Worker._spawn = kill_when_done, spawn_or_free
    runtime.release_worker = lambdas.release_worker = release_worker


def processes(runtime: Any) -> list[dict[str, Any]]:
    """Return each running process of a function: `{"function", "pid", "busy"}`."""
    with runtime._lock:
        workers = [worker for pool in runtime._workers.values() for worker in pool]
    started = [(worker, worker._proc) for worker in workers if worker._proc is not None]
    return [
        {"function": worker.func_name, "pid": process.pid, "busy": worker.in_use}
        for worker, process in started
        if process.poll() is None
    ]
