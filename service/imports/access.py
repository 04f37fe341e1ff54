"""What the service reads for its callers. Roles say the same of buckets; this holds where roles are not enforced."""

from collections.abc import Collection
from dataclasses import dataclass

from service.planning import job_of_failures
from service.ports import JobReader
from service.uris import Location


@dataclass(frozen=True)
class SourceAccess:
    buckets: Collection[str]
    """The deploy settings' source buckets and the drop bucket."""
    state_bucket: str
    jobs: JobReader

    def refusal(self, bucket: str) -> str | None:
        """A sentence that says why `bucket` may not be read, or None where it may."""
        if bucket in self.buckets:
            return None
        return f"the service may not read bucket {bucket}: it is not among the deploy settings' source buckets"

    def manifest_refusal(self, location: Location, project: str) -> str | None:
        """The same for a manifest, which can also be the failures that a report of the project's own jobs names."""
        job_id = job_of_failures(location.key) if location.bucket == self.state_bucket else None
        job = self.jobs.get(job_id) if job_id else None
        return None if job and job.project == project else self.refusal(location.bucket)
