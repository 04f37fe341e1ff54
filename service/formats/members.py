"""Read members of a zip as clips of their own: list them for planning, and read the bytes of one.

Errors: `ContentInvalid` for the archive or the member, `ContentUnchecked` for one beyond `service.formats.limits`, and
those of the source.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from service.domain.clip_ids import clip_id_of
from service.domain.member_reads import JOINED_BYTES
from service.domain.members import MemberObject, Packed, PackedMember
from service.domain.objects import ListedObject
from service.formats.archive import DEFLATED, check_member, read_members
from service.formats.built_zip import MAX_BYTES, MAX_FILES, built_size
from service.formats.directory import Member
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid
from service.formats.reader import RangeReader, Reader, run
from service.formats.unpack import data_start, unpack

MAX_DEFLATED_BYTES = 128 * 1024**2
"""Unpacked size of a deflated member. Each part of its copy unpacks it from its beginning."""


@dataclass(frozen=True)
class _File:
    member: PackedMember
    problem: str | None


def members_of(found: ListedObject, source: RangeReader, *, by_clip: bool = False) -> list[MemberObject]:
    """Read the zip's directory, and list its members in UTF-8 binary order.

    `by_clip`: list one `{clip_id}.zip` for the members of each clip id (`clip_id_of`). A clip that is a zip of this
    name already stays as it is.
    """
    problems: dict[int, str] = {}

    def note(member: Member) -> None:
        try:
            check_member(member)
        except ContentInvalid as error:
            problems[member.offset] = error.message

    reader = Reader(found.size, found.key)
    members = run(read_members(reader, Findings("clipgt"), check=note), source)
    files = [_file(member, problems.get(member.offset)) for member in members]
    if by_clip:
        files.sort(key=lambda file: (clip_id_of(file.member.name), file.member.offset))
        clips = groupby(files, key=lambda file: clip_id_of(file.member.name))
        listed = [_clip(name, list(some), found) for name, some in clips]
    else:
        listed = [_listed(file.member.name, (file.member,), file.problem, found) for file in files]
    return sorted(listed, key=lambda one: one.key.encode())


def _file(member: Member, problem: str | None) -> _File:
    if problem is None and member.method == DEFLATED and member.size > MAX_DEFLATED_BYTES:
        problem = f"deflated members of more than {MAX_DEFLATED_BYTES:,} bytes are not unpacked; store it instead"
    packed = PackedMember(
        name=member.name,
        raw_name=member.raw_name.decode("latin-1"),
        offset=member.offset,
        limit=member.limit,
        packed_size=member.packed_size,
        size=member.size,
        method=member.method,
        crc=member.crc,
    )
    return _File(packed, problem)


def _clip(name: str, files: list[_File], found: ListedObject) -> MemberObject:
    members, whole = tuple(file.member for file in files), f"{name}.zip"
    problem = next((file.problem for file in files if file.problem), None)
    if [member.name for member in members] == [whole]:
        return _listed(whole, members, problem, found)
    if problem is None and (len(members) > MAX_FILES or built_size(members) > MAX_BYTES):
        problem = f"its zip would have more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes"
    return _listed(whole, members, problem, found, built=True)


def _listed(
    name: str, members: tuple[PackedMember, ...], problem: str | None, found: ListedObject, *, built: bool = False
) -> MemberObject:
    packed = Packed(zip_size=found.size, zip_etag=found.etag, members=members, built=built)
    return MemberObject(
        key=f"{found.key}!/{name}",
        size=built_size(members) if built else members[0].size,
        etag=packed.etag,
        version=found.version,
        modified=found.modified,
        packed=None if problem else packed,
        problem=problem,
    )


def read_member(packed: PackedMember, source: RangeReader, start: int, length: int) -> Iterator[bytes]:
    """Yield bytes of the member, unpacked, from `start`. `source` reads the zip."""
    member = Member(
        name=packed.name, raw_name=packed.raw_name.encode("latin-1"), flags=0, method=packed.method, crc=packed.crc,
        packed_size=packed.packed_size, size=packed.size, offset=packed.offset, mode=0, version=0, disk=0,
        ignored=False, limit=packed.limit,
    )  # fmt: skip
    reader, end = Reader(source.size, packed.name), min(start + length, packed.size)
    if member.method == DEFLATED:
        yield _unpacked(reader, member, source, start, end)
        return
    first = run(data_start(reader, member), source)
    for at in range(first + start, first + end, JOINED_BYTES):
        yield source.read(at, min(JOINED_BYTES, first + end - at))


def _unpacked(reader: Reader, member: Member, source: RangeReader, start: int, end: int) -> bytes:
    kept, position = bytearray(), 0

    def keep(piece: bytes) -> None:
        nonlocal position
        kept.extend(piece[max(0, start - position) : max(0, end - position)])
        position += len(piece)

    run(unpack(reader, member, keep), source)
    return bytes(kept)
