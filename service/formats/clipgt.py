"""A ClipGT zip: one clip's layers, `{clip_id}.{layer}.parquet`, and its cameras, `{clip_id}.camera_{name}.json`.

Source: NVIDIA cosmos-transfer2.5, docs/world_scenario_parquet.md. Names may be bare
(`{layer}.parquet`: the clip id is then the zip's own name). Members are at the root, below `<clip_id>/` or below
`clipgt/`. Other files are ignored.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from service.formats.archive import read_members
from service.formats.directory import Member
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason, shown
from service.formats.limits import MAX_RATIO, MAX_TOTAL_BYTES, MAX_UNPACKED_BYTES, RATIO_FLOOR_LAYER_BYTES
from service.formats.parquet import TAIL_BYTES, Footer, read_footer
from service.formats.reader import Reader, Reading
from service.formats.unpack import WINDOW_BYTES, Kept, unpack

REQUIRED = ("calibration_estimate", "egomotion_estimate")
KNOWN = {
    *REQUIRED, "obstacle", "lane", "lane_line", "road_boundary", "crosswalk", "pole", "road_marking", "wait_line",
    "traffic_light", "traffic_sign", "intersection_area", "road_island", "buffer_zone", "gore_area", "drivable_space",
    "association", "clip", "mads_trace",
}  # fmt: skip
ALWAYS_READ = ("egomotion_estimate", "calibration_estimate", "obstacle")
"""Layers that `structure` reads if they are close enough together, the most important first."""
SPAN_BYTES = 4 * 1024**2
"""`structure` makes one read after the directory's: it skips layers that are further apart than this."""
LARGE_SPAN_BYTES = 24 * 1024**2
"""Maximum for layers that are themselves large, if they are half of it."""
MAX_READS_OF_ZIP = 2
"""Maximum directory at `structure`: a longer one than the tail leaves no read for the layers."""
WHOLE_BYTES = 8 * 1024**2
"""`deep` reads an archive up to this size in one read."""

_FOLDER = "clipgt"
_CAMERA = "camera_"


@dataclass(frozen=True)
class Part:
    """A member that belongs to the clip by its name."""

    member: Member
    folder: str
    clip_id: str | None
    """None for a bare name."""
    layer: str
    """A known layer, or `camera_{name}`."""

    @property
    def is_camera(self) -> bool:
        return self.layer.startswith(_CAMERA)


@dataclass(frozen=True)
class Layout:
    clip_id: str
    members: Sequence[Member]
    """All files of the zip."""
    parts: Sequence[Part]
    layers: Mapping[str, Part]


def read_layout(key: str, reader: Reader, findings: Findings, *, everything: int = 0) -> Reading[Layout]:
    """Read the zip's directory and check that the required layers exist. Raises `ContentInvalid`."""
    members = yield from read_members(reader, findings, everything=everything)
    parts = [part for member in members if (part := _part(member))]
    layers = {part.layer: part for part in parts if not part.is_camera}
    for name in REQUIRED:
        if name not in layers:
            raise ContentInvalid(Reason.CLIPGT_MISSING_LAYER, f"the clip has no {name}.parquet")
    clip_id = _check_layout(parts) or PurePosixPath(key).stem
    _check_folder(parts[0], clip_id)
    return Layout(clip_id, members, parts, layers)


def read_layer(reader: Reader, part: Part) -> Reading[bytes]:
    """Return the whole layer. The caller has checked its size (`member.size`). Raises `ContentInvalid`."""
    kept = Kept()
    yield from unpack(reader, part.member, kept)
    return kept.data()


def check_clipgt(key: str, reader: Reader, findings: Findings, *, deep: bool) -> Reading[None]:
    """Collect the facts of a valid clip.

    Structure: one read for the directory and one for egomotion, calibration and obstacle. Deep: every member is
    unpacked, its CRC checked, and every layer's footer read. Raises `ContentInvalid` or `ContentUnchecked`.
    """
    layout = yield from read_layout(key, reader, findings, everything=WHOLE_BYTES if deep else 0)
    parts, layers = layout.parts, layout.layers
    rows: dict[str, int] = {}
    findings.values.update(
        clip_id=layout.clip_id,
        layers=tuple(sorted(layers)),
        rows=rows,
        cameras=tuple(sorted(part.layer.removeprefix(_CAMERA) for part in parts if part.is_camera)),
        fingerprint=fingerprint(layout.members),
    )
    of_member = {part.member.name: part for part in layers.values()}
    too_large = deep and _is_too_large(layout.members)
    members: Sequence[Member]
    if too_large:
        members, ahead = [part.member for part in parts], 0
    elif deep:
        members, ahead = layout.members, WINDOW_BYTES
    else:
        members, ahead = (yield from _within_one_read(reader, layers, findings)), 0
    for member in members:
        if part := of_member.get(member.name):
            rows[part.layer] = (yield from _check_layer(reader, part, ahead)).rows
        else:
            yield from unpack(reader, member, Kept(tail=0), ahead=ahead)
    if too_large:
        message = (
            f"its members take more than {MAX_TOTAL_BYTES - WHOLE_BYTES:,} bytes, or {MAX_UNPACKED_BYTES:,} unpacked:"
            " the layers and cameras are right, the other files were not read"
        )
        raise ContentUnchecked(Reason.TOO_MUCH_TO_READ, message)


