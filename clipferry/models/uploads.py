"""Uploads of files to the project's inbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class UploadLink(Model):
    """A request that S3 takes without a key until the link expires."""

    url: str = field(repr=False)
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Upload(Model):
    """An upload that has begun: `link` takes the whole file, or `upload_id` stands for one in parts."""

    uri: str
    """The object's URI, which is the clip's `source_uri` in the import that it starts."""
    started_at: str
    link: UploadLink | None = None
    upload_id: str | None = None
    part_bytes: int | None = None
    part_count: int | None = None
    expires_at: str | None = None
    """Until when `link` works."""


@dataclass(frozen=True, kw_only=True)
class PartLink(Model):
    number: int
    link: UploadLink | None = None
    """None where the part is there already."""


@dataclass(frozen=True, kw_only=True)
class PartLinks(Model):
    parts: tuple[PartLink, ...]
    expires_at: str | None = None
    """Until when the links work."""


@dataclass(frozen=True, kw_only=True)
class Uploaded(Model):
    """An object that was uploaded."""

    uri: str
    etag: str
