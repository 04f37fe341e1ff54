"""The model's state machine (tests/model) tries the same errors again as the deployed one."""

from stacks.retries import PASSING, error_names
from tests.model import machine


def test_the_model_retries_the_errors_that_the_state_machine_retries() -> None:
    assert error_names(*machine.PASSING) == PASSING
