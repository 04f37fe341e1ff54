"""Start and stop the AWS emulator (ministack), in its own environment and on loopback only."""

import os
import re
import shutil
import subprocess

from local import process
from local.config import CREDENTIALS, EMULATOR_LOCK, EMULATOR_PYTHON, REGION, ROOT, StateDir, clean_environment
from local.process import HOST, Server, ServerError

HEALTH = "/_ministack/health"
START_ATTEMPTS = 3
_PROGRAM = ROOT / "local" / "emulated" / "__main__.py"


def start(state: StateDir, port: int | None = None, functions_endpoint: str | None = None) -> Server:
    """Start an emulator and wait until it answers. Without `port`, the kernel picks a free one.

    The functions call AWS at `functions_endpoint`; without it, at the emulator itself. Raises `ServerError` when the
    environment is wrong, the port is taken or nothing answers in time.
    """
    check_environment()
    end_leftover(state)
    # Between the kernel's choice and the emulator's bind, another process may take the port.
    attempts = START_ATTEMPTS if port is None else 1
    for attempt in range(1, attempts + 1):
        chosen = process.free_port() if port is None else port
        process.check_port(chosen)
        state.scratch.mkdir(parents=True, exist_ok=True)
        try:
            return process.start(
                [EMULATOR_PYTHON, "-P", _PROGRAM],  # -P: the folder's modules are not the program's
                port=chosen,
                health=HEALTH,
                record=state.emulator_file,
                log=state.emulator_log,
                env=_environment(state, chosen, functions_endpoint),
            )
        except ServerError:
            shutil.rmtree(state.scratch, ignore_errors=True)
            if attempt == attempts:
                raise
    raise AssertionError("unreachable")


def stop(state: StateDir, server: Server) -> None:
    """End the emulator and its workers, and forget it. The logs stay."""
    process.stop(server, state.emulator_file)
    shutil.rmtree(state.scratch, ignore_errors=True)


def recorded(state: StateDir) -> Server | None:
    """The emulator that this state folder's record names, if that process is still there."""
    return process.recorded(state.emulator_file, lambda line: str(_PROGRAM) in line)


def end_leftover(state: StateDir) -> bool:
    """End the emulator of a run that was killed before it could clean up. True if there was one."""
    leftover = recorded(state)
    if leftover is not None:
        stop(state, leftover)
    return leftover is not None


def check_environment() -> None:
    """Raises `ServerError` unless the emulator's environment has exactly the locked ministack."""
    pin = re.search(r"^ministack==(\S+)", EMULATOR_LOCK.read_text(), re.MULTILINE)
    if pin is None:
        raise ServerError(f"{EMULATOR_LOCK} pins no ministack")
    found = installed("ministack")
    if found != pin[1]:
        raise ServerError(f"the emulator's environment has ministack {found}, not {pin[1]}; run `make clean setup`")


def installed(package: str) -> str:
    """The version of a package in the emulator's environment, or `none`. Raises `ServerError` without that."""
    if not EMULATOR_PYTHON.exists():
        raise ServerError("the emulator's environment is missing; run `make setup`")
    answer = subprocess.run(
        [EMULATOR_PYTHON, "-c", f"from importlib.metadata import version; print(version({package!r}))"],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "none"


def _environment(state: StateDir, port: int, functions_endpoint: str | None) -> dict[str, str]:
    env = {name: value for name, value in clean_environment(os.environ).items() if not name.startswith("PYTHON")}
    workers = 16 + 4 * (os.cpu_count() or 1)
    return env | {
        **CREDENTIALS,
        **({"AWS_ENDPOINT_URL": functions_endpoint} if functions_endpoint else {}),
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
