"""Read a caller's manifest line by line in constant memory, from where the last round stopped."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from service.domain.errors import InvalidManifest
from service.domain.jobs import Source, SourceKind
from service.domain.uris import Location, s3_at
from service.imports.access.again import Again
from service.imports.access.reach import Reach, id_of
from service.imports.access.source_errors import source_errors
from service.imports.inputs.manifest_file import MAX_LINE, ManifestFile, decode_line, first_line, split_lines
from service.imports.inputs.manifest_lines import BadLine, Layout, Line, csv_layout, inventory, jsonl

MAX_INVENTORY = 5 * 1024**2
"""Maximum bytes of an inventory's manifest.json, which takes about 150 for each of its files."""
FORMATS = "a manifest's name ends in .jsonl, .ndjson or .csv (or these with .gz), or is an S3 Inventory's manifest.json"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where reading continues: a file of the manifest (an inventory has several) and a place in its text."""

    file: int = 0
    offset: int = 0
    """Bytes of unpacked text before the place."""
    line: int = 0
    """Lines before the place."""
    etag: str = ""
    """ETag of an inventory's file, once its first line was read."""

    def __str__(self) -> str:
        return f"{self.file} {self.offset} {self.line} {self.etag}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        if not text:
            return cls()
        file, offset, line, etag = text.split(" ", 3)
        return cls(file=int(file), offset=int(offset), line=int(line), etag=etag)


@dataclass(frozen=True)
class Read:
    """One line: a clip, or a problem."""

    uri: str
    """URI of the clip, or of the line if it is unreadable: `s3://bucket/manifest.csv#line=7`."""
    clip: Line | None
    problem: str = ""


@dataclass(frozen=True)
class LineChunk:
    lines: list[Read]
    after: Place
    more: bool
    """Whether more lines may follow."""


ONCE = Again(seconds=0)


def open_manifest(location: Location, reach: Reach, again: Again = ONCE) -> Source:
    """Pin the manifest as it is now, and check its first line.

    Raises one of `access.REFUSALS`, `InvalidManifest`, `CannotAccess`, `PreflightUnknown`, one of `SOURCE_UNFIT`,
    `SourceUnavailable`.
    """
    opener = reach.manifest_opener(location)

    def pinned() -> Source:
        found = reach.storage.stat(location, integration=id_of(opener))
        source = Source(
            kind=SourceKind.MANIFEST, uri=str(location), size=found.size, etag=found.etag, version=found.version
        )
        check_manifest(source, reach=reach)
        return source

    with source_errors():
        return again(pinned)


def check_manifest(source: Source, *, reach: Reach) -> None:
    """Check that the manifest begins like one of the formats.

    Raises `InvalidManifest`, one of `access.REFUSALS`, `ObjectError`s.
    """
    manifest = _Manifest(source, reach)
    if manifest.is_inventory:
        return
    first = manifest.first_line()
    if manifest.layout is jsonl:
        try:
            jsonl(first)
        except BadLine as error:
            raise InvalidManifest(f"{source.uri}: line 1: {error}") from error


def read_manifest(source: Source, after: Place, *, chunk_lines: int, reach: Reach) -> Iterator[LineChunk]:
    """Yield the lines after a place, up to `chunk_lines` at a time. Blank lines are skipped.

    Raises `InvalidManifest`, one of `access.REFUSALS` and `ObjectError`s; `SourceChanged` if the manifest is no longer
    the submitted one.
    """
    return _Manifest(source, reach).chunks(after, chunk_lines)


