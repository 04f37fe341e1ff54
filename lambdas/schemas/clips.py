"""Clips of an import, and clips that were found."""

from pydantic import Field

from lambdas.schemas.base import Model
from service.domain.clips import Clip, ClipStatus, Content, Extrapolation, ExtrapolationStatus, Verification
from service.imports.queries.find import FoundClip
from service.support.paging import Page


class ExtrapolationView(Model):
    """What became of a clip's stationary extrapolation."""

    status: ExtrapolationStatus
    key: str | None = Field(description="Of the result, in the clips bucket.")
    tracks: int | None = Field(description="Obstacle tracks of the clip.")
    stationary: int | None = Field(description="Those of them that stand still.")
    rows: int | None = Field(description="Of the result.")
    added: int | None = Field(description="New ones among them.")
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
    source_uri: str = Field(description="As it was given, or as it was listed.")
    destination: str = Field(description="`s3://clips-bucket/key`.")
    run_name: str
    clip_id: str = Field(description="What content validation found, else the object's name without its extension.")
    original_clipgt_url: str = Field(description="The source URI, under the name that the Foretify scripts know.")
    size: int | None
    etag: str | None
    verified: Verification | None = Field(description="What says that the copy is its source.")
    facts: dict[str, object] | None = Field(description="What content validation found in the clip.")
    code: str | None
    message: str | None
    view: str | None = Field(description="Its role in a multi-view set.")
    set: str | None = Field(description="Id of that set's front clip.")
    deleted_at: str | None = Field(description="When it was deleted by itself; its status says what the import did.")
    extrapolation: ExtrapolationView | None = Field(
        description="Of ClipGT clips that landed, where the import asks for `stationary_extrapolation`."
    )
    content: Content | None = Field(
        description="Verdict of content validation: a `valid` or `unchecked` clip is copied, an `invalid` one fails. "
        "Null where nothing looked into the clip."
    )
    content_code: str | None = Field(description="Why the clip is `unchecked`; of an invalid one see `code`.")
    content_message: str | None
    overruled: OverruledView | None = Field(description="The failed check that a retry overruled.")

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


class FoundClipPage(Model):
    clips: list[FoundClipView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[FoundClip]) -> "FoundClipPage":
        clips = [FoundClipView.found(one) for one in page.items]
        return cls(clips=clips, next_cursor=page.next_cursor, has_more=page.has_more)
