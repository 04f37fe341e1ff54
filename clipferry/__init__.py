"""Import driving clips with Clipferry, from Python or from the command line.

from clipferry import Clipferry

with Clipferry() as client:
    job = client.imports.create(root_path="s3://my-clips/2026/").wait()
"""

from clipferry import flow_executions
from clipferry.client import Clipferry
from clipferry.errors import (
    ApiError,
    ClipferryError,
    ConfigError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    InvalidId,
    NotFound,
    ServerError,
    Throttled,
    TooLarge,
    Unauthorized,
    UnexpectedAnswer,
)
from clipferry.models.errors import WaitTimeout

__all__ = [
    "ApiError",
    "Clipferry",
    "ClipferryError",
    "ConfigError",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "Invalid",
    "InvalidId",
    "NotFound",
    "ServerError",
    "Throttled",
    "TooLarge",
    "Unauthorized",
    "UnexpectedAnswer",
    "WaitTimeout",
    "flow_executions",
]
