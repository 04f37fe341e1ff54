"""The emulator's list of needed grants has each statement without which a call would have been refused."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.emulated.roles import count_checks

CALLER = "arn:aws:sts::000000000000:assumed-role/copy/session"


class Evaluator(SimpleNamespace):
    """A stand-in of the emulator's module: `policies` are those of the one caller."""

    def __init__(self, *policies: list[SimpleNamespace]) -> None:
        def evaluate(ctx: Any, given: Any) -> Any:
            allowed = any(
                ctx.action in one.actions and ctx.resource in one.resources for policy in given for one in policy
            )
            return SimpleNamespace(decision="Allow" if allowed else "ImplicitDeny")

        def enforce(_key: str, action: str, _service: str, _region: str, resource: str) -> Any:
            ctx = SimpleNamespace(principal_arn=CALLER, action=action, resource=resource)
            result = self.evaluate(ctx, policies)
            self.evaluate(ctx, [[]])  # the resource's own policy
            return None if result.decision == "Allow" else result

        super().__init__(evaluate=evaluate, enforce=enforce)


def statement(actions: str, resources: str) -> SimpleNamespace:
    return SimpleNamespace(actions=actions.split(), resources=resources.split())


@pytest.mark.parametrize(
    ("resource", "needed"),
    [
        ("clips", [("s3:PutObject", ["clips"])]),
        ("state", []),  # two statements allow it, so neither is needed
        ("drop", []),  # refused
    ],
)
def test_a_grant_is_needed_if_the_call_is_refused_without_it(resource: str, needed: list[Any]) -> None:
    writes = [statement("s3:GetObject s3:PutObject", "clips"), statement("s3:PutObject", "state")]
    evaluator = Evaluator(writes, [statement("s3:PutObject", "state")])
    checks = count_checks(evaluator)
    evaluator.enforce("key", "s3:PutObject", "s3", "us-east-1", resource)
    assert [(one["action"], one["resources"]) for one in checks.needed()] == needed
    assert [(one["role"], one["allowed"]) for one in checks.all()] == [("copy", resource != "drop")]


def test_a_simulation_of_a_policy_is_no_check() -> None:
    evaluator = Evaluator()
    checks = count_checks(evaluator)
    ctx = SimpleNamespace(principal_arn=CALLER, action="s3:PutObject", resource="clips")
    assert evaluator.evaluate(ctx, [[statement("s3:PutObject", "clips")]]).decision == "Allow"
    assert (checks.all(), checks.needed()) == ([], [])


def test_a_batch_of_messages_needs_the_right_to_send_messages() -> None:
    """IAM has no action of its own for batches."""
    evaluator = Evaluator([statement("sqs:SendMessage", "queue")])
    checks = count_checks(evaluator)
    assert evaluator.enforce("key", "sqs:SendMessageBatch", "sqs", "us-east-1", "queue") is None
    assert [(one["action"], one["allowed"]) for one in checks.all()] == [("sqs:SendMessage", True)]
