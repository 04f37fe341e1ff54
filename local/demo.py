"""`make demo`: the whole service at work on this machine. Fails loudly when anything is not as expected."""

import argparse
import os
import sys
import time
from pathlib import Path

from local.acts import Demo, DemoError
from local.config import DEFAULT_STATE, StateDir, isolate_process
from local.console import console, done, fail, heading, say, step
from local.down import bring_down
from local.process import port_number
from local.stack import Stack
from local.up import LOCAL_ERRORS, StackOptions, bring_up, describe, end_on_sigterm, running


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--started", type=float, help="when the set-up began, in seconds since the epoch")
    parser.add_argument("--port", help="the emulator's port on 127.0.0.1 (default: a free one)")
    parser.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, help="the folder that the stack keeps its files in"
    )
    options = parser.parse_args()
    isolate_process()
    end_on_sigterm()
    state = StateDir(options.state.resolve())
    started = options.started or time.time()
    already = running(state)
    keep = already is not None or os.environ.get("KEEP", "") not in ("", "0")
    console.print(
        "[bold]Clipferry[/]: driving clips imported into your own AWS account. Here: the same stack, on this machine."
    )
    try:
        port = port_number(options.port) if options.port else None
        stack = _set_up(state, already, port, time.time() - started)
        demo = Demo(stack)
        demo.import_prefix()
        demo.drop_clips()
        demo.import_with_failures()
    except (*LOCAL_ERRORS, DemoError) as error:
        fail(str(error))
        say(f"Logs: {state.deploy_log} and {state.emulator_log}")
        return 1
    except KeyboardInterrupt:
        fail("interrupted")
        return 130
    finally:
        if not keep:
            bring_down(state)
    if keep:
        heading("The stack")
        describe(stack, state)
    _what_next(stack, keep)
    console.print(f"\n[bold green]The demo worked, in {time.time() - started:.0f} s.[/]")
    return 0


def _set_up(state: StateDir, already: Stack | None, port: int | None, environment_seconds: float) -> Stack:
    heading("Set up")
    done("Python, Node and emulator environments", environment_seconds)
    if already is not None:
        done(f"the local stack that is running (pid {already.pid})")
        return already
    return bring_up(state, step, StackOptions(port=port))


def _what_next(stack: Stack, keep: bool) -> None:
    console.print()
    if not keep:
        say("The emulator has ended. Go on with `make local`, as docs/start/local.md explains step by step.")
        return
    say("Try it yourself:")
    say(f"  curl -H 'X-API-Key: {stack.api_key}' {stack.base_url}/v1/imports")
    credentials = "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test"
    where = f"--region {stack.region} --endpoint-url {stack.aws_endpoint_url}"
    say(f"  {credentials} aws {where} s3 cp clip.mp4 s3://{stack.drop_bucket}/inbox/{stack.project}/")
    say("End it with: make local-down")


if __name__ == "__main__":
    sys.exit(main())
