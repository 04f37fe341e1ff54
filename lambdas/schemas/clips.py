"""Clips of an import, and clips found across imports."""

from pydantic import Field

from lambdas.schemas.base import Model
from service.domain.clips import Clip, ClipStatus, Content, Extrapolation, ExtrapolationStatus, Verification
from service.imports.queries.clip import ClipOfSet
from service.imports.queries.find import FoundClip
from service.support.paging import Page


class ExtrapolationView(Model):
    """Result of a clip's stationary extrapolation."""

    status: ExtrapolationStatus
    key: str | None = Field(description="Key of the result in the clips bucket.")
    tracks: int | None = Field(description="Number of obstacle tracks.")
    stationary: int | None = Field(description="Number of stationary tracks.")
    rows: int | None = Field(description="Number of rows of the result.")
    added: int | None = Field(description="Number of new rows.")
    code: str | None
    message: str | None

    @classmethod
    def of(cls, extrapolation: Extrapolation | None) -> "ExtrapolationView | None":
        return cls.model_validate(extrapolation, from_attributes=True) if extrapolation else None


class OverruledView(Model):
    """The failed check of a clip that a retry with another `content_validation` took all the same."""

    code: str
    message: str


class ClipView(Model):
    id: str
    status: ClipStatus
    source_uri: str = Field(description="URI of the source, as the import named or listed it.")
    destination: str = Field(description="`s3://clips-bucket/key`.")
    run_name: str
    clip_id: str = Field(
        description="Id that content validation found, else the one that an import by clip ids wanted, else the "
        "object's name without extension."
    )
    original_clipgt_url: str = Field(description="Same as `source_uri`; the name that Foretify scripts use.")
    size: int | None
    etag: str | None
    verified: Verification | None = Field(description="Evidence that the copy equals its source.")
    facts: dict[str, object] | None = Field(description="Facts that content validation read from the clip.")
    code: str | None
    message: str | None
    view: str | None = Field(description="Role in a multi-view set.")
    set: str | None = Field(description="Id of the set's front clip.")
    deleted_at: str | None = Field(
        description="Time at which the clip was deleted. Its status still says what the import did."
    )
    extrapolation: ExtrapolationView | None = Field(
        description="For copied ClipGT clips of imports with `stationary_extrapolation`; else null."
    )
    content: Content | None = Field(
        description="Verdict of content validation: a `valid` or `unchecked` clip is copied, an `invalid` one fails. "
        "Null where nothing looked into the clip."
    )
    content_code: str | None = Field(description="Why the clip is `unchecked`; of an invalid one see `code`.")
    content_message: str | None
    overruled: OverruledView | None = Field(description="The failed check that a retry overruled.")
    source_deleted: bool | None = Field(
        description="Whether the import deleted the source. Null where the import has no `delete_source`, or has not "
        "decided it yet: it deletes sources when it has completed."
    )
    source_kept_code: str | None = Field(description="Why an import with `delete_source` kept the source.")
    source_kept_message: str | None

    @classmethod
    def of(cls, clip: Clip) -> "ClipView":
        return cls.model_validate(_clip_fields(clip))


def _clip_fields(clip: Clip) -> dict[str, object]:
    fields = {name: getattr(clip, name) for name in ClipView.model_fields}
    overruled = OverruledView(**vars(clip.overruled)) if clip.overruled else None
    return fields | {"extrapolation": ExtrapolationView.of(clip.extrapolation), "overruled": overruled}


class ClipPage(Model):
    clips: list[ClipView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Clip]) -> "ClipPage":
        clips = [ClipView.of(clip) for clip in page.items]
        return cls(clips=clips, next_cursor=page.next_cursor, has_more=page.has_more)


class FoundClipView(ClipView):
    import_id: str
    folder: str | None
    labels: list[str]
    test_run_group_name: str

    @classmethod
    def found(cls, one: FoundClip) -> "FoundClipView":
        job = one.job
        given = {"import_id": job.id, "folder": job.folder, "labels": list(job.labels)}
        group = {"test_run_group_name": job.test_run_group_name}
        return cls.model_validate(_clip_fields(one.clip) | given | group)


class ClipDetailView(FoundClipView):
    views: list[ClipView] = Field(description="All clips of its multi-view set, front first; empty without a set.")

    @classmethod
    def detail(cls, one: ClipOfSet) -> "ClipDetailView":
        found = FoundClipView.found(one.found)
        return cls(**found.model_dump(), views=[ClipView.of(clip) for clip in one.views])


class ClipLinkView(Model):
    url: str = Field(description="Reads the copy, also by ranges, without a key.")
    expires_at: str
    content_type: str = Field(description="Content type that the answer has.")


class FoundClipPage(Model):
    clips: list[FoundClipView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[FoundClip]) -> "FoundClipPage":
        clips = [FoundClipView.found(one) for one in page.items]
        return cls(clips=clips, next_cursor=page.next_cursor, has_more=page.has_more)
