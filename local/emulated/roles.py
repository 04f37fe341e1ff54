"""Count which actions the functions' roles were checked for, once the emulator enforces policies."""

import threading
from collections import Counter
from typing import Any


class Checks:
    """How often each role's policies allowed and refused each action since the emulator started."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, str, bool]] = Counter()
        self._lock = threading.Lock()

    def add(self, role: str, action: str, allowed: bool) -> None:
        with self._lock:
            self._counted[role, action, allowed] += 1

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            counted = sorted(self._counted.items())
        return [
            {"role": role, "action": action, "allowed": allowed, "times": times}
            for (role, action, allowed), times in counted
        ]


def count_checks(evaluator: Any) -> Checks:
    """Change the emulator's `iam_evaluator`; returns the counts."""
    evaluate, checks = evaluator.evaluate, Checks()

    def counted(ctx: Any, *policies: Any) -> Any:
        result = evaluate(ctx, *policies)
        kind, _, names = ctx.principal_arn.partition(":assumed-role/")
        if kind and names:
            checks.add(names.partition("/")[0], ctx.action, result.decision == "Allow")
        return result

    evaluator.evaluate = counted
    return checks
