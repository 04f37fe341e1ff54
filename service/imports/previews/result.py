"""The answer of a preview."""

from dataclasses import dataclass, field

from service.domain.clips import ClipStatus
from service.domain.requests import RestoreTier
from service.imports.previews.estimate import Estimate


@dataclass
class Total:
    count: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        self.count += 1
        self.bytes += size


@dataclass
class Fates(Total):
    """Clips that are not copied, by code."""

    by_code: dict[str, Total] = field(default_factory=dict)

    def add_for(self, code: str, size: int) -> None:
        self.add(size)
        self.by_code.setdefault(code, Total()).add(size)


@dataclass(frozen=True, kw_only=True)
class PreviewedClip:
    run_name: str
    source_uri: str
    destination: str
    """`s3://clips-bucket/key`, or empty."""
    size: int | None
    status: ClipStatus
    """PENDING means that it would be copied."""
    code: str | None
    message: str | None


@dataclass
class Outcome:
    """Clips by result. The three add up to the preview's count."""

    to_copy: Total = field(default_factory=Total)
    to_skip: Fates = field(default_factory=Fates)
    to_fail: Fates = field(default_factory=Fates)
    archived: dict[str, Total] = field(default_factory=dict)
    """Clips with the code ARCHIVED, and those whose source would be restored, by archive class or tier."""
    tier: RestoreTier | None = None
    """The tier with which the import would restore; None if it would not."""
    problems: list[PreviewedClip] = field(default_factory=list)
    """The first clips that would fail."""


@dataclass(kw_only=True)
class Preview:
    """Result of a preview. If `complete` is false, time was up first, and every figure means "at least"."""

    root_path: str | None
    complete: bool
    count: int
    bytes: int
    keys: list[str]
    """The first 20 keys."""
    by_extension: dict[str, Total]
    sample: list[PreviewedClip]
    """The first 20 clips."""
    no_clips: int
    """Objects below the prefix that tools left beside clips. They are not in `count`."""
    outcome: Outcome
    estimate: Estimate
