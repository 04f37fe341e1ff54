"""The API's requests and answers. These models validate, and `/openapi.json` is made from them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.imports.preview import Preview
from service.paging import Page
from service.planning import PROJECT_NAME
from service.schema import ApiKey, Clip, ClipStatus, ImportRequest, Job, JobStatus, SourceKind, Trigger

MAX_LABELS = 50

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Body(BaseModel):
    """A request body: JSON types as they are, nothing converted, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ImportBody(Body):
    """Exactly one of `exact_paths` and `root_path`."""

    exact_paths: list[str] | None = Field(None, description="`s3://bucket/key` URIs, one clip each, in this order.")
    root_path: str | None = Field(None, description="`s3://bucket/prefix`: every object whose key begins so.")
    folder: Annotated[Name, Field(max_length=64)] | None = Field(None, description="Folder the clips land in.")
    labels: list[Label] = Field([], max_length=MAX_LABELS)
    run_name_prefix: Name | None = Field(None, description="Put before each clip's name to make its run name.")
    test_run_group_name: Name | None = Field(None, description="Generated where it is absent.")
    validate_: bool = Field(
        True, alias="validate", description="List `root_path` before the job is created. No effect on `exact_paths`."
    )
    idempotency_key: Name | None = Field(
        None, description="The same key and request give the same job. The header `Idempotency-Key` does the same."
    )

    def to_request(self, *, idempotency_key: str | None) -> ImportRequest:
        return ImportRequest(
            exact_paths=tuple(self.exact_paths) if self.exact_paths is not None else None,
            root_path=self.root_path,
            folder=self.folder,
            labels=tuple(self.labels),
            run_name_prefix=self.run_name_prefix,
            test_run_group_name=self.test_run_group_name,
            validate=self.validate_,
            idempotency_key=idempotency_key,
        )


class SourceView(BaseModel):
    kind: SourceKind
    uri: str | None = Field(description="The prefix, or the drop bucket of a job that uploads started.")
    count: int | None = Field(description="How many URIs a list has.")


class CountsView(BaseModel):
    """`pending + copied + skipped + failed + cancelled = total`, always. `total` is 0 until planning ends."""

    total: int
    pending: int
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int = Field(description="Size of the copied clips.")


class ImportView(BaseModel):
    id: str
    status: JobStatus
    project: str
    source: SourceView
    trigger: Trigger
    folder: str | None
    labels: list[str]
    run_name_prefix: str | None
    test_run_group_name: str
    created_at: str
    updated_at: str
    completed_at: str | None
    counts: CountsView
    code: str | None = Field(description="Why the job ended as it did, where that needs saying.")
    message: str | None

    @classmethod
    def of(cls, job: Job) -> "ImportView":
        return cls.model_validate(job, from_attributes=True)


class ImportPage(BaseModel):
    imports: list[ImportView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Job]) -> "ImportPage":
        imports = [ImportView.of(job) for job in page.items]
        return cls(imports=imports, next_cursor=page.next_cursor, has_more=page.has_more)


class ClipView(BaseModel):
    id: str
    status: ClipStatus
    source_uri: str = Field(description="As it was given, or as it was listed.")
    destination: str = Field(description="`s3://clips-bucket/key`.")
    run_name: str
    size: int | None
    etag: str | None
    code: str | None
    message: str | None


class ClipPage(BaseModel):
    clips: list[ClipView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Clip]) -> "ClipPage":
        clips = [ClipView.model_validate(clip, from_attributes=True) for clip in page.items]
        return cls(clips=clips, next_cursor=page.next_cursor, has_more=page.has_more)


class PreviewBody(Body):
    root_path: str = Field(description="`s3://bucket/prefix`.")


class ExtensionView(BaseModel):
    count: int
    bytes: int


class PreviewView(BaseModel):
    root_path: str
    count: int
    bytes: int
    keys: list[str] = Field(description="The first 20.")
    by_extension: dict[str, ExtensionView]
    complete: bool = Field(description='False: listing took too long, the figures mean "at least".')

    @classmethod
    def of(cls, found: Preview) -> "PreviewView":
        return cls.model_validate(found, from_attributes=True)


class KeyBody(Body):
    project: Annotated[str, StringConstraints(pattern=f"^{PROJECT_NAME.pattern}$")]
    name: Name


class KeyView(BaseModel):
    id: str
    project: str
    name: str
    created_at: str

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        return cls.model_validate(key, from_attributes=True)


class CreatedKeyView(KeyView):
    key: str = Field(description="Shown this once: the service keeps only its hash.")

    @classmethod
    def with_text(cls, key: ApiKey, text: str) -> "CreatedKeyView":
        return cls(**KeyView.of(key).model_dump(), key=text)


class KeyPage(BaseModel):
    keys: list[KeyView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[ApiKey]) -> "KeyPage":
        keys = [KeyView.of(key) for key in page.items]
        return cls(keys=keys, next_cursor=page.next_cursor, has_more=page.has_more)


class ErrorView(BaseModel):
    detail: str = Field(description="A sentence for people.")
    code: str = Field(description="Stable, for programs.")
