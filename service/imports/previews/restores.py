"""Price the restores that archived sources need before they can be copied.

The copies that S3 keeps for the days of a restore are priced as STANDARD storage, apart from this.
"""

from collections.abc import Mapping

from service.imports.previews.estimate import GIB, price_list
from service.imports.previews.result import Total

TIERS = ("bulk", "standard", "expedited")
"""S3's retrieval options, the cheapest and slowest first."""
_INTELLIGENT_TIERING = {"ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"}
_FREE = {(archive, tier) for archive in _INTELLIGENT_TIERING for tier in ("bulk", "standard")} | {("GLACIER", "bulk")}
"""Retrievals without a price (S3 user guide, "Archive retrieval options")."""
_NOT_EXPEDITED = {"DEEP_ARCHIVE", "DEEP_ARCHIVE_ACCESS"}


def restore_prices(archived: Mapping[str, Total]) -> dict[str, float | None]:
    """Return dollars by tier for all objects together; None where S3 does not offer the tier for one of them.

    `archived`: number and bytes of the objects by archive class or tier. Empty if there are none.
    """
    if not archived:
        return {}
    return {tier: _sum([_price(archive, total, tier) for archive, total in archived.items()]) for tier in TIERS}


def _sum(prices: list[float | None]) -> float | None:
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _price(archive: str, total: Total, tier: str) -> float | None:
    if tier == "expedited" and archive in _NOT_EXPEDITED:
        return None
    if (archive, tier) in _FREE:
        return 0.0
    priced = "GLACIER" if archive in _INTELLIGENT_TIERING else archive
    prices = price_list()
    requests = total.count * prices.of(f"s3.restore.{priced}.{tier}.request")
    return requests + total.bytes / GIB * prices.of(f"s3.restore.{priced}.{tier}.gb")