class _Manifest:
    """A submitted manifest: one file, or several of an inventory."""

    def __init__(self, source: Source, reach: Reach) -> None:
        assert source.size is not None
        assert source.etag is not None
        self._storage, self._reach = reach.storage, reach
        location = source.location
        opener = reach.manifest_opener(location)
        self._own = ManifestFile(location, source.size, source.etag, source.version, id_of(opener))
        name = self._own.uri.key.removesuffix(".gz")
        self.is_inventory = self._own.uri.key.rpartition("/")[2] == "manifest.json"
        self.header = False
        if self.is_inventory:
            schema, self._files = self._inventory()
            self.layout: Layout = inventory(schema)
        elif name.endswith((".jsonl", ".ndjson")):
            self.layout, self._files = jsonl, [self._own.uri]
        elif name.endswith(".csv"):
            self._files = [self._own.uri]
            self.layout, self.header = self._csv()
        else:
            raise InvalidManifest(f"{source.uri} has no known format: {FORMATS}")

    def first_line(self) -> str:
        """Return the first line. Raises `InvalidManifest` if it is empty, too long or not UTF-8."""
        line = first_line(self._own.blocks(self._storage, 0, block_bytes=2 * MAX_LINE))
        try:
            text = decode_line(line, first=True) if line is not None else None
        except UnicodeDecodeError:
            text = None
        if text is None:
            raise InvalidManifest(f"{self._own.uri}: line 1 is not UTF-8 text of at most {MAX_LINE:,} bytes")
        if not text.strip():
            raise InvalidManifest(f"{self._own.uri}: line 1 is empty")
        return text

    def _csv(self) -> tuple[Layout, bool]:
        try:
            return csv_layout(self.first_line())
        except InvalidManifest as error:
            raise InvalidManifest(f"{self._own.uri}: {error.message.removeprefix(f'{self._own.uri}: ')}") from error

    def _inventory(self) -> tuple[str, list[Location]]:
        """Return schema and files of a manifest.json (S3 user guide, "Locating your inventory list")."""
        if self._own.size > MAX_INVENTORY:
            raise InvalidManifest(f"{self._own.uri} has {self._own.size:,} bytes, the limit is {MAX_INVENTORY:,}")
        try:
            described = json.loads(b"".join(self._own.blocks(self._storage, 0)))
            if described["fileFormat"] != "CSV":
                raise InvalidManifest(
                    f"{self._own.uri} describes an inventory as {described['fileFormat']}, not as CSV"
                )
            bucket = str(described["destinationBucket"]).removeprefix("arn:aws:s3:::").rpartition(":")[2]
            files = [s3_at(bucket, str(file["key"])) for file in described["files"]]
            schema = str(described["fileSchema"])
        except (ValueError, RecursionError, TypeError, KeyError) as error:
            raise InvalidManifest(f"{self._own.uri} is not the manifest.json of an S3 Inventory: {error!r}") from error
        for file in files:
            self._reach.opener(file)
        return schema, files

    def _file(self, number: int, etag: str) -> ManifestFile:
        """Return a file as it is, or pinned to the ETag that it had when its first line was read."""
        uri = self._files[number]
        if uri == self._own.uri:
            return self._own
        integration = id_of(self._reach.opener(uri))
        found = self._storage.stat(uri, integration=integration)
        return ManifestFile(uri, found.size, etag or found.etag, None, integration)

    def chunks(self, after: Place, chunk_lines: int) -> Iterator[LineChunk]:
        for number in range(after.file, len(self._files)):
            place = after if number == after.file else Place(file=number)
            file = self._file(number, place.etag)
            last_file = number == len(self._files) - 1
            lines: list[Read] = []
            offset, count = place.offset, place.line
            for line, length in split_lines(file.blocks(self._storage, offset)):
                offset, count = offset + length, count + 1
                if count == 1 and self.header:
                    continue
                read = self._read(file.uri, count, line)
                if read:
                    lines.append(read)
                if count % chunk_lines == 0:
                    yield LineChunk(lines, Place(file=number, offset=offset, line=count, etag=file.etag), more=True)
                    lines = []
            end = Place(file=number, offset=offset, line=count, etag=file.etag)
            yield LineChunk(lines, end if last_file else Place(file=number + 1), more=not last_file)

    def _read(self, uri: Location, number: int, line: bytes | None) -> Read | None:
        failed = partial(Read, f"{uri}#line={number}", None)
        if line is None:
            return failed(f"line {number} has more than {MAX_LINE:,} bytes")
        try:
            text = decode_line(line, first=number == 1)
            if not text.strip():
                return None
            clip = self.layout(text)
        except UnicodeDecodeError:
            return failed(f"line {number} is not UTF-8")
        except BadLine as error:
            return failed(f"line {number}: {error}")
        return Read(str(clip.location), clip) if clip else None
