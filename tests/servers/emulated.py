"""Functions and state machines on a bare emulator, and the routes that this project adds to it."""

import io
import json
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from local import aws
from local.config import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

ROLE = f"arn:aws:iam::{ACCOUNT}:role/tests"
ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
"""Clients without retries, so that each test sees the emulator's own answer."""


@dataclass(frozen=True)
class Emulated:
    """A bare emulator at `url`."""

    url: str

    def client(self, service: str) -> Any:
        make: Callable[..., Any] = aws.session().client
        return make(service, endpoint_url=self.url, config=ONCE)

    def ask(self, path: str, body: object = None) -> Any:
        """GET `path`, or POST `body` to it; return the JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url + path, data=data), timeout=30) as answer:
            return json.loads(answer.read())

    def function(self, code: str, handler: str = "main.handler", **settings: Any) -> str:
        """Deploy the module `main.py`; return the function's name."""
        packed, name = io.BytesIO(), f"f-{uuid.uuid4().hex[:8]}"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo("main.py"), code)  # without the time, so that equal code is equal bytes
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler=handler,
            Code={"ZipFile": packed.getvalue()},
            **{"Timeout": 30, **settings},
        )
        return name

    def call(self, function: str, event: object = None) -> tuple[str | None, Any]:
        """Invoke a function; return its `FunctionError`, and its answer or the error object."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    def run(self, states: dict[str, Any], event: object = None) -> dict[str, Any]:
        """Run a state machine that begins with its first state; return the description of the execution."""
        client: SFNClient = self.client("stepfunctions")
        definition = json.dumps({"StartAt": next(iter(states)), "States": states})
        made = client.create_state_machine(name=f"m-{uuid.uuid4().hex[:8]}", definition=definition, roleArn=ROLE)
        arn = client.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps(event or {}))
        while True:
            execution = client.describe_execution(executionArn=arn["executionArn"])
            if execution["status"] != "RUNNING":
                return dict(execution)
            time.sleep(0.05)


def task(function: str, **fields: Any) -> dict[str, Any]:
    """Return a task state that ends the machine unless `fields` say otherwise."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    return {"Type": "Task", "Resource": arn, **({"End": True} | fields)}
