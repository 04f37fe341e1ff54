"""A function whose configuration changes finishes its calls, and answers the next ones with the new configuration."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.process import alive
from tests.e2e.support import eventually
from tests.servers.emulated import Emulated

WAITING = """
import os, time
from pathlib import Path

def pause(folder):
    Path(folder, "here").touch()
    while folder and not Path(folder, "go").exists():
        time.sleep(0.05)

if "STARTING" in os.environ:
    pause(os.environ["STARTING"])

def handler(event, context):
    if event:
        pause(event)
    return [os.getpid(), os.path.exists(os.environ["LAMBDA_TASK_ROOT"]), os.environ.get("VERSION")]
"""


@pytest.mark.parametrize("starting", [True, False], ids=["while its process starts", "while it works"])
def test_a_call_ends_well_though_the_configuration_changes(emulator: Emulated, tmp_path: Path, starting: bool) -> None:
    before = {"STARTING": str(tmp_path)} if starting else {"VERSION": "old"}
    function = emulator.function(WAITING, Environment={"Variables": before})
    with ThreadPoolExecutor(1) as pool:
        called = pool.submit(emulator.call, function, "" if starting else str(tmp_path))
        eventually((tmp_path / "here").exists, what="the call")
        emulator.client("lambda").update_function_configuration(
            FunctionName=function, Environment={"Variables": {"VERSION": "new"}}
        )
        (tmp_path / "go").touch()
        failed, answer = called.result()
    assert (failed, answer[1:]) == (None, [True, before.get("VERSION")])
    failed, after = emulator.call(function, "")
    assert (failed, after[1:]) == (None, [True, "new"])
    eventually(lambda: not alive(answer[0]), what="the end of the old process")
