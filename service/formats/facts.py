"""Facts about a clip, and the result of its check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.domain.clips import Content as Content  # the checks and their callers share the three verdicts
from service.formats.failures import ContentInvalid, Finding, Note


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """Facts about a clip. None: the field does not apply to the format, or was not read."""

    format: Literal["clipgt", "mp4"]
    notes: tuple[Note, ...] = ()
    """Harmless oddities, sorted; `service.formats.failures` explains each."""

    clip_id: str | None = None
    layers: tuple[str, ...] | None = None
    """Known layers of the clip, sorted."""
    rows: Mapping[str, int] | None = None
    """Rows of the layers that were read, by layer."""
    cameras: tuple[str, ...] | None = None
    """Names of the `camera_{name}.json` files, sorted."""
    fingerprint: str | None = None
    """SHA-256 (hex) of the content: equal for clips of equal files."""

    duration_s: float | None = None
    """Length of the video as a player shows it, edit list included. None where the fragments were not all visited."""
    width: int | None = None
    height: int | None = None
    """Pixels as coded."""
    codec: str | None = None
    """Sample entry's four characters, such as `avc1`, `hvc1`, `av01`."""
    fragmented: bool | None = None
    tracks: tuple[str, ...] | None = None
    """Handler of each track in its order, such as `vide`, `soun`, `meta`."""

    def to_json(self) -> dict[str, Any]:
        """Return the known facts for a row, without empty fields and notes."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in values.items() if value is not None and (value or name != "notes")}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of a check. Copy the clip unless it is invalid. `finding` is the reason; None for a valid clip."""

    content: Content
    facts: ClipFacts
    finding: Finding | None = None
    reads: int = 0
    """Requests that the check made."""
    bytes: int = 0
    """Bytes read by them."""
    work: Mapping[str, int] = field(default_factory=dict)
    """Amounts counted against `service.formats.limits`, by kind."""

    @property
    def code(self) -> str | None:
        return self.finding.reason if self.finding else None

    @property
    def message(self) -> str | None:
        return self.finding.message if self.finding else None

    @property
    def failure(self) -> ContentInvalid | None:
        """Return the error of an invalid clip."""
        return self.finding if isinstance(self.finding, ContentInvalid) else None


@dataclass
class Findings:
    """Collects facts and notes, so that a check that stops early keeps them."""

    format: Literal["clipgt", "mp4"]
    values: dict[str, Any] = field(default_factory=dict)
    notes: set[Note] = field(default_factory=set)

    def note(self, note: Note) -> None:
        self.notes.add(note)

    def facts(self) -> ClipFacts:
        return ClipFacts(format=self.format, notes=tuple(sorted(self.notes)), **self.values)
