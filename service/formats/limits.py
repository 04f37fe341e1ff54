"""Limits of one check: at most 2 s of CPU, 64 MiB of memory and 64 reads, for any file.

The check counts its work instead of measuring time, so that the result is the same on every machine.
"""

from dataclasses import dataclass

from service.formats.failures import ContentUnchecked, Reason

MAX_READS = 64
MAX_READS_STRUCTURE = 16
"""Reads of a fragmented film without an index; every other clip takes 1 to 4."""
MAX_READ_BYTES = 32 * 1024**2
"""Bytes of one read, since a hostile file must not decide our memory. 12 h at 30 frames a second: 21 MB."""
MAX_TOTAL_BYTES = 256 * 1024**2
"""Bytes of all reads. Only a deep check of a zip comes near it."""

MAX_MEMBERS = 20_000
"""A clip has about 30 members. 20,000 take 0.2 s and 10 MB."""
MAX_DIRECTORY_BYTES = 4 * 1024**2
"""20,000 members of 150-byte names."""
MAX_RATIO = 200
RATIO_FLOOR_BYTES = 64 * 1024**2
"""Unpacked size of an archive up to which its ratio does not matter: a log of 300 kB packs 1000:1."""
HOLLOW_RATIO, HOLLOW_FLOOR_BYTES = 1000, 32 * 1024**2
"""A larger member with this ratio repeats a single byte: deflate's maximum is 1032:1."""
RATIO_FLOOR_LAYER_BYTES = 8 * 1024**2
"""The same for a layer that is read."""
MAX_UNPACKED_BYTES = 256 * 1024**2
"""Unpacked bytes of all members of a check: about a second. The layers of a real clip take 20 to 100 kB."""

MAX_FOOTER_BYTES = 16 * 1024**2
MAX_FOOTER_VALUES = 2_000_000
"""Values in the footers of one clip. A usual layer has 600; 100 row groups by 15 columns 40,000."""
MAX_SCHEMA_ELEMENTS = 100_000
"""Columns and their parts, which are kept in memory. A usual layer has 20."""
MAX_NESTING = 24
"""Depth of structs and lists in a footer; a Parquet footer needs 8."""

MAX_MOOV_BYTES = 64 * 1024**2
MAX_BOXES = 100_000
"""Boxes parsed, at every level. A film has about 30 and 10 more a track, a fragment 6."""
MAX_ENTRIES = 20_000_000
"""Table entries, samples of runs, and chunks compared with `mdat` (each counts as 4). 12 h at 30 frames a second with
sound: 16 million."""
MAX_TABLE_ENTRIES = 4_000_000
"""Entries of one table, which is kept in memory."""
CHUNK_ENTRIES = 4


@dataclass
class Work:
    """The work of a check so far. Each method raises `ContentUnchecked` above its limit."""

    boxes: int = 0
    entries: int = 0
    unpacked: int = 0
    values: int = 0

    def add_boxes(self, count: int) -> None:
        self.boxes += count
        if self.boxes > MAX_BOXES:
            raise ContentUnchecked(Reason.MP4_TOO_MANY_BOXES, f"more than {MAX_BOXES:,} boxes")

    def add_entries(self, count: int) -> None:
        self.entries += count
        if self.entries > MAX_ENTRIES:
            raise ContentUnchecked(Reason.TOO_MUCH_TO_READ, f"more than {MAX_ENTRIES:,} table entries")

    def add_unpacked(self, count: int) -> None:
        self.unpacked += count
        if self.unpacked > MAX_UNPACKED_BYTES:
            message = f"the members to read unpack to more than {MAX_UNPACKED_BYTES:,} bytes"
            raise ContentUnchecked(Reason.CLIPGT_LAYERS_TOO_LARGE, message)
