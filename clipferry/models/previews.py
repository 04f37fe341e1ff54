"""What an import would do, cost and take."""

from collections.abc import Mapping
from dataclasses import dataclass

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Total(Model):
    count: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Fates(Total):
    by_code: Mapping[str, Total]


@dataclass(frozen=True, kw_only=True)
class PreviewedClip(Model):
    run_name: str
    source_uri: str
    destination: str
    action: str
    """`copy`, `skip` or `fail`."""
    size: int | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome(Model):
    to_copy: Total
    to_skip: Fates
    to_fail: Fates
    problems: tuple[PreviewedClip, ...]
    """The first clips that would fail."""


@dataclass(frozen=True, kw_only=True)
class Cost(Model):
    """Dollars, once."""

    s3_requests: float
    lambda_: float
    step_functions: float
    dynamodb: float
    total: float


@dataclass(frozen=True, kw_only=True)
class Estimate(Model):
    cost: Cost
    storage_per_month: float
    seconds: int
    currency: str
    price_region: str
    prices_as_of: str


@dataclass(frozen=True, kw_only=True)
class Preview(Model):
    root_path: str | None
    count: int
    bytes: int
    keys: tuple[str, ...]
    by_extension: Mapping[str, Total]
    complete: bool
    """False: the time was up, and every figure means "at least"."""
    sample: tuple[PreviewedClip, ...]
    outcome: Outcome
    estimate: Estimate
