"""Zips that are broken or hostile, one way each, and odd ones that are neither."""

import bz2
import lzma
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest

from service.formats.check import Depth
from service.formats.facts import Content
from service.formats.failures import Reason
from service.formats.limits import MAX_MEMBERS, RATIO_FLOOR_BYTES, RATIO_FLOOR_LAYER_BYTES
from tests.unit.formats.making import (
    CLIP,
    CLIP_ID,
    Raw,
    changed,
    check,
    clip_files,
    deflated,
    judge,
    members,
    outcome,
    write_zip,
)

EGO = f"{CLIP_ID}.egomotion_estimate.parquet"
NOTE = Raw(b"note.txt", b"hello hello")


def end_at(data: bytes) -> int:
    return data.rindex(b"PK\5\6")


def with_note(**changes: object) -> bytes:
    """A valid clip and one more member, which is not."""
    return write_zip([*members(), replace(NOTE, **changes)])  # type: ignore[arg-type]


def with_ego(**changes: object) -> bytes:
    return write_zip(changed("egomotion", **changes))


def with_local(**changes: object) -> bytes:
    return with_ego(local=changes)


def overlapping() -> bytes:
    """A second directory entry for the bytes of the first member."""
    first, *others = members()
    return write_zip(
        [first, *others, replace(first, name=b"n" * len(first.name), offset=0, local={"name": first.name})]
    )


def nested_members() -> bytes:
    """A member that lies within another one's data, as in zip bombs that quote themselves."""
    inner = write_zip([NOTE])[: -22 - 46 - len(NOTE.name)]
    outer = Raw(b"outer.bin", inner, method=0)
    start = len(write_zip([])) - 22 + 30 + len(outer.name)
    return write_zip([outer, replace(NOTE, offset=start), *members()])


