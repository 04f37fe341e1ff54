"""URIs of objects in all stores. Every mistake raises `InvalidUri` with a sentence."""

import re
from dataclasses import dataclass
from typing import Literal

from service.domain.errors import InvalidUri

MAX_KEY_BYTES = 1024  # S3 and Google Cloud Storage: names of objects, UTF-8 encoded

REPOSITORY_SLASHES = 2

Scheme = Literal["s3", "gs", "hf"]

_S3_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ACCESS_POINT = re.compile(
    r"arn:aws[a-z-]*:s3:[a-z]{2}[a-z0-9-]+:\d{12}:accesspoint/[a-z0-9][a-z0-9-]{1,48}[a-z0-9]", re.ASCII
)
_DIRECTORY_BUCKET = "--x-s3"
"""End of the names of directory buckets (S3 user guide, "Directory bucket naming rules")."""
_GCS_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_HF_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_HF_REVISION = re.compile(r"(?:[A-Za-z0-9._-]|%2[Ff]){1,255}")
"""A branch, a tag or a commit; a slash in it is written %2F."""
_MEMBER = re.compile(r"(?<=\.zip)!/", re.IGNORECASE)
"""Between a zip and the name of one of its members. The first one counts."""
_LINE_BREAK = re.compile(r"[\r\n]")


@dataclass(frozen=True)
class Location:
    """An object, or a prefix: all objects whose keys begin with `key`."""

    scheme: Scheme
    bucket: str
    """On Hugging Face `namespace/name` of a bucket, `datasets/namespace/name` or `models/namespace/name`, both perhaps
    with `@revision`; of S3 also an access point's ARN or alias.
    """
    key: str
    """Verbatim: `%`, `+`, `?` and spaces are characters of the key. Of a member of a zip `path/of.zip!/member`."""

    def __str__(self) -> str:
        of_bucket = self.scheme == "hf" and not self.is_repository
        return f"{self.scheme}://{'buckets/' if of_bucket else ''}{self.bucket}/{self.key}"

    @property
    def is_repository(self) -> bool:
        """Whether it is in a dataset or model of Hugging Face, which has revisions."""
        return self.scheme == "hf" and self.bucket.count("/") == REPOSITORY_SLASHES

    @property
    def container(self) -> str:
        """The bucket without a revision."""
        return self.bucket.partition("@")[0] if self.is_repository else self.bucket

    @property
    def revision(self) -> str | None:
        return self.bucket.partition("@")[2] or None if self.is_repository else None

    def at_commit(self, commit: str) -> "Location":
        """Return the same path in a commit of the dataset or model."""
        return Location(self.scheme, f"{self.container}@{commit}", self.key)

    @property
    def zip(self) -> "Location | None":
        """The zip whose member this is, or whose members begin so; None if it names no member."""
        found = _MEMBER.search(self.key)
        return self.at(self.key[: found.start()]) if found else None

    @property
    def member(self) -> str:
        """The name of the member in `zip`, or the beginning of names."""
        found = _MEMBER.search(self.key)
        return self.key[found.end() :] if found else ""

    def at(self, key: str) -> "Location":
        """Return the object with another key in the same bucket."""
        return Location(self.scheme, self.bucket, key)


def s3_at(bucket: str, key: str) -> Location:
    """Return an S3 object or prefix whose name is known to be valid."""
    return Location("s3", bucket, key)


def parse_object(uri: str) -> Location:
    """Parse `s3://bucket/key`, `gs://bucket/object`, `hf://buckets/namespace/name/path`, or with `datasets` or `models`
    `hf://datasets/namespace/name[@revision]/path`. A member of a zip follows `!/`: `s3://bucket/key.zip!/member`.
    Raises `InvalidUri`.
    """
    location = parse_prefix(uri)
    if not location.key:
        raise InvalidUri(f"{_shown(uri)} names a bucket but no object")
    if location.scheme == "gs" and location.key in (".", ".."):
        raise InvalidUri(f"{_shown(uri)}: Google Cloud Storage has no objects named . or ..")
    return location


