"""Match and time retries of a state machine as Step Functions does.

The emulator reports a throttled function as `Lambda.Unknown`, lets `States.ALL` match errors that AWS always ends an
execution with, and ignores `MaxDelaySeconds` and `JitterStrategy`.
"""

import json
import random
from typing import Any

from local.emulated.limits import Limits

TERMINAL = ("States.DataLimitExceeded", "States.Runtime")
"""Errors that `States.ALL` and `States.TaskFailed` never match ("Handling errors in Step Functions workflows")."""
_THROTTLED = "TooManyRequestsException"


def match_as_aws(states: Any, limits: Limits) -> None:
    """Change the emulator's `stepfunctions`."""
    call, matches, find = states._call_lambda, states._error_matches, states._find_matching_retrier

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except states._ExecutionError as error:
            if error.error == "Lambda.Unknown" and _throttled(error.cause):
                raise states._ExecutionError(f"Lambda.{_THROTTLED}", error.cause) from None
            raise

    def error_matches(names: list[str], error: str) -> bool:
        if error in TERMINAL:
            return error in names
        return bool(matches(names, error))

    def retrier_with_its_delay(retriers: Any, error: str, counts: dict[int, int]) -> Any:
        """Put the whole delay into the interval: the emulator multiplies it by the rate for each try."""
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay), limits.retry_delay_seconds)
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    states._call_lambda, states._error_matches = call_lambda, error_matches
    states._find_matching_retrier = retrier_with_its_delay


def _throttled(cause: str) -> bool:
    try:
        body = json.loads(cause)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("__type") == _THROTTLED
