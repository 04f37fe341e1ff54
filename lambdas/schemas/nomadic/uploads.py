"""Imports from clouds, as the SDKs request them. Names of objects are verbatim."""

from dataclasses import dataclass

from pydantic import ConfigDict, Field

from lambdas.schemas.base import Model
from lambdas.schemas.nomadic.base import Key, SdkBody, Text
from lambdas.schemas.nomadic.folders import Scope
from lambdas.schemas.patterns import exactly_one_of
from service.domain.errors import InvalidRequest
from service.domain.limits import MAX_LABELS
from service.domain.requests import ImportRequest, ImportSettings, VideoUpload, ViewSet
from service.domain.uris import Location, Scheme, parse_prefix

PROVIDERS: dict[Scheme, str] = {"s3": "s3", "gs": "gcs", "hf": "hf_bucket"}


@dataclass(frozen=True, kw_only=True)
class Given:
    """Parts of an upload besides its body: name of the folder, default settings, idempotency key."""

    folder: str | None
    settings: ImportSettings
    idempotency_key: str | None


class ViewsBody(SdkBody):
    views: dict[str, Key] = Field(description="URI of each view by its role. `front` is required.")


class UploadBody(SdkBody):
    """Objects of a bucket by their names, or `sets`."""

    bucket: Text | None = None
    sets: list[ViewsBody] | None = None
    folder_id: Text | None = None
    scope: Scope | None = Field(None, description="Scope of the folder. Has no effect, because `folder_id` implies it.")
    integration_id: Text | None = Field(
        None,
        description="Integration to read with. Default: the project's one for the bucket, else the service's role.",
    )
    collection: object = Field(None, description="Has no effect.")

    def names(self) -> list[str] | None:
        """The names of the objects, if the request lists them."""
        return None

    def to_request(self, scheme: Scheme, bucket: str | None, given: Given) -> ImportRequest:
        """Raises `InvalidRequest`."""
        names, sets = self.names(), self.sets
        if (names is None) == (sets is None):
            raise InvalidRequest("Provide the objects' names or sets, not both")
        if not bucket:
            raise InvalidRequest("bucket is missing")
        return ImportRequest(
            exact_paths=tuple(str(Location(scheme, bucket, name)) for name in names) if names is not None else None,
            sets=tuple(_view_set(index, item, scheme) for index, item in enumerate(sets)) if sets is not None else None,
            folder=given.folder,
            settings=given.settings,
            integration_id=self.integration_id or None,
            idempotency_key=given.idempotency_key,
            video_upload=VideoUpload(provider=PROVIDERS[scheme], bucket=bucket, folder_id=self.folder_id or None),
        )


def _view_set(index: int, item: ViewsBody, scheme: Scheme) -> ViewSet:
    for role, uri in item.views.items():
        if not uri.startswith(f"{scheme}://"):
            raise InvalidRequest(f"sets[{index}].views.{role[:50]!a} is not a full {scheme}:// URI")
    return ViewSet(views=tuple(item.views.items()))


class S3UploadBody(UploadBody):
    model_config = ConfigDict(json_schema_extra=exactly_one_of("keys", "sets"))

    keys: list[Key] | None = Field(None, description="Names of objects in the bucket.")

    def names(self) -> list[str] | None:
        return self.keys

    def to_request(self, scheme: Scheme, bucket: str | None, given: Given) -> ImportRequest:
        """The views of sets may lie in several buckets: that of the first front is shown."""
        front = self.sets[0].views.get("front", "") if self.sets else ""
        return super().to_request(scheme, bucket or front.removeprefix(f"{scheme}://").partition("/")[0], given)


class FilesUploadBody(UploadBody):
    model_config = ConfigDict(json_schema_extra=exactly_one_of("files", "sets"))

    files: list[Key] | None = Field(None, description="Names of objects in the bucket.")

    def names(self) -> list[str] | None:
        return self.files


class DirectoryBody(SdkBody):
    source_uri: Key = Field(description="Directory to import: `s3://…`, `gs://…` or `hf://buckets/…`.")
    name: Text | None = Field(None, description="Label of the import.")
    folder_id: Text | None = None


class DirectoriesBody(SdkBody):
    """Import all objects below some directories of one bucket."""

    source_format: Text
    scope: Scope | None = None
    inputs: list[DirectoryBody] = Field(min_length=1, max_length=1_000)

    def folder_id(self) -> str | None:
        """Raises `InvalidRequest`."""
        folders = {item.folder_id or None for item in self.inputs}
        if len(folders) > 1:
            raise InvalidRequest("inputs have several folders: make a call for each folder")
        return folders.pop()

    def to_request(self, given: Given) -> ImportRequest:
        """One import of their common prefix, which lists only these directories. Raises `InvalidRequest`."""
        found = [_directory(item.source_uri) for item in self.inputs]
        if len({(one.scheme, one.bucket) for one in found}) > 1:
            raise InvalidRequest("inputs have several buckets: make a call for each bucket")
        common = _common_folder([one.key for one in found])
        names = dict.fromkeys(item.name.strip()[:128] for item in self.inputs if item.name and item.name.strip())
        root = found[0].at(common)
        return ImportRequest(
            root_path=str(root),
            directories=_outermost([one.key for one in found]) if len(found) > 1 else None,
            folder=given.folder,
            labels=tuple(names)[:MAX_LABELS],
            settings=given.settings,
            validate=False,
            idempotency_key=given.idempotency_key,
            video_upload=VideoUpload(
                provider=PROVIDERS[root.scheme], bucket=root.bucket, folder_id=self.folder_id() or None
            ),
        )


def _directory(uri: str) -> Location:
    found = parse_prefix(uri)
    key = found.key.rstrip("/")
    if not key:
        raise InvalidRequest(f"{uri[:200]!a} names a bucket but no directory")
    return found.at(f"{key}/")


def _common_folder(keys: list[str]) -> str:
    """Their common prefix, up to the last `/`."""
    first, last = min(keys), max(keys)
    length = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("/", 0, length) + 1]


def _outermost(keys: list[str]) -> tuple[str, ...]:
    """The keys in binary order, without those inside another."""
    found: list[str] = []
    for key in sorted(keys, key=str.encode):
        if not found or not key.startswith(found[-1]):
            found.append(key)
    return tuple(found)


class AcceptedView(Model):
    import_job_id: str
    status: str = Field("importing", description="Always `importing`. The job has the result.")
