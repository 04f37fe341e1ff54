"""Which ranges bring neighbouring members of zips together."""

from service.domain.manifest import ManifestEntry
from service.domain.member_reads import GAP_BYTES, JOINED_BYTES, joined_reads, neighbours_together
from service.domain.members import Packed, PackedMember

KIB = 1024


def member(ordinal: int, offset: int, size: int, *, zip_key: str = "a.zip", group: int | None = None) -> ManifestEntry:
    return ManifestEntry(
        ordinal=ordinal,
        source_uri=f"s3://source/{zip_key}!/{ordinal}",
        destination=str(ordinal),
        size=size,
        group=group,
        packed=Packed(
            zip_size=10**9,
            zip_etag="etag",
            members=(
                PackedMember(
                    name=str(ordinal),
                    raw_name=str(ordinal),
                    offset=offset,
                    limit=offset + size,
                    packed_size=size,
                    size=size,
                    method=0,
                    crc=0,
                ),
            ),
        ),
    )


def ranges(*entries: ManifestEntry) -> list[tuple[int, int] | None]:
    return [entry.packed.members[0].joined for entry in joined_reads(entries) if entry.packed]


def test_neighbours_share_a_range_whatever_the_order() -> None:
    assert ranges(member(0, 200, 100), member(1, 0, 100), member(2, 100, 100)) == [(0, 300)] * 3


def test_a_range_ends_at_its_size_and_before_a_gap() -> None:
    half = JOINED_BYTES // 2
    assert ranges(member(0, 0, half), member(1, half, half), member(2, 2 * half, 1)) == [
        (0, JOINED_BYTES),
        (0, JOINED_BYTES),
        (2 * half, 1),
    ]
    far = 100 + GAP_BYTES
    assert ranges(member(0, 0, 100), member(1, far, 100)) == [(0, far + 100)] * 2
    assert ranges(member(0, 0, 100), member(1, far + 1, 100)) == [(0, 100), (far + 1, 100)]


def test_a_large_member_begins_with_a_range_of_its_own() -> None:
    large = 3 * JOINED_BYTES
    assert ranges(member(0, 0, 10), member(1, 10, large), member(2, 10 + large, 10)) == [
        (0, 10),
        (10, JOINED_BYTES),
        (10 + large, 10),
    ]


def test_zips_share_no_range() -> None:
    assert ranges(member(0, 0, 10), member(1, 10, 10, zip_key="b.zip")) == [(0, 10), (10, 10)]


def test_the_members_of_a_zip_come_together_and_all_else_stays() -> None:
    plain = ManifestEntry(ordinal=1, source_uri="s3://source/x.mp4", destination="x", size=1)
    entries = [member(0, 90, 10), plain, member(2, 0, 10, zip_key="b.zip"), member(3, 0, 10)]
    assert [entry.ordinal for entry in neighbours_together(entries)] == [3, 0, 1, 2]
    views = [member(0, 90, 10, group=0), member(1, 0, 10, group=0)]
    assert neighbours_together(views) == views
    assert joined_reads([plain]) == [plain]
