"""The sizes and times that AWS enforces and the emulator does not, and the time that a restore takes.

DynamoDB's limits (400 KB an item, 100 items and 4 MB a transaction) are not here: the emulator enforces them itself.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

MIB = 1024**2


@dataclass
class Limits:
    """One running emulator's limits. Tests may lower them while it runs (`control.py`)."""

    function_request_bytes: int = 6 * MIB
    """Payload of a synchronous Invoke ("Lambda quotas", 6 MB; the error message gives the exact number)."""
    function_answer_bytes: int = 6 * MIB + 100
    """Answer of a function. The message of `Function.ResponseSizeTooLarge` gives the number."""
    gateway_request_bytes: int = 10 * MIB
    """Body of a request to a REST API ("Amazon API Gateway quotas": 10 MB)."""
    gateway_seconds: float = 29.0
    """Time that a REST API waits for its integration (same page: 29 s)."""
    state_bytes: int = 256 * 1024
    """Input or output of a state, a task or an execution, as UTF-8 ("Step Functions service quotas")."""
    retry_delay_seconds: float = 31_622_400.0
    """Longest wait before a state machine tries again: the largest `MaxDelaySeconds`. Tests lower it to wait less."""
    restore_seconds: float = 2.0
    """Time until an archived object is restored; hours on S3."""
    part_bytes: int = 5 * MIB
    """Smallest part of a multipart upload, apart from the last ("Amazon S3 multipart upload limits": 5 MiB)."""

    def change(self, values: dict[str, Any]) -> None:
        """Set the limits that `values` names. Raises `ValueError`, and changes nothing, if one is unknown or ≤ 0."""
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known or isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ValueError(f"{name}={value!r}: not a limit with a positive number; limits: {sorted(known)}")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)
