"""A stack that enforces the functions' roles: record each role's calls, and remove single actions from roles."""

import copy
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local import aws
from local.stack import Stack
from tests.e2e.disturbed import Disturbed, Imports, PatientUser
from tests.e2e.faults import control

Action = tuple[str, str]
"""A function's handler module (`copy`) and an action (`s3:PutObject`)."""
Grant = tuple[str, str, str]
"""The same, and the place where the role's policy allows it (`clips/*`): each is one statement's action."""
UNCALLED = (
    *("logs:", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"),
    *("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"),
)
"""Actions of Lambda itself (its logs, the queue of `on_upload`), which the emulator does not check."""


@dataclass
class Guarded:
    """`roles` by handler module; `granted`: the grants of the deployed inline policies."""

    stack: Stack
    roles: dict[str, str]
    granted: set[Grant]

    @classmethod
    def of(cls, stack: Stack) -> "Guarded":
        functions = aws.session().client("lambda", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)
        pages = functions.get_paginator("list_functions").paginate()
        found = [one for page in pages for one in page["Functions"] if one["Handler"].startswith("lambdas.")]
        roles = {one["Handler"].split(".")[1]: one["Role"].rpartition("/")[2] for one in found}
        guarded = cls(stack, roles, set())
        for handler in roles:
            for document in guarded._policies(handler).values():
                for statement in document["Statement"]:
                    if statement["Effect"] == "Deny":
                        continue
                    place = guarded.place(_listed(statement["Resource"]))
                    guarded.granted |= {(handler, action, place) for action in _listed(statement["Action"])}
        guarded.granted = {one for one in guarded.granted if not one[1].startswith(UNCALLED)}
        return guarded

    def imports(self) -> Imports:
        user = PatientUser(self.stack)
        return Imports(Disturbed(self.stack, aws.s3(self.stack.aws_endpoint_url)), user)

    def place(self, resources: list[str]) -> str:
        """Return a name of a statement's resources: `clips/*`, `table`, `indexes`, `sources`."""
        names = {
            self.stack.table_name: "table",
            self.stack.clips_bucket: "clips",
            self.stack.state_bucket: "state",
            self.stack.drop_bucket: "drop",
        }
        found = [one.split(":", 5)[-1] for one in resources]
        for name, short in names.items():
            found = [one.replace(name, short) for one in found]
        if self.stack.source_bucket in {one.partition("/")[0] for one in found}:
            return "sources/*" if any("/" in one for one in found) else "sources"
        if all(one.startswith("table/table/index/") for one in found):
            return "indexes"
        return found[0].removeprefix("table/").partition(":")[0]

    def needed(self) -> set[Grant]:
        """Return the grants without which a call so far would have been refused."""
        handlers = {role: handler for handler, role in self.roles.items()}
        listed = [one for one in control(self.stack, "roles")["needed"] if one["role"] in handlers]
        return {(handlers[one["role"]], one["action"], self.place(one["resources"])) for one in listed}

    def checks(self) -> dict[tuple[str, str, bool], int]:
        """Return how often each handler was allowed (True) and denied (False) each action so far."""
        return {check: times for check, (times, _) in self._checks().items()}

    def last_refused(self) -> dict[Action, str]:
        """Return the resource of each handler's last denial of each action."""
        return {(handler, action): last for (handler, action, ok), (_, last) in self._checks().items() if not ok}

    def _checks(self) -> dict[tuple[str, str, bool], tuple[int, str]]:
        listed = control(self.stack, "roles")["checks"]
        names = {role: handler for handler, role in self.roles.items()}
        return {
            (names[one["role"]], one["action"], one["allowed"]): (one["times"], one["last"])
            for one in listed
            if one["role"] in names
        }

    def refused(self, handler: str, action: str) -> int:
        return self.checks().get((handler, action, False), 0)

    @contextmanager
    def without(self, handler: str, action: str) -> Iterator[None]:
        """Remove this action from all statements of the function's role during the block."""
        before = self._policies(handler)
        for name, document in before.items():
            self._put(handler, name, _less(document, action))
        try:
            yield
        finally:
            for name, document in before.items():
                self._put(handler, name, document)

    def wait_for_refusal(self, handler: str, action: str, before: int, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.refused(handler, action) > before:
                return True
            time.sleep(0.2)
        return False

    def _policies(self, handler: str) -> dict[str, Any]:
        iam = aws.session().client("iam", endpoint_url=self.stack.aws_endpoint_url, config=aws.CONFIG)
        role = self.roles[handler]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}

    def _put(self, handler: str, name: str, document: object) -> None:
        iam = aws.session().client("iam", endpoint_url=self.stack.aws_endpoint_url, config=aws.CONFIG)
        iam.put_role_policy(RoleName=self.roles[handler], PolicyName=name, PolicyDocument=json.dumps(document))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _less(document: Any, action: str) -> Any:
    """Return the policy without an action. Statements without any other action are left out."""
    less = copy.deepcopy(document)
    for statement in less["Statement"]:
        if statement["Effect"] == "Deny":
            continue
        statement["Action"] = [one for one in _listed(statement["Action"]) if one != action]
    less["Statement"] = [one for one in less["Statement"] if one["Action"]]
    # A policy needs at least one statement.
    less["Statement"] = less["Statement"] or [{"Effect": "Deny", "Action": action, "Resource": "*"}]
    return less
