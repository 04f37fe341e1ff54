"""Uploads of files to the project's inbox."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from lambdas.schemas.base import Body, Model
from service.domain.inbox import MAX_LINKS, MAX_UPLOAD_ID, MIN_PART_BYTES, PART_BYTES, UploadPlan, upload_plan
from service.domain.multipart import MAX_COPY_BYTES, MAX_OBJECT_BYTES, MAX_PARTS
from service.domain.uris import MAX_KEY_BYTES
from service.imports.intake.inbox import Begun, PartLinks, Uploaded
from service.ports.inbox import UploadLink

Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_KEY_BYTES,
        description="Key below `inbox/{project}/` of the drop bucket, such as `2026/a.zip`.",
        json_schema_extra={"pattern": r"^[^/\u0000-\u001f\u007f]([^\u0000-\u001f\u007f]*[^/\u0000-\u001f\u007f])?$"},
    ),
]
Size = Annotated[int, Field(ge=0, le=MAX_OBJECT_BYTES, description="Bytes of the file.")]
_GIVEN = {"not": {"type": "null"}}
_ONE_REQUEST_OR_PARTS: dict[str, Any] = {
    "not": {"required": ["part_bytes", "sha256"], "properties": {"part_bytes": _GIVEN, "sha256": _GIVEN}},
    "anyOf": [
        {"properties": {"size": {"minimum": 1}}},
        {"required": ["sha256"], "properties": {"sha256": {"type": "string"}}},
    ],
}
PartSize = Annotated[int, Field(ge=MIN_PART_BYTES, le=MAX_COPY_BYTES)]
Sha256 = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9+/]{43}=$")]
UploadId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_UPLOAD_ID, pattern="^[!-~]+$")]


class UploadBody(Body):
    model_config = ConfigDict(json_schema_extra=_ONE_REQUEST_OR_PARTS)

    key: Key
    size: Size
    sha256: Sha256 | None = Field(
        None, description="SHA-256 of the file, base64. With it, one request uploads the file, of at most 5 GiB."
    )
    part_bytes: PartSize | None = Field(
        None,
        description=f"Without `sha256`: bytes of each part but the last. Default: {PART_BYTES:,}, or more for files of "
        f"more than {MAX_PARTS:,} such parts.",
    )


class _OfUpload(Body):
    """A request about a multipart upload. Its values are those of the first request and its answer."""

    key: Key
    upload_id: UploadId
    size: Annotated[Size, Field(ge=1)]
    part_bytes: PartSize

    def plan(self, limit: int) -> UploadPlan:
        """Raises `InvalidRequest`, `UploadTooLarge`."""
        return upload_plan(self.size, self.part_bytes, limit=limit)


class PartBody(Body):
    number: Annotated[int, Field(ge=1, le=MAX_PARTS)]
    sha256: Sha256 = Field(description="SHA-256 of the part, base64.")


class UploadPartsBody(_OfUpload):
    parts: list[PartBody] = Field(min_length=1, max_length=MAX_LINKS)


class CompleteUploadBody(_OfUpload):
    checksum: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9+/]{43}=-[1-9][0-9]{0,4}$")] = Field(
        description="SHA-256 of the SHA-256s of all parts one after the other, base64, then `-` and their number."
    )


class AbortUploadBody(Body):
    key: Key
    upload_id: UploadId


class UploadLinkView(Model):
    url: str = Field(description="PUT the bytes to it, with the headers. It is a credential until it expires.")
    headers: dict[str, str]

    @classmethod
    def of(cls, link: UploadLink | None) -> "UploadLinkView | None":
        return cls(url=link.url, headers=link.headers) if link else None


class UploadView(Model):
    uri: str = Field(description="URI of the object, which is the clip's `source_uri` in the import that it starts.")
    started_at: str
    link: UploadLinkView | None = Field(description="Uploads the whole file. Null for a multipart upload.")
    expires_at: str | None = Field(description="Time until which `link` can be used.")
    upload_id: str | None = Field(description="Id of a multipart upload; else null.")
    part_bytes: int | None
    part_count: int | None

    @classmethod
    def of(cls, begun: Begun) -> "UploadView":
        plan = begun.plan
        return cls(
            uri=begun.uri,
            started_at=begun.started_at,
            link=UploadLinkView.of(begun.link),
            expires_at=begun.expires_at,
            upload_id=begun.upload_id,
            part_bytes=plan.part_bytes if plan else None,
            part_count=plan.count if plan else None,
        )


class PartLinkView(Model):
    number: int
    link: UploadLinkView | None = Field(description="Null where the part is there already, with this SHA-256.")


class PartLinksView(Model):
    parts: list[PartLinkView]
    expires_at: str

    @classmethod
    def of(cls, found: PartLinks) -> "PartLinksView":
        parts = [PartLinkView(number=part.number, link=UploadLinkView.of(part.link)) for part in found.parts]
        return cls(parts=parts, expires_at=found.expires_at)


class UploadedView(Model):
    uri: str
    etag: str

    @classmethod
    def of(cls, uploaded: Uploaded) -> "UploadedView":
        return cls(uri=uploaded.uri, etag=uploaded.etag)
