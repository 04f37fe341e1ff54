"""Where the Hub keeps the files of buckets, datasets and models: URLs, properties, and what pins their content."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, unquote

from service.domain.uris import Location
from service.sources.http import etag_of, key_of, size_of
from service.sources.port import Pin, SourceObject
from service.support.clock import timestamp


class HubFiles(Protocol):
    """The files of a bucket, or of a dataset or model at one commit. URLs begin with a slash."""

    def tree(self, prefix: str) -> str:
        """Return the URL that lists all files below a prefix, and perhaps more."""
        ...

    @property
    def info(self) -> str:
        """Return the URL that tells the properties of paths."""
        ...

    def resolve(self, key: str) -> str:
        """Return the URL of a file's bytes, which redirects."""
        ...

    def object(self, item: Mapping[str, Any]) -> SourceObject:
        """Parse a file's properties. Raises what `reading` catches."""
        ...

    def named(self, headers: Mapping[str, str], pin: Pin) -> bool | None:
        """Whether the Hub's answer names the pinned content; None if it names none."""
        ...


@dataclass(frozen=True)
class BucketFiles:
    name: str

    def tree(self, prefix: str) -> str:
        within = f"/{quote(prefix, safe='')}" if prefix else ""
        return f"/api/buckets/{self.name}/tree{within}?recursive=true"

    @property
    def info(self) -> str:
        return f"/api/buckets/{self.name}/paths-info"

    def resolve(self, key: str) -> str:
        return f"/buckets/{self.name}/resolve/{quote(key, safe='')}"

    def object(self, item: Mapping[str, Any]) -> SourceObject:
        changed = item.get("uploadedAt") or item.get("mtime")
        return SourceObject(
            key=key_of(item["path"]),
            size=size_of(item["size"]),
            etag=etag_of(item["xetHash"]),
            modified=timestamp(datetime.fromisoformat(changed)) if changed else None,
        )

    def named(self, headers: Mapping[str, str], pin: Pin) -> bool | None:
        found = headers.get("X-Xet-Hash")
        return None if found is None else found == pin.etag


@dataclass(frozen=True)
class RepoFiles:
    """A dataset or model at a commit. The commit is the version of its files, and pins their content."""

    repository: str
    """`datasets/namespace/name` or `models/namespace/name`."""
    commit: str
    changed: str | None = None
    """Time of the last commit. No file changed later, so it stands for the time of each."""

    def tree(self, prefix: str) -> str:
        folder = prefix.rpartition("/")[0]
        within = f"/{quote(folder)}" if folder else ""
        return f"/api/{self.repository}/tree/{self.commit}{within}?recursive=true"

    @property
    def info(self) -> str:
        return f"/api/{self.repository}/paths-info/{self.commit}"

    def resolve(self, key: str) -> str:
        return f"/{self.repository.removeprefix('models/')}/resolve/{self.commit}/{quote(key)}"

    def object(self, item: Mapping[str, Any]) -> SourceObject:
        """The ETag is the SHA-256 of a large file (LFS, Xet), which the copy is checked by; else git's hash."""
        large = item.get("lfs")
        digest = etag_of(large["oid"]).removeprefix("sha256:") if large else None
        checksum = {"SHA256": base64.b64encode(bytes.fromhex(digest)).decode()} if digest else {}
        return SourceObject(
            key=key_of(item["path"]),
            size=size_of(large["size"] if large else item["size"]),
            etag=digest or etag_of(item["oid"]),
            version=self.commit,
            modified=self.changed,
            checksums=checksum,
        )

    def named(self, headers: Mapping[str, str], pin: Pin) -> bool | None:
        commit, linked = headers.get("X-Repo-Commit"), headers.get("X-Linked-ETag", "").strip('"')
        if commit is None:
            return None
        return commit == pin.version and linked in ("", pin.etag)


def revision_url(location: Location) -> str:
    """Return the URL that names the commit of a location's revision (`main` if it has none)."""
    revision = quote(unquote(location.revision or "main"), safe="")
    return f"/api/{location.container}/revision/{revision}"
