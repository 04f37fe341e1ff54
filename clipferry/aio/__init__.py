"""The async client. The sync modules of the same names are generated from these: `make client`."""

from clipferry.aio.client import AsyncClipferry
from clipferry.aio.job import AsyncImport

__all__ = ["AsyncClipferry", "AsyncImport"]
