"""Destination keys in the clips bucket."""

import hashlib
import re
from urllib.parse import quote, urlsplit

from service.domain.uris import MAX_KEY_BYTES, Location

_NOT_IN_A_SEGMENT = re.compile(r"[/%\x00-\x1f\x7f]")


def destination_key(project: str, folder: str | None, at: Location, *, store: str | None = None) -> str:
    """Return the key of a source object's copy in the clips bucket: `project/folder/bucket/key`.

    The key depends on the arguments only, and no two sources share one: each argument but `at.key` is one path segment.
    `-` stands for "no folder". A key that is too long, or that has `.` or `..` segments, which some tools resolve,
    becomes `bucket~/SHA-256/name`; no bucket name has a `~`. `store` is a `store_segment`.
    """
    key, root = at.key, destination_root(project, folder, at, store=store)
    mirrored = f"{root}/{key}"
    segments = key.split("/")
    if len(mirrored.encode()) <= MAX_KEY_BYTES and not {".", ".."} & set(segments):
        return mirrored
    start = f"{root}~/{hashlib.sha256(key.encode()).hexdigest()}/"
    name = next((segment for segment in reversed(segments) if segment.strip(".")), "object")
    room = MAX_KEY_BYTES - len(start.encode())
    return start + name.encode()[-room:].decode(errors="ignore")


def destination_root(project: str, folder: str | None, at: Location, *, store: str | None = None) -> str:
    """Return the beginning of the destinations of a bucket's objects, before the `/` and the key.

    Buckets of different stores may share a name, so stores other than AWS's S3 get the segments `gs~bucket`,
    `hf~namespace~name` and `s3~host~bucket`.
    """
    names = [store, *at.bucket.split("/")] if store else at.bucket.split("/")
    own = at.scheme == "s3" and not store
    return f"{folder_root(project, folder)}/{'~'.join(names if own else [at.scheme, *names])}"


def store_segment(endpoint_url: str | None) -> str | None:
    """Return the part of a destination that names the endpoint: `host` or `host~port`; None for AWS's own."""
    if endpoint_url is None:
        return None
    parts = urlsplit(endpoint_url)
    host = (parts.hostname or "").replace(":", "_")  # IPv6
    return f"{host}~{parts.port}" if parts.port else host


def folder_root(project: str, folder: str | None) -> str:
    """Return the beginning of a folder's destinations, before the `/` and the name."""
    return f"{project}/{_folder_segment(folder)}"


def _folder_segment(folder: str | None) -> str:
    if folder is None:
        return "-"
    if folder.strip(".") == "" or folder == "-":
        return "".join(f"%{byte:02X}" for byte in folder.encode())
    return _NOT_IN_A_SEGMENT.sub(lambda match: quote(match[0], safe=""), folder)
