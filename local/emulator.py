"""Start and stop the AWS emulator (ministack), in its own environment and on loopback only."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from local import process
from local.config import CREDENTIALS, EMULATOR_LOCK, EMULATOR_PYTHON, REGION, ROOT, StateDir, clean_environment

HOST = "127.0.0.1"
START_SECONDS = 30.0
START_ATTEMPTS = 3
_PROGRAM = ROOT / "local" / "emulated" / "__main__.py"


class EmulatorError(Exception):
    """The emulator cannot be started; the text says why."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator. `pid` leads its process group, which holds the Lambda workers too."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def start(state: StateDir, port: int | None = None) -> Emulator:
    """Start an emulator and wait until it answers. Without `port`, the kernel picks a free one.

    Raises `EmulatorError` when the environment is wrong, the port is taken or nothing answers in time.
    """
    _check_version()
    end_leftover(state)
    # Between the kernel's choice and the emulator's bind, another process may take the port.
    attempts = START_ATTEMPTS if port is None else 1
    for attempt in range(1, attempts + 1):
        chosen = _free_port() if port is None else port
        if not _bindable(chosen):
            raise EmulatorError(f"port {chosen} is in use; give another one (make local PORT=…) or none")
        try:
            return _start_on(state, chosen)
        except EmulatorError:
            if attempt == attempts:
                raise
    raise AssertionError("unreachable")


def stop(state: StateDir, emulator: Emulator) -> None:
    """End the emulator and its workers, and forget it. The logs stay."""
    process.end_group(emulator.pid)
    shutil.rmtree(state.scratch, ignore_errors=True)
    state.emulator_file.unlink(missing_ok=True)


def recorded(state: StateDir) -> Emulator | None:
    """The emulator that this state folder's record names, if that process is still there."""
    try:
        record = json.loads(state.emulator_file.read_text())
        emulator = Emulator(pid=int(record["pid"]), port=int(record["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_ours = process.alive(emulator.pid) and str(_PROGRAM) in process.command_line(emulator.pid)
    return emulator if is_ours else None


def end_leftover(state: StateDir) -> bool:
    """End the emulator of a run that was killed before it could clean up. True if there was one."""
    leftover = recorded(state)
    if leftover is not None:
        stop(state, leftover)
    return leftover is not None


def healthy(emulator: Emulator) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{emulator.url}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _start_on(state: StateDir, port: int) -> Emulator:
    state.scratch.mkdir(parents=True, exist_ok=True)
    with state.emulator_log.open("wb") as log:
        child = subprocess.Popen(
            [EMULATOR_PYTHON, "-P", _PROGRAM],  # -P: the folder's modules are not the program's
            cwd=state.path,
            env=_environment(state, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C in the terminal is ours to handle, and its workers can be ended as one group.
            start_new_session=True,
        )
    emulator = Emulator(pid=child.pid, port=port)
    try:
        state.emulator_file.write_text(json.dumps(asdict(emulator)))
        deadline = time.monotonic() + START_SECONDS
        while not healthy(emulator):
            if child.poll() is not None:
                raise EmulatorError(f"the emulator ended with code {child.returncode}:\n{_tail(state.emulator_log)}")
            if time.monotonic() > deadline:
                raise EmulatorError(f"no answer within {START_SECONDS:.0f} s:\n{_tail(state.emulator_log)}")
            time.sleep(0.05)
    except BaseException:
        stop(state, emulator)
        raise
    # It outlives this process on purpose; without this, Popen's destructor warns of a child still running.
    child.returncode = 0
    return emulator


def _environment(state: StateDir, port: int) -> dict[str, str]:
    env = {name: value for name, value in clean_environment(os.environ).items() if not name.startswith("PYTHON")}
    workers = 16 + 4 * (os.cpu_count() or 1)
    return env | {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(state.scratch),
        "STATE_DIR": str(state.path / "state"),
        "S3_DATA_DIR": str(state.path / "s3"),
        # Unlimited, a burst of events starts a process an event: 1 s of CPU each, slower than a wait for a warm one.
        "LAMBDA_ACCOUNT_CONCURRENCY": str(workers),
        "LAMBDA_WARM_TTL_SECONDS": "600",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _check_version() -> None:
    pin = re.search(r"^ministack==(\S+)", EMULATOR_LOCK.read_text(), re.MULTILINE)
    if pin is None:
        raise EmulatorError(f"{EMULATOR_LOCK} pins no ministack")
    if not EMULATOR_PYTHON.exists():
        raise EmulatorError("the emulator's environment is missing; run `make setup`")
    answer = subprocess.run(
        [EMULATOR_PYTHON, "-c", "from importlib.metadata import version; print(version('ministack'))"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = answer.stdout.strip() or "none"
    if found != pin[1]:
        raise EmulatorError(f"the emulator's environment has ministack {found}, not {pin[1]}; run `make clean setup`")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        if sys.platform != "win32":
            # As the emulator itself does: connections of an earlier one in TIME_WAIT are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
