"""Import driving clips with Clipferry, from Python or from the command line.

from clipferry import Clipferry

with Clipferry() as client:
    job = client.imports.create(root_path="s3://my-clips/2026/").wait()
"""

from typing import TYPE_CHECKING, Any

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
from clipferry.job import Import
from clipferry.models.errors import WaitTimeout

if TYPE_CHECKING:
    from clipferry.aio import AsyncClipferry, AsyncImport

__all__ = [
    "ApiError",
    "AsyncClipferry",
    "AsyncImport",
    "Clipferry",
    "ClipferryError",
    "ConfigError",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "Import",
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


def __getattr__(name: str) -> Any:
    """Import the async client when it is first used: asyncio would add some 20 ms to each start of the command line."""
    if name in ("AsyncClipferry", "AsyncImport"):
        from clipferry import aio

        return getattr(aio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
