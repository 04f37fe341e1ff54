"""Every file of the data set, at both depths, with what must be found and how many reads that takes."""

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from service.formats.check import Depth, check_clip
from service.formats.facts import ClipFacts, Content, Verdict
from service.formats.failures import Reason, UnknownFormat
from tests.unit.formats.making import CLIP, CLIP_ID, CLIPS, DATA, FILM, FILMS, Source, check, clip_files, judge

depths = pytest.mark.parametrize("depth", list(Depth))

MAP = {"crosswalk", "intersection_area", "lane", "lane_line", "road_boundary", "traffic_light", "traffic_sign"}
LAYERS = tuple(sorted({*MAP, "calibration_estimate", "egomotion_estimate", "obstacle", "wait_line"}))
CAMERAS = ("cross_left_120fov", "cross_right_120fov", "front_wide_120fov")

BAD = {
    "clipgt_bad/bomb.zip": (Reason.ZIP_BOMB, "z.bin"),
    "clipgt_bad/empty.zip": (Reason.EMPTY_FILE, None),
    "clipgt_bad/encrypted.zip": (Reason.ZIP_ENCRYPTED, f"{CLIP_ID}.calibration_estimate.parquet"),
    "clipgt_bad/html.zip": (Reason.NOT_A_ZIP, None),
    "clipgt_bad/missing_ego.zip": (Reason.CLIPGT_MISSING_LAYER, None),
    "clipgt_bad/mixed.zip": (Reason.CLIPGT_MIXED_CLIPS, "other.wait_line.parquet"),
    "clipgt_bad/notparquet.zip": (Reason.PARQUET_INVALID, f"{CLIP_ID}.egomotion_estimate.parquet"),
    "clipgt_bad/truncated.zip": (Reason.ZIP_TRUNCATED, None),
    "video_bad/audio_only.mp4": (Reason.MP4_NO_VIDEO, "moov"),
    "video_bad/empty.mp4": (Reason.EMPTY_FILE, None),
    "video_bad/html.mp4": (Reason.NOT_AN_MP4, None),
}


def valid(verdict: Verdict) -> ClipFacts:
    assert (verdict.content, verdict.finding) == (Content.VALID, None)
    assert verdict.facts.notes == ()
    return verdict.facts


def test_no_file_of_the_data_set_is_left_out() -> None:
    files = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()}
    good = {path.relative_to(DATA).as_posix() for path in [*CLIPS, *FILMS]}
    variants = {f"clipgt_ok_variants/{name}.zip" for name in ("al_cosmos", "ok_bare", "ok_nested")}
    theirs = ("clipgt/", "clipgt_bad/", "clipgt_ok_variants/", "video/", "video_bad/")
    assert {file for file in files if file.startswith(theirs)} == good | variants | BAD.keys()


@depths
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_a_clip(path: Path, depth: Depth) -> None:
    source = Source(path.read_bytes())
    facts = valid(check_clip(f"drives/{path.name}", source, depth=depth))
    assert (facts.format, facts.clip_id, facts.layers, facts.cameras) == ("clipgt", path.stem, LAYERS, CAMERAS)
    assert facts.rows is not None
    assert set(facts.rows) == ({*LAYERS} if depth is Depth.DEEP else {LAYERS[0], "egomotion_estimate", "obstacle"})
    assert facts.rows["egomotion_estimate"] > 300
    assert facts.rows["calibration_estimate"] == 1
    assert [facts.duration_s, facts.codec, facts.tracks, facts.fragmented] == [None] * 4
    assert len(source.ranges) == 1


def test_the_fingerprint_is_of_names_sizes_and_crcs() -> None:
    with zipfile.ZipFile(BytesIO(CLIP)) as archive:
        lines = sorted((info.filename, info.CRC, info.file_size) for info in archive.infolist())
    expected = hashlib.sha256("".join(f"{name}\0{crc:08x}\0{size}\n" for name, crc, size in lines).encode()).hexdigest()
    assert check(CLIP).fingerprint == expected
    assert len({check(path.read_bytes()).fingerprint for path in CLIPS}) == len(CLIPS)