def parse_prefix(uri: str) -> Location:
    """Like `parse_object`; the key may be empty or the beginning of keys."""
    scheme, separator, _ = uri.partition("://")
    if separator and scheme == "gs":
        return _google(uri)
    if separator and scheme == "hf":
        return _hugging_face(uri)
    if not separator or scheme != "s3":
        raise InvalidUri(f"{_shown(uri)} is not an s3://, gs:// or hf:// URI")
    return _s3(uri)


def is_bucket_name(text: str) -> bool:
    """Whether S3 allows the bucket name."""
    return _S3_BUCKET.fullmatch(text) is not None


def is_access_point(text: str) -> bool:
    """Whether it is the ARN of an access point of S3: `arn:aws:s3:region:account:accesspoint/name`."""
    return _ACCESS_POINT.fullmatch(text) is not None


def _s3(uri: str) -> Location:
    rest = uri.removeprefix("s3://")
    bucket, _, key = rest.partition("/")
    if bucket.startswith("arn:"):
        name, _, key = key.partition("/")
        bucket = f"{bucket}/{name}"
        if not is_access_point(bucket):
            known = "arn:aws:s3:region:account:accesspoint/name"
            raise InvalidUri(f"{_shown(uri)}: of ARNs, only those of S3 access points in one region are read: {known}")
    elif bucket.endswith(_DIRECTORY_BUCKET):
        instead = "copy its objects into a general purpose bucket, and import them from there"
        raise InvalidUri(f"{_shown(uri)}: directory buckets (S3 Express One Zone) are not supported; {instead}")
    elif not is_bucket_name(bucket):
        raise InvalidUri(f"{_shown(uri)}: {_shown(bucket)} is not an S3 bucket name")
    _check_key(uri, key, "S3")
    return s3_at(bucket, key)


def _google(uri: str) -> Location:
    bucket, _, key = uri.removeprefix("gs://").partition("/")
    labels = bucket.split(".")
    if not _GCS_BUCKET.fullmatch(bucket) or any(not 1 <= len(label) <= 63 for label in labels):
        raise InvalidUri(f"{_shown(uri)}: {_shown(bucket)} is not a Google Cloud Storage bucket name")
    _check_key(uri, key, "Google Cloud Storage")
    if _LINE_BREAK.search(key):
        raise InvalidUri(f"{_shown(uri)}: object names of Google Cloud Storage have no line breaks")
    return Location("gs", bucket, key)


def _hugging_face(uri: str) -> Location:
    kind, _, rest = uri.removeprefix("hf://").partition("/")
    if kind not in ("buckets", "datasets", "models"):
        known = "hf://buckets/namespace/name/path, hf://datasets/... or hf://models/..."
        raise InvalidUri(f"{_shown(uri)}: only buckets, datasets and models are read, as {known}")
    namespace, _, rest = rest.partition("/")
    name, _, key = rest.partition("/")
    revision = ""
    if kind != "buckets":
        name, at, revision = name.partition("@")
        if at and not _HF_REVISION.fullmatch(revision):
            raise InvalidUri(f"{_shown(uri)}: {_shown(revision)} is not a revision; write a slash in it as %2F")
    for part in (namespace, name):
        if not _HF_NAME.fullmatch(part) or ".." in part or "--" in part:
            raise InvalidUri(f"{_shown(uri)}: {_shown(part)} is not a name on Hugging Face (namespace/name)")
    _check_key(uri, key, "the destination in S3")
    if kind == "buckets":
        return Location("hf", f"{namespace}/{name}", key)
    return Location("hf", f"{kind}/{namespace}/{name}" + (f"@{revision}" if revision else ""), key)


def _check_key(uri: str, key: str, allowing: str) -> None:
    for part, what in zip(_MEMBER.split(key, 1), ("key", "member's name"), strict=False):
        try:
            size = len(part.encode())
        except UnicodeEncodeError as error:
            raise InvalidUri(f"{_shown(uri)} is not valid Unicode") from error
        if size > MAX_KEY_BYTES:
            raise InvalidUri(f"{_shown(uri)}: the {what} has {size:,} bytes, {allowing} allows {MAX_KEY_BYTES:,}")


def _shown(text: str) -> str:
    """Return the text quoted, safe for terminals and logs, at most 200 characters."""
    return ascii(text if len(text) <= 200 else text[:200] + "…")