def _is_too_large(members: Sequence[Member]) -> bool:
    packed, size = sum(member.packed_size for member in members), sum(member.size for member in members)
    return packed > MAX_TOTAL_BYTES - WHOLE_BYTES or size > MAX_UNPACKED_BYTES


def _within_one_read(reader: Reader, layers: Mapping[str, Part], findings: Findings) -> Reading[Sequence[Member]]:
    """Read the layers that are close enough together; return them with those that were read already."""
    wanted = [layers[name].member for name in ALWAYS_READ if name in layers]
    span = SPAN_BYTES if reader.reads < MAX_READS_OF_ZIP else 0
    chosen: list[Member] = []
    start = end = needed = 0
    for member in wanted:
        length = member.end - member.offset
        here = reader.has(member.offset, length)
        first, last = (min(start, member.offset), max(end, member.end)) if end else (member.offset, member.end)
        useful = 2 * (needed + length) >= last - first and last - first <= LARGE_SPAN_BYTES
        if not here and span and (last - first <= span or useful):
            start, end, needed = first, last, needed + length
        elif not here:
            findings.note(Note.LAYERS_UNREAD)
            continue
        chosen.append(member)
    if end:
        yield from reader.view(start, end - start)
    return chosen


def fingerprint(members: Sequence[Member]) -> str:
    """Return the SHA-256 over the sorted (name, CRC, size) of all files: it does not depend on the packing."""
    lines = sorted((member.name, member.crc, member.size) for member in members)
    text = "".join(f"{name}\0{crc:08x}\0{size}\n" for name, crc, size in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def _part(member: Member) -> Part | None:
    folder, _, base = member.name.rpartition("/")
    stem, _, extension = base.rpartition(".")
    clip_id, dot, layer = stem.rpartition(".")
    if extension == "parquet":
        known = layer in KNOWN
    else:
        known = extension == "json" and layer.startswith(_CAMERA) and layer != _CAMERA
    if not known or (dot and not clip_id):
        return None
    return Part(member, folder, clip_id if dot else None, layer)


def _check_layout(parts: Sequence[Part]) -> str | None:
    """Return the one clip id of all parts, None if all are bare."""
    first = parts[0]
    for part in parts:
        if part.clip_id != first.clip_id:
            ids = " and ".join("a bare name" if one is None else shown(one) for one in (first.clip_id, part.clip_id))
            message = f"belongs to another clip than {shown(first.member.name)}: {ids}"
            raise ContentInvalid(Reason.CLIPGT_MIXED_CLIPS, message, part=part.member.name)
        if part.folder != first.folder:
            message = f"lies in another folder than {shown(first.member.name)}"
            raise ContentInvalid(Reason.CLIPGT_MIXED_FOLDERS, message, part=part.member.name)
    return first.clip_id


def _check_folder(part: Part, clip_id: str) -> None:
    if part.folder not in ("", _FOLDER, clip_id):
        message = f"the clip's files must lie at the root, in {shown(clip_id)}/ or in {_FOLDER}/"
        raise ContentInvalid(Reason.CLIPGT_WRONG_FOLDER, message, part=part.member.name)


def _check_layer(reader: Reader, part: Part, ahead: int) -> Reading[Footer]:
    """Unpack the layer, keeping only its ends, and check its footer."""
    member, name = part.member, part.member.name
    if member.size > RATIO_FLOOR_LAYER_BYTES and member.size > MAX_RATIO * member.packed_size:
        message = f"{member.packed_size:,} bytes unpack to {member.size:,}, more than {MAX_RATIO} times as many"
        raise ContentInvalid(Reason.ZIP_BOMB, message, part=name)
    kept = Kept(tail=TAIL_BYTES)
    yield from unpack(reader, member, kept, ahead=ahead)
    footer = read_footer(name, head=kept.head, tail=kept.data(), size=member.size, work=reader.work)
    if part.layer not in footer.columns:
        columns = ", ".join(map(shown, footer.columns[:10])) or "none"
        message = f"the layer has no column named {part.layer} (its columns: {columns})"
        raise ContentInvalid(Reason.PARQUET_MISSING_COLUMN, message, part=name)
    if part.layer in REQUIRED and (footer.rows == 0 or footer.all_null(part.layer)):
        what = "only nulls" if footer.rows else "no rows"
        raise ContentInvalid(Reason.PARQUET_EMPTY, f"the layer has {what}, and a clip needs it", part=name)
    return footer