def test_the_fingerprint_does_not_depend_on_the_packing() -> None:
    again = BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as archive:
        for name, data in reversed(clip_files().items()):
            archive.writestr(name, data)
    assert check(again.getvalue()).fingerprint == check(CLIP).fingerprint


@depths
@pytest.mark.parametrize(
    ("name", "clip_id", "cameras", "rows"),
    [("al_cosmos", "ll2-cross", (), 1), ("ok_bare", "ok_bare", (), 601), ("ok_nested", CLIP_ID, CAMERAS, 601)],
)
def test_other_ways_to_lay_a_clip_out(
    name: str, clip_id: str, cameras: tuple[str, ...], rows: int, depth: Depth
) -> None:
    source = Source((DATA / f"clipgt_ok_variants/{name}.zip").read_bytes())
    facts = valid(check_clip(f"{name}.zip", source, depth=depth))
    assert (facts.clip_id, facts.cameras) == (clip_id, cameras)
    assert facts.rows is not None
    assert facts.rows["egomotion_estimate"] == rows
    assert len(source.ranges) == 1


@depths
@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.relative_to(DATA).as_posix())
def test_a_film(path: Path, depth: Depth) -> None:
    source = Source(path.read_bytes())
    facts = valid(check_clip(f"views/{path.name}", source, depth=depth))
    assert (facts.format, facts.duration_s, facts.width, facts.height, facts.codec) == ("mp4", 2.0, 320, 180, "avc1")
    assert facts.fragmented is (path.stem == "fragmented")
    assert facts.tracks == ("vide",)
    assert [facts.clip_id, facts.layers, facts.rows, facts.cameras, facts.fingerprint] == [None] * 5
    assert len(source.ranges) == 1


@depths
@pytest.mark.parametrize("name", BAD)
def test_a_broken_file(name: str, depth: Depth) -> None:
    reason, part = BAD[name]
    source = Source((DATA / name).read_bytes())
    verdict = check_clip(name, source, depth=depth)
    assert (verdict.content, verdict.code) == (Content.INVALID, reason)
    assert verdict.failure is not None
    assert (verdict.failure.code, verdict.failure.part) == ("CONTENT_INVALID", part)
    assert part is None or part in verdict.failure.message
    assert len(source.ranges) == (0 if reason is Reason.EMPTY_FILE else 1)


def test_an_object_known_to_be_empty_is_not_read() -> None:
    for key in ("a.zip", "a.mp4"):
        source = Source(b"")
        verdict = check_clip(key, source, depth=Depth.STRUCTURE)
        assert verdict.code == Reason.EMPTY_FILE
        assert (verdict.reads, source.ranges) == (0, [])


@pytest.mark.parametrize("key", ["a/CLIP.ZIP", "clip.zip", "front.MP4", "front.mp4", "front.Mp4"])
def test_the_extension_says_the_format_in_any_case(key: str) -> None:
    is_film = key.lower().endswith("mp4")
    verdict = check_clip(key, Source(FILM if is_film else CLIP), depth=Depth.DEEP)
    assert verdict.content == Content.VALID
    assert verdict.facts.format == ("mp4" if is_film else "clipgt")


@pytest.mark.parametrize("key", ["front.mov", "clip.zip.txt", "clip", "a.zip/readme", "", ".zip"])
def test_other_extensions_are_the_callers_to_decide(key: str) -> None:
    source = Source(CLIP)
    with pytest.raises(UnknownFormat) as caught:
        check_clip(key, source, depth=Depth.STRUCTURE)
    assert caught.value.code == "UNKNOWN_FORMAT"
    assert source.ranges == []


def test_the_content_must_be_what_the_extension_says() -> None:
    film, clip = judge(CLIP, "front.mp4"), judge(FILM, "clip.zip")
    assert (film.code, clip.code) == (Reason.NOT_AN_MP4, Reason.NOT_A_ZIP)
