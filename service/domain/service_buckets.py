"""The deployment's own buckets, and whose keys are whose in them."""

import re
from dataclasses import dataclass

from service.domain.ids import PROJECT_NAME
from service.domain.uris import Location

INBOX = "inbox/"
"""In the drop bucket, `inbox/{project}/` begins the keys of a project."""

_OWNED = re.compile(rf"{INBOX}({PROJECT_NAME.pattern})/.*", re.DOTALL)


def project_of_upload(key: str, default_project: str) -> str:
    """Keys below `inbox/{project}/` belong to that project, all others to the default one."""
    match = _OWNED.fullmatch(key)
    return match[1] if match else default_project


@dataclass(frozen=True, kw_only=True)
class ServiceBuckets:
    """Objects of all projects lie in these buckets, so each project may open only its own keys, by whatever access."""

    drop: str
    clips: str
    state: str
    default_project: str
    """Owns the keys of the drop bucket that are below no project's inbox."""

    def has(self, bucket: str) -> bool:
        return bucket in (self.drop, self.clips, self.state)

    def refusal(self, at: Location, project: str, *, as_prefix: bool) -> str | None:
        """Why the project may not open the object, or list the prefix; None where nothing here forbids it."""
        if at.scheme != "s3" or not self.has(at.bucket):
            return None
        if not {".", ".."} & set(at.key.split("/")) and self._owns(at, project, as_prefix=as_prefix):
            return None
        if at.bucket == self.drop:
            return f"of the drop bucket, project {project} may open only keys below {INBOX}{project}/"
        if at.bucket == self.clips:
            return f"of the clips bucket, project {project} may open only keys below {project}/"
        return "nobody may open the state bucket, except the failures.jsonl of the project's own reports as a manifest"

    def _owns(self, at: Location, project: str, *, as_prefix: bool) -> bool:
        if at.bucket == self.clips:
            return at.key.startswith(f"{project}/")
        if at.bucket != self.drop:
            return False
        if not as_prefix:
            return project_of_upload(at.key, self.default_project) == project
        beside = not INBOX.startswith(at.key) and not at.key.startswith(INBOX)
        return at.key.startswith(f"{INBOX}{project}/") or (beside and project == self.default_project)
