"""Kinds of zips that the world makes, and what is right for each: verdict, code and notes."""

import ast
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import service.formats
from service.formats.check import Depth, check_clip
from service.formats.facts import Content
from service.formats.failures import Note, Reason
from tests.unit.formats.making import (
    CLIP,
    CLIP_ID,
    Raw,
    Sparse,
    changed,
    chunk,
    clip_files,
    element,
    judge,
    members,
    metadata,
    outcome,
    parquet,
    with_layer,
    write_zip,
)

EGO = f"{CLIP_ID}.egomotion_estimate.parquet".encode()
NOTE = Raw(b"note.txt", b"hello hello")
SYSTEM, TRAILER, PREFIX = Note.SYSTEM_FILES_IGNORED, Note.ZIP_TRAILER, Note.ZIP_PREFIX


def unicode_path(name: str, of: bytes) -> bytes:
    """Info-ZIP's Unicode Path field (APPNOTE 4.6.9)."""
    content = struct.pack("<BL", 1, zlib.crc32(of)) + name.encode()
    return struct.pack("<2H", 0x7075, len(content)) + content


def renamed(rename: Callable[[bytes], bytes], more: list[Raw] | None = None) -> bytes:
    return write_zip([*(more or []), *(replace(raw, name=rename(raw.name)) for raw in members())])


def with_note(**changes: object) -> bytes:
    return write_zip([*members(), replace(NOTE, **changes)])  # type: ignore[arg-type]


def beside(*names: bytes) -> bytes:
    """A clip with files that some system added."""
    return write_zip([*members(), *(Raw(name, b"\0\5\x16\7") for name in names)])


def extensible() -> bytes:
    """A zip64 end record with extensible data behind its fields."""
    data = write_zip(members(), zip64=True)
    at = data.rindex(b"PK\6\6")
    more = struct.pack("<HL", 0x7777, 4) + b"data"
    return data[: at + 4] + struct.pack("<Q", 44 + len(more)) + data[at + 12 : at + 56] + more + data[at + 56 :]


def sfx() -> bytes:
    """A program in front, as self-extracting archives have it; offsets are the archive's own."""
    return b"MZ" + bytes(500) + CLIP


