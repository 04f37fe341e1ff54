"""Price the restores that archived sources need before they can be copied.

The copies that S3 keeps for the days of a restore are priced as STANDARD storage, apart from this.
"""

from collections.abc import Mapping

from service.domain.archives import TIERING, restore_hours
from service.domain.requests import RestoreTier
from service.imports.previews.estimate import GIB, price_list
from service.imports.previews.result import Total

_FREE = {(archive, tier) for archive in TIERING for tier in (RestoreTier.BULK, RestoreTier.STANDARD)} | {
    ("GLACIER", RestoreTier.BULK)
}
"""Retrievals without a price (S3 user guide, "Archive retrieval options")."""


def restore_prices(archived: Mapping[str, Total]) -> dict[str, float | None]:
    """Return dollars by tier for all objects together; None where S3 does not offer the tier for one of them.

    `archived`: number and bytes of the objects by archive class or tier. Empty if there are none.
    """
    if not archived:
        return {}
    return {tier: _sum([_price(archive, total, tier) for archive, total in archived.items()]) for tier in RestoreTier}


def _sum(prices: list[float | None]) -> float | None:
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _price(archive: str, total: Total, tier: RestoreTier) -> float | None:
    if restore_hours(archive, tier) is None:
        return None
    if (archive, tier) in _FREE:
        return 0.0
    priced = "GLACIER" if archive in TIERING else archive
    prices = price_list()
    requests = total.count * prices.of(f"s3.restore.{priced}.{tier}.request")
    return requests + total.bytes / GIB * prices.of(f"s3.restore.{priced}.{tier}.gb")