BROKEN: dict[str, tuple[Callable[[], bytes], Reason]] = {
    # no zip, or half of one
    "one byte": (lambda: b"P", Reason.NOT_A_ZIP),
    "the first signature only": (lambda: b"PK\3\4", Reason.ZIP_TRUNCATED),
    "the first half": (lambda: CLIP[: len(CLIP) // 2], Reason.ZIP_TRUNCATED),
    "without its last byte": (lambda: CLIP[:-1], Reason.ZIP_TRUNCATED),
    "without its first half": (lambda: CLIP[len(CLIP) // 2 :], Reason.ZIP_TRUNCATED),
    "without its first byte": (lambda: CLIP[1:], Reason.ZIP_TRUNCATED),
    "the directory only": (lambda: CLIP[struct.unpack("<L", CLIP[-6:-2])[0] :], Reason.ZIP_TRUNCATED),
    "another archive": (lambda: b"7z\xbc\xaf\x27\x1c" + bytes(100), Reason.NOT_A_ZIP),
    "zeros": (lambda: bytes(100_000), Reason.NOT_A_ZIP),
    "a hole at the end": (lambda: CLIP + bytes(70_000), Reason.ZIP_TRUNCATED),
    # what readers could take for different archives
    "bytes between directory and end": (
        lambda: CLIP[: end_at(CLIP)] + b"signature" + CLIP[end_at(CLIP) :],
        Reason.ZIP_CORRUPT_DIRECTORY,
    ),
    "two archives": (lambda: CLIP + CLIP, Reason.ZIP_AMBIGUOUS),
    "a second end record in the comment": (
        lambda: write_zip(members(), comment=write_zip([])),
        Reason.ZIP_AMBIGUOUS,
    ),
    "an end record that counts less": (lambda: write_zip(members(), count=13, here=13), Reason.ZIP_CORRUPT_DIRECTORY),
    "an end record that counts more": (lambda: write_zip(members(), count=15, here=15), Reason.ZIP_CORRUPT_DIRECTORY),
    "a split archive": (lambda: write_zip(members(), here=3), Reason.ZIP_SPLIT),
    "a last disk": (lambda: write_zip(members(), disk=1), Reason.ZIP_SPLIT),
    "a split zip64 archive": (lambda: write_zip(members(), zip64=True, here=3), Reason.ZIP_SPLIT),
    "a zip64 end that is elsewhere": (
        lambda: (z := write_zip(members(), zip64=True))[: end_at(z) - 12] + b"\7" * 8 + z[end_at(z) - 4 :],
        Reason.ZIP_AMBIGUOUS,
    ),
    "a zip64 end without signature": (
        lambda: write_zip(members(), zip64=True).replace(b"PK\6\6", b"PK\6\5"),
        Reason.ZIP_AMBIGUOUS,
    ),
    "a zip64 end that is contradicted": (
        lambda: (z := write_zip(members(), zip64=True))[: end_at(z) + 10] + b"\1\0" + z[end_at(z) + 12 :],
        Reason.ZIP_AMBIGUOUS,
    ),
    # sizes that lie
    "a directory beyond the end": (lambda: write_zip(members(), size=2**31), Reason.ZIP_TRUNCATED),
    "a directory that begins too late": (lambda: write_zip(members(), offset=2**31), Reason.ZIP_TRUNCATED),
    "a directory that begins too early": (lambda: write_zip(members(), offset=0), Reason.ZIP_OVERLAP),
    "a directory that is cut": (lambda: write_zip(members(), size=100), Reason.ZIP_CORRUPT_DIRECTORY),
    "a zip64 directory of exabytes": (
        lambda: write_zip(members(), zip64=True, size=2**62),
        Reason.ZIP_TRUNCATED,
    ),
    "a zip64 directory far away": (lambda: write_zip(members(), zip64=True, offset=2**63), Reason.ZIP_TRUNCATED),
    "more members than it counts": (
        lambda: write_zip([Raw(b"%d.txt" % n) for n in range(5_000)], count=3, here=3),
        Reason.ZIP_CORRUPT_DIRECTORY,
    ),
    # the directory
    "no directory entry": (lambda: CLIP.replace(b"PK\1\2", b"PK\1\1", 1), Reason.ZIP_CORRUPT_DIRECTORY),
    "a name that is no UTF-8": (lambda: with_note(name=b"\xff\xfe", flags=0x800), Reason.ZIP_CORRUPT_DIRECTORY),
    "a future version": (lambda: with_note(version=99), Reason.ZIP_UNSUPPORTED_METHOD),
    "a zip64 field without values": (
        lambda: with_note(size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=struct.pack("<HH", 1, 0)),
        Reason.ZIP_CORRUPT_DIRECTORY,
    ),
    "a directory entry that runs over": (
        lambda: (z := with_note(comment=b"c" * 40))[: end_at(z) - 62] + b"\x3c" + z[end_at(z) - 61 :],
        Reason.ZIP_CORRUPT_DIRECTORY,
    ),
    # names
    "a way out": (lambda: with_note(name=b"../note.txt"), Reason.ZIP_UNSAFE_NAME),
    "a way out in the middle": (lambda: with_note(name=b"a/../../note.txt"), Reason.ZIP_UNSAFE_NAME),
    "a way out of a folder": (lambda: with_note(name=b"a/.."), Reason.ZIP_UNSAFE_NAME),
    "an absolute name": (lambda: with_note(name=b"/etc/passwd"), Reason.ZIP_UNSAFE_NAME),
    "a network name": (lambda: with_note(name=b"//server/share"), Reason.ZIP_UNSAFE_NAME),
    "a drive": (lambda: with_note(name=b"C:/note.txt"), Reason.ZIP_UNSAFE_NAME),
    "a backslash": (lambda: with_note(name=b"..\\note.txt"), Reason.ZIP_UNSAFE_NAME),
    "a NUL": (lambda: with_note(name=b"note.txt\0.parquet"), Reason.ZIP_UNSAFE_NAME),
    "a NUL at the end of a layer": (lambda: with_note(name=b"x.lane.parquet\0"), Reason.ZIP_UNSAFE_NAME),
    "a line break": (lambda: with_note(name=b"a\nb"), Reason.ZIP_UNSAFE_NAME),
    "a terminal's escape": (lambda: with_note(name=b"\x1b[2J"), Reason.ZIP_UNSAFE_NAME),
    "no name": (lambda: with_note(name=b""), Reason.ZIP_UNSAFE_NAME),
    "a name twice": (lambda: write_zip([*members(), NOTE, NOTE]), Reason.ZIP_DUPLICATE_NAME),
    "a layer twice": (lambda: write_zip([*members(), members()[5]]), Reason.ZIP_DUPLICATE_NAME),
    "a name twice but for its case": (
        lambda: write_zip([*members(), NOTE, replace(NOTE, name=b"NOTE.txt")]),
        Reason.ZIP_DUPLICATE_NAME,
    ),
    "a name twice but for its accents": (
        lambda: write_zip([*members(), *(Raw(name.encode(), flags=0x800) for name in ("caf\u00e9", "cafe\u0301"))]),
        Reason.ZIP_DUPLICATE_NAME,
    ),
    # members that the directory alone condemns
    "a member on another disk": (
        lambda: (z := with_note())[: end_at(z) - 20] + b"\1" + z[end_at(z) - 19 :],
        Reason.ZIP_SPLIT,
    ),
    "an encrypted member": (lambda: with_note(flags=0x1), Reason.ZIP_ENCRYPTED),
    "a strongly encrypted member": (lambda: with_note(flags=0x40), Reason.ZIP_ENCRYPTED),
    "a masked directory": (lambda: with_note(flags=0x2000), Reason.ZIP_ENCRYPTED),
    "encryption in the local header only": (lambda: with_local(flags=0x1), Reason.ZIP_ENCRYPTED),
    "bzip2": (lambda: with_note(method=12, packed=bz2.compress(NOTE.data)), Reason.ZIP_UNSUPPORTED_METHOD),
    "lzma": (lambda: with_note(method=14, packed=lzma.compress(NOTE.data)), Reason.ZIP_UNSUPPORTED_METHOD),
    "zstd": (lambda: with_note(method=93, packed=b"\x28\xb5\x2f\xfd"), Reason.ZIP_UNSUPPORTED_METHOD),
    "deflate64": (lambda: with_note(method=9), Reason.ZIP_UNSUPPORTED_METHOD),
    "AES": (lambda: with_note(method=99), Reason.ZIP_UNSUPPORTED_METHOD),
    "no such method": (lambda: with_note(method=7777), Reason.ZIP_UNSUPPORTED_METHOD),
    "a symbolic link": (lambda: with_note(attributes=(stat.S_IFLNK | 0o777) << 16), Reason.ZIP_SYMLINK),
    "a device": (lambda: with_note(attributes=(stat.S_IFBLK | 0o600) << 16), Reason.ZIP_SYMLINK),
    "a pipe": (lambda: with_note(attributes=(stat.S_IFIFO | 0o600) << 16), Reason.ZIP_SYMLINK),
    "a bomb by its ratio": (lambda: with_note(data=bytes(RATIO_FLOOR_BYTES)), Reason.ZIP_BOMB),
    "a layer that is a bomb": (lambda: with_ego(data=bytes(RATIO_FLOOR_LAYER_BYTES + 1)), Reason.ZIP_BOMB),
    "many bombs": (
        lambda: write_zip([*members(), *(Raw(b"%d" % n, bytes(RATIO_FLOOR_BYTES // 8 + 1)) for n in range(9))]),
        Reason.ZIP_BOMB,
    ),
    "a bomb by what it says": (lambda: with_note(size=2**32 - 2), Reason.ZIP_BOMB),
    "a zip64 bomb": (lambda: with_note(size=2**40, zip64=True, local={"size": 2**32 - 1}), Reason.ZIP_BOMB),
    "a stored member of two sizes": (lambda: with_note(method=0, size=12), Reason.ZIP_CORRUPT_MEMBER),
    "a member beyond the directory": (lambda: with_note(packed_size=100_000), Reason.ZIP_OVERLAP),
    "a member that begins beyond the directory": (lambda: with_note(offset=2**31), Reason.ZIP_OVERLAP),
    "two members in the same bytes": (overlapping, Reason.ZIP_OVERLAP),
    "a member within another one": (nested_members, Reason.ZIP_OVERLAP),
    "a member that runs into the next": (lambda: with_ego(packed_size=5800), Reason.ZIP_OVERLAP),
    "local extra fields that push the data over": (
        lambda: with_local(name=EGO.encode()).replace(
            struct.pack("<2H", len(EGO), 0) + EGO.encode(), struct.pack("<2H", len(EGO), 900) + EGO.encode(), 1
        ),
        Reason.ZIP_OVERLAP,
    ),
    # members that are not what the directory says
    "no local header": (lambda: with_local(signature=b"PK\3\3"), Reason.ZIP_CORRUPT_MEMBER),
    "an offset into another member": (lambda: with_ego(offset=6000), Reason.ZIP_OVERLAP),
    "another local name": (lambda: with_local(name=EGO.replace("ego", "geo").encode()), Reason.ZIP_CORRUPT_MEMBER),
    "another local method": (lambda: with_local(method=0), Reason.ZIP_CORRUPT_MEMBER),
    "another local CRC": (lambda: with_local(crc=7), Reason.ZIP_CORRUPT_MEMBER),
    "another local size": (lambda: with_local(size=7), Reason.ZIP_CORRUPT_MEMBER),
    "another local packed size": (lambda: with_local(packed_size=7), Reason.ZIP_CORRUPT_MEMBER),
    "a wrong CRC": (lambda: with_ego(crc=7), Reason.ZIP_CORRUPT_MEMBER),
    "more data than it says": (lambda: with_ego(size=5000), Reason.ZIP_CORRUPT_MEMBER),
    "less data than it says": (lambda: with_ego(size=50_000), Reason.ZIP_CORRUPT_MEMBER),
    "less data, the CRC right": (
        lambda: with_ego(packed=deflated(clip_files()[EGO])[:-5]),
        Reason.ZIP_CORRUPT_MEMBER,
    ),
    "data that goes on behind its end": (
        lambda: with_ego(packed=deflated(clip_files()[EGO]) + b"hidden"),
        Reason.ZIP_CORRUPT_MEMBER,
    ),
    "data that is not deflated": (lambda: with_ego(packed=b"\xff" * 500), Reason.ZIP_CORRUPT_MEMBER),
    "an empty layer": (lambda: with_ego(data=b"", method=0), Reason.PARQUET_INVALID),
    "no compressed data at all": (lambda: with_ego(packed=b"", data=b""), Reason.ZIP_CORRUPT_MEMBER),
    # clips
    "no member": (lambda: write_zip([]), Reason.CLIPGT_MISSING_LAYER),
    "another kind of zip": (lambda: write_zip([NOTE]), Reason.CLIPGT_MISSING_LAYER),
    "no calibration": (lambda: write_zip(members()[1:]), Reason.CLIPGT_MISSING_LAYER),
    "a required layer that is a folder": (
        lambda: write_zip([*members()[1:], Raw(members()[0].name + b"/", method=0)]),
        Reason.CLIPGT_MISSING_LAYER,
    ),
    "a required layer of another ending": (
        lambda: write_zip(changed("egomotion", name=EGO.encode()[:-8] + b".csv")),
        Reason.CLIPGT_MISSING_LAYER,
    ),
    "a required layer under macOS's folder": (
        lambda: write_zip(changed("egomotion", name=b"__MACOSX/" + EGO.encode())),
        Reason.CLIPGT_MISSING_LAYER,
    ),
    "a second clip": (lambda: with_note(name=b"other.lane.parquet"), Reason.CLIPGT_MIXED_CLIPS),
    "a second clip's camera": (lambda: with_note(name=b"other.camera_rear.json"), Reason.CLIPGT_MIXED_CLIPS),
    "a required layer of a second clip": (
        lambda: write_zip(changed("egomotion", name=b"other.egomotion_estimate.parquet")),
        Reason.CLIPGT_MIXED_CLIPS,
    ),
    "bare and named layers": (lambda: with_note(name=b"pole.parquet"), Reason.CLIPGT_MIXED_CLIPS),
    "a second folder": (
        lambda: write_zip(changed("egomotion", name=b"clipgt/" + EGO.encode())),
        Reason.CLIPGT_MIXED_FOLDERS,
    ),
    "a folder of another name": (
        lambda: write_zip([replace(raw, name=b"data/" + raw.name) for raw in members()]),
        Reason.CLIPGT_WRONG_FOLDER,
    ),
    "a folder in the folder": (
        lambda: write_zip([replace(raw, name=b"clipgt/clipgt/" + raw.name) for raw in members()]),
        Reason.CLIPGT_WRONG_FOLDER,
    ),
}


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_zip(name: str, depth: Depth) -> None:
    make, reason = BROKEN[name]
    verdict = judge(make(), depth=depth)
    assert (verdict.content, verdict.code) == (Content.INVALID, reason), verdict.message
    assert verdict.message is not None
    assert verdict.message.isprintable()


UNCHECKED: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "too many members": (
        lambda: write_zip([Raw(b"%d" % n) for n in range(MAX_MEMBERS + 1)]), Reason.ZIP_TOO_MANY_MEMBERS,
    ),
    "more members than the count can say": (
        lambda: write_zip([Raw(b"%d" % n, method=0) for n in range(66_000)], count=464, here=464),
        Reason.ZIP_TOO_MANY_MEMBERS,
    ),
    "a count of exabytes": (
        lambda: write_zip(members(), zip64=True, count=2**62, here=2**62), Reason.ZIP_TOO_MANY_MEMBERS,
    ),
    "a large directory of few members": (
        lambda: write_zip([*members(), *(Raw(b"%d" % n, comment=bytes(65_535)) for n in range(70))]),
        Reason.ZIP_DIRECTORY_TOO_LARGE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", UNCHECKED)
def test_a_zip_beyond_the_limits_is_unchecked(name: str, depth: Depth) -> None:
    make, reason = UNCHECKED[name]
    verdict = judge(make(), depth=depth)
    assert (verdict.content, verdict.code, verdict.failure) == (Content.UNCHECKED, reason, None)


@pytest.mark.parametrize(
    ("layer", "reason"), [(True, Reason.CLIPGT_LAYERS_TOO_LARGE), (False, Reason.TOO_MUCH_TO_READ)]
)
def test_members_that_unpack_to_too_much_leave_the_clip_unchecked(layer: bool, reason: Reason) -> None:
    """The directory says so; whether it is true is not found out."""
    packed = 1_400_000
    if layer:
        large = write_zip(changed(".lane.parquet", packed=bytes(packed), size=199 * packed))
    else:
        large = write_zip([*members(), *(Raw(b"%d" % n, packed=bytes(packed), size=199 * packed) for n in range(2))])
    verdict = judge(large, depth=Depth.DEEP)
    assert (verdict.content, verdict.code) == (Content.UNCHECKED, reason)
    assert outcome(large, depth=Depth.STRUCTURE) is None


def test_only_deep_checks_read_the_other_layers() -> None:
    broken = write_zip(changed(".lane.parquet", crc=7))
    assert outcome(broken, depth=Depth.STRUCTURE) is None
    assert outcome(broken, depth=Depth.DEEP) is Reason.ZIP_CORRUPT_MEMBER


def test_deep_checks_read_every_other_file_too() -> None:
    for broken in (with_note(crc=7, name=b"x.unknown_layer.parquet"), write_zip(changed("camera_front", crc=7))):
        assert outcome(broken, depth=Depth.STRUCTURE) is None
        assert outcome(broken, depth=Depth.DEEP) is Reason.ZIP_CORRUPT_MEMBER


def files_in(folder: str) -> dict[str, bytes]:
    return {f"{folder}{name}": data for name, data in clip_files().items()}


def bare() -> dict[str, bytes]:
    return {name.removeprefix(f"{CLIP_ID}."): data for name, data in clip_files().items()}


class Pipe(BytesIO):
    """A file that cannot seek: zip writers then use data descriptors."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def piped() -> bytes:
    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in clip_files().items():
            archive.writestr(name, data)
    return out.getvalue()


def forced_zip64() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in clip_files().items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    return out.getvalue()


FINE: dict[str, Callable[[], bytes]] = {
    "as it is": lambda: CLIP,
    "written here": lambda: write_zip(members()),
    "stored": lambda: write_zip([replace(raw, method=0) for raw in members()]),
    "in another order": lambda: write_zip(members()[::-1]),
    "with a comment": lambda: write_zip(members(), comment=b"a clip"),
    "with the longest comment": lambda: write_zip(members(), comment=bytes(65_535)),
    "with a comment that has a signature": lambda: write_zip(members(), comment=b"PK\1\2PK\3\4"),
    "with a zip inside": lambda: write_zip([*members(), Raw(b"inner.zip", write_zip([NOTE]), method=0)]),
    "with zip64 records": lambda: write_zip([replace(raw, zip64=True) for raw in members()], zip64=True),
    "with zip64 records and a comment": lambda: write_zip(members(), zip64=True, comment=b"c"),
    "with local zip64 fields": forced_zip64,
    "with data descriptors": lambda: write_zip([replace(raw, descriptor=True) for raw in members()]),
    "with data descriptors, by zipfile": piped,
    "with a gap before the directory": lambda: write_zip(members(), gap=bytes(100)),
    "with extra fields": lambda: write_zip([replace(raw, extra=b"UT\4\0\0\0\0\0") for raw in members()]),
    "with local extra fields": lambda: write_zip([replace(raw, local={"extra": bytes(28)}) for raw in members()]),
    "with comments of members": lambda: write_zip([replace(raw, comment=b"layer") for raw in members()]),
    "with UTF-8 names": lambda: write_zip([*members(), Raw("note-\u00e9\u4e2d.txt".encode(), b"n", flags=0x800)]),
    "with cp437 names": lambda: write_zip([*members(), Raw(b"note-\x82.txt", b"n")]),
    "with its folder": lambda: write_zip([Raw(b"clipgt/", method=0), *members(files_in("clipgt/"))]),
    "in its own folder": lambda: write_zip(members(files_in(f"{CLIP_ID}/"))),
    "with what macOS adds": lambda: write_zip(
        [*members(), Raw(b"__MACOSX/._" + members()[0].name, b"x"), Raw(b".DS_Store", b"x")]
    ),
    "with other files": lambda: write_zip([*members(), Raw(b"video/front.mp4", b"x"), Raw(b"a.b.c.parquet", b"x")]),
    "bare": lambda: write_zip(members(bare())),
    "bare, below the zip's name": lambda: write_zip(members({f"clip/{name}": data for name, data in bare().items()})),
    "with MAX_MEMBERS members": lambda: write_zip(
        [*members(), *(Raw(b"%d" % n, method=0) for n in range(MAX_MEMBERS - len(members())))]
    ),
    "without any optional layer": lambda: write_zip([raw for raw in members() if b"_estimate" in raw.name]),
    "a clip id with dots": lambda: write_zip(
        members({name.replace(CLIP_ID, "run.7.a"): data for name, data in clip_files().items()})
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_an_odd_zip_that_is_fine(name: str) -> None:
    data = FINE[name]()
    facts = check(data, depth=Depth.DEEP)
    assert facts.clip_id == ("clip" if name.startswith("bare") else "run.7.a" if "dots" in name else CLIP_ID)
    assert facts.rows is not None
    assert facts.rows["egomotion_estimate"] == 601


def test_cut_anywhere_a_zip_is_truncated_or_none() -> None:
    boundaries = {offset + delta for offset in found(CLIP, b"PK") for delta in (-1, 0, 1, 4, 29, 30, 45, 46)}
    for length in sorted(boundaries | set(range(0, len(CLIP), 997))):
        if 0 <= length < len(CLIP):
            expected = {Reason.ZIP_TRUNCATED} if length >= 4 else {Reason.NOT_A_ZIP, Reason.EMPTY_FILE}
            assert outcome(CLIP[:length]) in expected, length


def test_every_header_field_that_matters_is_checked() -> None:
    """A flipped bit in a layer's headers is found, or it is in a field that says nothing about the content.

    Those are versions, most flags, times and attributes, and in the local header sizes that the directory has too.
    """
    local, entry = found(CLIP, b"PK\3\4")[5], found(CLIP, b"PK\1\2")[5]
    in_local, in_entry = {*range(4, 8), *range(10, 14)}, {*range(4, 10), *range(12, 16), *range(36, 42)}
    for start, length, indifferent in ((local, 30, in_local), (entry, 46, in_entry)):
        for offset in range(length):
            for bit in range(8):
                data = bytearray(CLIP)
                data[start + offset] ^= 1 << bit
                assert offset in indifferent or outcome(bytes(data)) is not None, (length, offset, bit)


def found(data: bytes, pattern: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(pattern, at)]
