"""A ClipGT zip: one clip's layers, `{clip_id}.{layer}.parquet`, and its cameras, `{clip_id}.camera_{name}.json`.

Source: NVIDIA cosmos-transfer2.5, docs/world_scenario_parquet.md. Names may be bare
(`{layer}.parquet`: the clip id is then the zip's own name); members lie at the root, below `<clip_id>/` or below
`clipgt/`. Other files, and what macOS adds (`__MACOSX/`), may be there and count for nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from service.formats.archive import Member, read_members
from service.formats.facts import ClipFacts
from service.formats.failures import ContentInvalid, Reason, shown
from service.formats.parquet import TAIL_BYTES, Footer, read_footer
from service.formats.reader import Reader
from service.formats.unpack import unpack

REQUIRED = ("calibration_estimate", "egomotion_estimate")
KNOWN = {
    *REQUIRED, "obstacle", "lane", "lane_line", "road_boundary", "crosswalk", "pole", "road_marking", "wait_line",
    "traffic_light", "traffic_sign", "intersection_area", "road_island", "buffer_zone", "gore_area", "drivable_space",
    "association", "clip", "mads_trace",
}  # fmt: skip
ALWAYS_READ = (*REQUIRED, "obstacle")
MAX_LAYER_BYTES = 256 * 1024**2
"""Of all layers that a check unpacks: about two seconds of work. Those of the real clips take 20 to 100 kB."""

_FOLDER = "clipgt"
_IGNORED_FOLDER = "__MACOSX"
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


def read_layout(key: str, reader: Reader) -> Layout:
    """What the zip's directory says of the clip, the layers that it must have included. Raises `ContentInvalid`."""
    members = read_members(reader)
    parts = [part for member in members if (part := _part(member))]
    layers = {part.layer: part for part in parts if not part.is_camera}
    for name in REQUIRED:
        if name not in layers:
            raise ContentInvalid(Reason.CLIPGT_MISSING_LAYER, f"the clip has no {name}.parquet")
    clip_id = _check_layout(parts) or PurePosixPath(key).stem
    _check_folder(parts[0], clip_id)
    return Layout(clip_id, members, parts, layers)


def read_layer(reader: Reader, part: Part) -> bytes:
    """The whole layer, whose size the caller has judged (`member.info.file_size`). Raises `ContentInvalid`."""
    return b"".join(unpack(reader, part.member))


def check_clipgt(key: str, reader: Reader, *, deep: bool) -> ClipFacts:
    """Facts of a valid clip; `deep` reads all known layers and not only egomotion, calibration and obstacle.

    One read for the directory and one for each layer, none for layers within the last 64 KiB. Raises `ContentInvalid`.
    """
    layout = read_layout(key, reader)
    parts, layers = layout.parts, layout.layers
    to_read = [part for part in layers.values() if deep or part.layer in ALWAYS_READ]
    unpacked = sum(part.member.info.file_size for part in to_read)
    if unpacked > MAX_LAYER_BYTES:
        message = f"the layers to read unpack to {unpacked} bytes, at most {MAX_LAYER_BYTES} are allowed"
        raise ContentInvalid(Reason.CLIPGT_LAYERS_TOO_LARGE, message)
    rows = {part.layer: _check_layer(reader, part).rows for part in to_read}
    return ClipFacts(
        format="clipgt",
        clip_id=layout.clip_id,
        layers=tuple(sorted(layers)),
        rows=dict(sorted(rows.items())),
        cameras=tuple(sorted(part.layer.removeprefix(_CAMERA) for part in parts if part.is_camera)),
        fingerprint=fingerprint(layout.members),
    )


def fingerprint(members: Sequence[Member]) -> str:
    """SHA-256 over the sorted (name, CRC, size) of all files: the same for the same content packed in another way."""
    lines = sorted((member.name, member.info.CRC, member.info.file_size) for member in members)
    text = "".join(f"{name}\0{crc:08x}\0{size}\n" for name, crc, size in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def _part(member: Member) -> Part | None:
    path = PurePosixPath(member.name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    if path.suffix not in (".parquet", ".json") or path.parts[0] == _IGNORED_FOLDER:
        return None
    clip_id, dot, layer = path.stem.rpartition(".")
    known = layer in KNOWN if path.suffix == ".parquet" else layer.startswith(_CAMERA) and layer != _CAMERA
    if not known or (dot and not clip_id):
        return None
    return Part(member, folder, clip_id if dot else None, layer)


def _check_layout(parts: Sequence[Part]) -> str | None:
    """The one clip id of all parts, None where all are bare."""
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


def _check_layer(reader: Reader, part: Part) -> Footer:
    """Unpack the layer, keeping no more than its ends, and check what its footer says."""
    name, required = part.member.name, part.layer in REQUIRED
    head, tail = b"", bytearray()
    for piece in unpack(reader, part.member):
        head += piece[: 4 - len(head)]
        tail += piece
        if len(tail) > 2 * TAIL_BYTES:
            del tail[:-TAIL_BYTES]
    footer = read_footer(name, head=head, tail=bytes(tail[-TAIL_BYTES:]), size=part.member.info.file_size)
    if part.layer not in footer.columns:
        columns = ", ".join(map(shown, footer.columns[:10])) or "none"
        message = f"the layer has no column named {part.layer} (its columns: {columns})"
        raise ContentInvalid(Reason.PARQUET_MISSING_COLUMN, message, part=name)
    if required and (footer.rows == 0 or part.layer in footer.all_null):
        what = "only nulls" if footer.rows else "no rows"
        raise ContentInvalid(Reason.PARQUET_EMPTY, f"the layer has {what}, and a clip needs it", part=name)
    return footer
