"""Members of zips as sources of clips. Positions and sizes are bytes."""

from dataclasses import dataclass

from service.domain.objects import ListedObject


@dataclass(frozen=True, kw_only=True)
class PackedMember:
    """Where a zip has the bytes of a member."""

    name: str
    """The path, with `/` between its segments."""
    raw_name: str
    """The name as the zip has it, one character for each byte (latin-1)."""
    offset: int
    """Where its local header begins."""
    limit: int
    """Where the next member or the directory begins."""
    packed_size: int
    size: int
    method: int
    """0: stored, 8: deflate (APPNOTE.TXT 4.4.5)."""
    crc: int
    """CRC-32 of the unpacked bytes."""
    joined: tuple[int, int] | None = None
    """First byte and length of the range that reads it together with its neighbours (`member_reads.joined_reads`)."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A clip in a zip, as planning pinned it: one member, or a new zip that the copy builds of several."""

    zip_size: int
    zip_etag: str
    members: tuple[PackedMember, ...]
    """In the order of their bytes; at least one."""
    built: bool = False
    """Whether the clip is a new zip of these members (`service.formats.built_zip`)."""

    @property
    def etag(self) -> str:
        """Identifies the content for one state of the zip."""
        return f"{self.zip_etag}!{self.members[0].offset}"


@dataclass(frozen=True, kw_only=True)
class MemberObject(ListedObject):
    """A clip in a zip, listed like an object. Its ETag, version and time follow from those of its zip."""

    packed: Packed | None = None
    """None: it cannot be imported, because of its `problem`."""
    problem: str | None = None