FINE: dict[str, tuple[Callable[[], bytes], tuple[Note, ...]]] = {
    # Z1: names
    "a Unicode Path field": (
        lambda: with_note(name=b"caf_.txt", extra=unicode_path("caf\u00e9.txt", b"caf_.txt")), (Note.ZIP_UNICODE_PATH,),
    ),
    "a Unicode Path field of a clip id": (
        lambda: write_zip(
            replace(raw, name=raw.name.replace(CLIP_ID.encode(), b"caf_"),
                    extra=unicode_path(raw.name.decode().replace(CLIP_ID, "caf\u00e9"),
                                       raw.name.replace(CLIP_ID.encode(), b"caf_")))
            for raw in members()
        ),
        (Note.ZIP_UNICODE_PATH,),
    ),
    "a Unicode Path field that says the same": (lambda: with_note(extra=unicode_path("note.txt", b"note.txt")), ()),
    "a Unicode Path field of another name": (lambda: with_note(extra=unicode_path("x.txt", b"old.txt")), ()),
    "a Unicode Path field of a name in another code page": (
        lambda: with_note(name=b"\x1b$B\0.txt", extra=unicode_path("\u65e5.txt", b"\x1b$B\0.txt")),
        (Note.ZIP_UNICODE_PATH,),
    ),
    "a Unicode Path field of the future": (
        lambda: with_note(extra=struct.pack("<2HBL", 0x7075, 6, 2, zlib.crc32(b"note.txt")) + b"x"), (),
    ),
    "padding for an extra field": (lambda: with_note(extra=bytes(3)), ()),
    "an extra field that is longer than the others": (lambda: with_note(extra=b"UT\xff\0abc"), ()),
    "UTF-8 names without their flag": (lambda: with_note(name="caf\u00e9.txt".encode()), ()),
    # Z2: dots and folders
    "./ before every name": (lambda: renamed(lambda name: b"./" + name, [Raw(b"./", method=0)]), ()),
    "./ before the folder": (lambda: renamed(lambda name: b"./clipgt/./" + name, [Raw(b"./clipgt/", method=0)]), ()),
    "an entry for /": (lambda: write_zip([Raw(b"/", method=0), *members()]), ()),
    "doubled separators": (lambda: renamed(lambda name: b"clipgt//" + name), ()),
    "a folder twice": (lambda: renamed(lambda name: b"clipgt/" + name, [Raw(b"clipgt/", method=0)] * 2), ()),
    # Z3: behind the end
    "a newline behind": (lambda: CLIP + b"\n", (TRAILER,)),
    "a line end of Windows behind": (lambda: CLIP + b"\r\n", (TRAILER,)),
    "a block of zeros behind": (lambda: CLIP + bytes(10_240 - len(CLIP) % 10_240), (TRAILER,)),
    "60,000 zeros behind": (lambda: CLIP + bytes(60_000), (TRAILER,)),
    "something behind the comment": (lambda: write_zip(members(), comment=b"c", suffix=b"junk"), (TRAILER,)),
    "a comment that is cut": (lambda: write_zip(members(), comment=b"a comment")[:-4], (TRAILER,)),
    # Z4: in front
    "PK00 in front": (lambda: write_zip(members(), prefix=b"PK00"), (PREFIX,)),
    "a split marker in front": (lambda: write_zip(members(), prefix=b"PK\7\x08"), (PREFIX,)),
    "a split marker in front, not in the offsets": (lambda: b"PK\7\x08" + CLIP, (PREFIX,)),
    "a program in front": (sfx, (PREFIX,)),
    "a line in front, in the offsets": (lambda: write_zip(members(), prefix=b"#!/usr/bin/env python3\n"), (PREFIX,)),
    # Z5, Z6: what systems add
    "AppleDouble beside each file": (lambda: beside(*(b"._" + raw.name for raw in members())), (SYSTEM,)),
    "AppleDouble in a folder": (lambda: beside(b"__MACOSX/", b"__MACOSX/._" + EGO, b"__MACOSX/._clipgt"), (SYSTEM,)),
    "AppleDouble in the folder's folder": (
        lambda: renamed(lambda name: b"clipgt/" + name, [Raw(b"clipgt/__MACOSX/" + EGO, b"x")]), (SYSTEM,),
    ),
    "a folder's icon": (lambda: beside(b"Icon\r", b"._Icon\r"), (SYSTEM,)),
    "Windows' files": (lambda: beside(b"Thumbs.db", b"Desktop.ini", b"desktop.ini", b"a/THUMBS.DB"), (SYSTEM,)),
    ".DS_Store twice": (lambda: beside(b".DS_Store", b".DS_Store"), (SYSTEM,)),
    "AppleDouble packed by another method": (
        lambda: write_zip([*members(), Raw(b"._x", b"", method=12, packed=b"BZh")]), (SYSTEM,),
    ),
    # Z7: ratios
    "a log that packs 1000:1": (lambda: with_note(data=bytes(300_000)), ()),
    "a log of 20 MB that packs 1000:1": (lambda: with_note(data=bytes(20_000_000)), ()),
    "a file of one byte out of nothing said": (lambda: write_zip([*members(), Raw(b"e", b"", method=0)]), ()),
    # what looks like zip64
    "a locator's signature in the last comment": (lambda: with_note(comment=b"PK\6\7" + b"-" * 16), ()),
    "a folder that has a size": (lambda: with_note(name=b"c/", method=0, data=b"", size=1024), ()),
    # Z8: signatures in comments
    "a signature in the comment": (lambda: write_zip(members(), comment=b"ends with PK\5\6"), ()),
    "a signature and more in the comment": (lambda: write_zip(members(), comment=b"PK\5\6" + b"x" * 40), ()),
    "a signature in the comment, zeros behind": (
        lambda: write_zip(members(), comment=b"PK\5\6 in it", suffix=bytes(512)),
        (TRAILER,),
    ),
    "a signature in a member's comment": (
        lambda: write_zip([replace(members()[0], comment=b"PK\5\6" * 9), *members()[1:]]), (),
    ),
    "a stored zip as the last member": (
        lambda: write_zip([*members(), Raw(b"inner.zip", write_zip([NOTE]), method=0)]), (),
    ),
    # Z9
    "zip64 with extensible data": (extensible, ()),
    "zip64 records behind bytes": (lambda: b"PK00" + write_zip(members(), zip64=True), (PREFIX,)),
    # .NET
    "backslashes": (lambda: renamed(lambda name: b"clipgt\\" + name), (Note.ZIP_BACKSLASHES,)),
    "backslashes in a folder's name": (
        lambda: renamed(lambda name: b"clipgt\\" + name, [Raw(b"clipgt\\", method=0)]), (Note.ZIP_BACKSLASHES,),
    ),
    # headers of streams
    "sizes of 0 in the local headers": (
        lambda: write_zip(replace(raw, local={"crc": 0, "packed_size": 0, "size": 0}) for raw in members()), (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", FINE)
def test_a_zip_that_readers_read(name: str, depth: Depth) -> None:
    make, notes = FINE[name]
    verdict = judge(make(), depth=depth)
    assert (verdict.content, verdict.code) == (Content.VALID, None), verdict.message
    assert verdict.facts.notes == notes
    assert verdict.facts.rows is not None
    assert verdict.facts.rows["egomotion_estimate"] == 601


REFUSED: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "two archives": (lambda: CLIP + CLIP, Reason.ZIP_AMBIGUOUS),
    "an archive in the comment": (lambda: write_zip(members(), comment=write_zip([NOTE])), Reason.ZIP_AMBIGUOUS),
    "an end record in the comment that does not fit": (
        lambda: write_zip(members(), comment=write_zip([]) + b"x"), Reason.ZIP_AMBIGUOUS,
    ),
    "a layer renamed by its Unicode Path field": (
        lambda: write_zip(changed("egomotion", extra=unicode_path("note.txt", EGO))), Reason.ZIP_AMBIGUOUS,
    ),
    "a note that becomes a layer": (
        lambda: with_note(extra=unicode_path(f"{CLIP_ID}.pole.parquet", b"note.txt")), Reason.ZIP_AMBIGUOUS,
    ),
    "a layer behind a NUL that a Unicode Path field hides": (
        lambda: with_note(name=b"x.pole.parquet\0", extra=unicode_path("x.txt", b"x.pole.parquet\0")),
        Reason.ZIP_AMBIGUOUS,
    ),
    "a way out in a Unicode Path field": (
        lambda: with_note(extra=unicode_path("../../x", b"note.txt")), Reason.ZIP_UNSAFE_NAME,
    ),
    "a way out behind a Unicode Path field": (
        lambda: with_note(name=b"../x", extra=unicode_path("x", b"../x")), Reason.ZIP_UNSAFE_NAME,
    ),
    "a way out with backslashes": (lambda: with_note(name=b"a\\..\\..\\x"), Reason.ZIP_UNSAFE_NAME),
    "a share of Windows": (lambda: with_note(name=b"\\\\server\\share"), Reason.ZIP_UNSAFE_NAME),
    "a drive of Windows": (lambda: with_note(name=b"C:\\x"), Reason.ZIP_UNSAFE_NAME),
    "a way out to a system file": (lambda: beside(b"../Icon\r"), Reason.ZIP_UNSAFE_NAME),
    "an absolute system file": (lambda: beside(b"/.DS_Store"), Reason.ZIP_UNSAFE_NAME),
    "a control character that is no icon": (lambda: beside(b"Icon\r.txt"), Reason.ZIP_UNSAFE_NAME),
    "one name by two separators": (
        lambda: write_zip([*members(), Raw(b"a/b"), Raw(b"a\\b")]), Reason.ZIP_DUPLICATE_NAME,
    ),
    "one name by dots": (lambda: write_zip([*members(), Raw(b"a/b"), Raw(b"./a/b")]), Reason.ZIP_DUPLICATE_NAME),
    "gzip": (lambda: b"\x1f\x8b\x08" + CLIP[:-22], Reason.GZIP_ENCODED),
}  # fmt: skip


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", REFUSED)
def test_a_zip_that_readers_would_not_agree_on(name: str, depth: Depth) -> None:
    make, reason = REFUSED[name]
    verdict = judge(make(), depth=depth)
    assert (verdict.content, verdict.code) == (Content.INVALID, reason), verdict.message


@pytest.mark.parametrize("depth", list(Depth))
def test_finders_zip_above_4_gib_says_how_to_pack_again(depth: Depth) -> None:
    """Its offsets are modulo 4 GiB: the film in it was 5 GiB long."""
    film = 5 * 1024**3
    head = write_zip([Raw(b"film.mp4", b"", method=0)])[: 30 + len(b"film.mp4")]
    small = write_zip([replace(raw, method=0) for raw in members()])
    start = int.from_bytes(small[-6:-2], "little")
    shift = len(head) + film
    first = bytearray(write_zip([Raw(b"film.mp4", b"", method=0)])[len(head) : -22])
    first[20:28] = struct.pack("<2L", film % 2**32, film % 2**32)
    directory = bytearray(small[start:-22])
    at = 0
    while at < len(directory):
        offset = int.from_bytes(directory[at + 42 : at + 46], "little") + shift
        directory[at + 42 : at + 46] = struct.pack("<L", offset % 2**32)
        at += 46 + sum(struct.unpack_from("<3H", directory, at + 28))
    count = len(members()) + 1
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(first) + len(directory), (shift + start) % 2**32, 0
    )
    tail = bytes(first + directory) + end
    places = {0: head, shift: small[:start], shift + start: tail}
    source = Sparse(b"", length=shift + start + len(tail), places=places)
    verdict = check_clip("clip.zip", source, depth=depth)
    assert (verdict.content, verdict.code) == (Content.INVALID, Reason.ZIP_NEEDS_ZIP64)
    assert verdict.message is not None
    assert "ditto -c -k" in verdict.message
    assert len(source.ranges) == 1


# --- layers (A6, A7) -----------------------------------------------------------------------------------------------


def null_column(layer: bytes, *, leaves: int = 1) -> bytes:
    """A layer whose column has only leaves of the null type, without statistics."""
    nulls = [element(b"leaf") | {10: {11: {}}} for _ in range(leaves)]
    schema = [element(b"root", 1), element(layer, leaves), *nulls]
    groups = [{1: [chunk(layer, nulls=None)] * leaves, 2: 16, 3: 1}]
    return parquet(metadata([layer], schema=schema, groups=groups))


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("layer", ["egomotion_estimate", "calibration_estimate"])
def test_a_required_layer_of_nulls_is_invalid(layer: str, depth: Depth) -> None:
    for data in (
        null_column(layer.encode()),
        null_column(layer.encode(), leaves=3),
        parquet(metadata([layer.encode()], groups=[{1: [chunk(layer.encode(), nulls=1)], 2: 16, 3: 1}])),
    ):
        assert outcome(with_layer(layer, data), depth=depth) is Reason.PARQUET_EMPTY
    assert outcome(with_layer("obstacle", null_column(b"obstacle")), depth=depth) is None


def test_one_leaf_with_values_is_enough() -> None:
    layer = b"egomotion_estimate"
    leaves = [element(b"a") | {10: {11: {}}}, element(b"b")]
    schema = [element(b"root", 1), element(layer, 2), *leaves]
    data = parquet(metadata([layer], schema=schema, groups=[{1: [chunk(layer)] * 2, 2: 16, 3: 1}]))
    assert outcome(with_layer("egomotion_estimate", data)) is None


@pytest.mark.parametrize("name", [raw.name.decode() for raw in members()])
def test_deep_checks_find_a_flipped_bit_in_every_member(name: str) -> None:
    data = bytearray(CLIP)
    start = data.index(name.encode()) + len(name)
    data[start + 40] ^= 1
    assert outcome(bytes(data), depth=Depth.DEEP) is Reason.ZIP_CORRUPT_MEMBER


# --- the verdict does not depend on the Python version --------------------------------------------------------------


def test_no_check_leans_on_zipfile() -> None:
    """It reads names and extra fields otherwise from version to version."""
    for path in Path(service.formats.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = getattr(node, "module", None)
            assert "zipfile" not in [*names, module], path.name


@pytest.mark.parametrize("flags", [0, 0x800])
@pytest.mark.parametrize("name", ["note.txt", "other.txt", "caf\u00e9.txt"])
def test_a_name_is_read_by_both_rules_of_python(name: str, flags: int) -> None:
    """Up to 3.13 `zipfile` has the header's name, from 3.14 that of the field: neither changes the verdict."""
    data = with_note(flags=flags, extra=unicode_path(name, b"note.txt"))
    without = with_note(flags=flags)
    for depth in Depth:
        assert judge(data, depth=depth).content == judge(without, depth=depth).content == Content.VALID


def test_an_archive_of_64_mib_may_pack_400_times() -> None:
    """A large log compresses like this; an archive with a still higher ratio is refused."""
    for size, reason in ((64 * 1024**2 - 200_000, None), (64 * 1024**2, Reason.ZIP_BOMB)):
        data = write_zip([*members(), Raw(b"large.bin", packed=bytes(160_000), size=size)])
        assert outcome(data, depth=Depth.STRUCTURE) is reason


def test_the_fingerprint_is_of_normal_names() -> None:
    """Fingerprints are equal for equal files, whichever tool packed them."""
    plain = judge(renamed(lambda name: b"clipgt/" + name)).facts.fingerprint
    for separator in (b"./clipgt/", b"clipgt\\", b"clipgt//"):
        assert judge(renamed(lambda name, by=separator: by + name)).facts.fingerprint == plain  # type: ignore[misc]
    assert judge(beside(b".DS_Store")).facts.fingerprint == judge(write_zip(members(clip_files()))).facts.fingerprint
