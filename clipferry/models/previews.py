"""The result of a preview."""

from collections.abc import Mapping
from dataclasses import dataclass

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Total(Model):
    count: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Fates(Total):
    """Clips that would be skipped or fail, in total and by code."""

    by_code: Mapping[str, Total]


@dataclass(frozen=True, kw_only=True)
class PreviewedClip(Model):
    """What the import would do with one clip, and why."""

    run_name: str
    source_uri: str
    destination: str
    action: str
    """`copy`, `skip` or `fail`."""
    size: int | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Archives(Model):
    """Clips whose sources must be restored before they can be copied."""

    by_archive: Mapping[str, Total]
    """By archive class or tier, such as GLACIER."""
    restore: Mapping[str, float | None]
    """US dollars to restore all of them by retrieval tier; None where S3 does not offer it."""
    tier: str | None = None
    """The tier with which the import restores them; None if it does not."""
    hours: int | None = None
    """Hours that the slowest restore takes at most, as a rule."""


@dataclass(frozen=True, kw_only=True)
class Outcome(Model):
    """What the import would do; the three totals sum to the preview's `count`."""

    to_copy: Total
    to_skip: Fates
    to_fail: Fates
    problems: tuple[PreviewedClip, ...]
    """The first 20 clips that would fail."""
    archived: Archives | None = None
    """None from services before this field."""


@dataclass(frozen=True, kw_only=True)
class Cost(Model):
    """The cost of the import in US dollars, without the storage of the clips."""

    s3_requests: float
    lambda_: float
    step_functions: float
    dynamodb: float
    total: float


@dataclass(frozen=True, kw_only=True)
class Estimate(Model):
    """The import's cost, by the list prices of `price_region`, and its time."""

    cost: Cost
    storage_per_month: float
    """US dollars, for the copies."""
    seconds: int
    """From the request to the import's end."""
    currency: str
    price_region: str
    prices_as_of: str


@dataclass(frozen=True, kw_only=True)
class Preview(Model):
    """What an import would do, its cost and its time."""

    root_path: str | None
    """The prefix; None for a list and for sets."""
    count: int
    bytes: int
    keys: tuple[str, ...]
    """The first 20."""
    by_extension: Mapping[str, Total]
    complete: bool
    """False if the time limit ended the preview: then every number means "at least"."""
    sample: tuple[PreviewedClip, ...]
    """The first 20 clips."""
    outcome: Outcome
    estimate: Estimate
    no_clips: int = 0
    """Objects below the prefix that tools left beside clips, such as folder markers. They are not in `count`."""
