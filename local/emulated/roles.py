"""Count which actions the functions' roles were checked for, once the emulator enforces policies."""

import threading
from collections import Counter
from typing import Any


class Checks:
    """How often each role was allowed and refused each action since the emulator started, and on what at last."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, str, bool]] = Counter()
        self._resources: dict[tuple[str, str, bool], str] = {}
        self._lock = threading.Lock()

    def add(self, role: str, action: str, allowed: bool, resource: str) -> None:
        with self._lock:
            self._counted[role, action, allowed] += 1
            self._resources[role, action, allowed] = resource

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


def count_checks(evaluator: Any) -> Checks:
    """Change the emulator's `iam_evaluator`; returns the counts.

    `enforce` decides, but tells no name where it allows; `evaluate`, which it calls, gets the caller's identity.
    """
    enforce, evaluate = evaluator.enforce, evaluator.evaluate
    checks, current = Checks(), threading.local()

    def evaluate_noting(ctx: Any, *policies: Any) -> Any:
        current.caller = ctx.principal_arn
        return evaluate(ctx, *policies)

    def enforce_counted(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*", *rest: Any, **options: Any
    ) -> Any:
        current.caller = ""
        refusal = enforce(access_key, action, service, region, resource_arn, *rest, **options)
        _, is_role, names = current.caller.partition(":assumed-role/")
        if is_role:
            checks.add(names.partition("/")[0], action, refusal is None, resource_arn)
        return refusal

    evaluator.evaluate, evaluator.enforce = evaluate_noting, enforce_counted
    return checks
