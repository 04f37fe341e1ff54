"""Count which actions the functions' roles were checked for, and which of their grants these checks needed.

Every allowed check is made again without each statement that allows the action: where it is refused then, the grant is
needed. So each run of a function shows for each of its grants what taking it away would do.
"""

import threading
from collections import Counter
from typing import Any

Resources = tuple[str, ...]

_GRANTED_AS = {"sqs:SendMessageBatch": "sqs:SendMessage"}
"""Requests without an action of their own in IAM (SQS, "API permissions"); the emulator asks for one."""


class Checks:
    """How often each role was allowed and refused each action since the emulator started, and on what at last."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, str, bool]] = Counter()
        self._resources: dict[tuple[str, str, bool], str] = {}
        self._needed: set[tuple[str, str, Resources]] = set()
        self._lock = threading.Lock()

    def add(self, role: str, action: str, allowed: bool, resource: str, needed: list[Resources]) -> None:
        """`needed`: the resources of each statement without which the action would have been refused."""
        with self._lock:
            self._counted[role, action, allowed] += 1
            self._resources[role, action, allowed] = resource
            self._needed |= {(role, action, resources) for resources in needed}

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {
                    "role": check[0],
                    "action": check[1],
                    "allowed": check[2],
                    "times": times,
                    "last": self._resources[check],
                }
                for check, times in sorted(self._counted.items())
            ]

    def needed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {"role": role, "action": action, "resources": list(resources)}
                for role, action, resources in sorted(self._needed)
            ]


def count_checks(evaluator: Any) -> Checks:
    """Change the emulator's `iam_evaluator`; returns the counts.

    `enforce` decides, but tells no name where it allows; `evaluate`, which it calls, gets the caller's identity.
    """
    enforce, evaluate = evaluator.enforce, evaluator.evaluate
    checks, current = Checks(), threading.local()

    def evaluate_noting(ctx: Any, policies: Any, *limits: Any) -> Any:
        # Functions call AWS by https; here they call this machine by http, which queues' own policies deny.
        ctx.secure_transport = True

        def allowed_without(statement: Any) -> bool:
            others = [[one for one in policy if one is not statement] for policy in policies]
            return bool(evaluate(ctx, others, *limits).decision == "Allow")

        # None outside a check. Later evaluations of the same check are those of the resource's own policy.
        if getattr(current, "caller", None) == "":
            current.caller = ctx.principal_arn
            statements = [one for policy in policies for one in policy if ctx.action in one.actions]
            current.needed = [tuple(one.resources) for one in statements if not allowed_without(one)]
        return evaluate(ctx, policies, *limits)

    def enforce_counted(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*", *rest: Any, **options: Any
    ) -> Any:
        current.caller, current.needed = "", []
        action = _GRANTED_AS.get(action, action)
        refusal = enforce(access_key, action, service, region, resource_arn, *rest, **options)
        _, is_role, names = current.caller.partition(":assumed-role/")
        if is_role:
            needed = [] if refusal else current.needed
            checks.add(names.partition("/")[0], action, refusal is None, resource_arn, needed)
        return refusal

    evaluator.evaluate, evaluator.enforce = evaluate_noting, enforce_counted
    return checks
