"""Access of an import to its sources: which integration opens an object, or the service itself."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.domain.destinations import store_segment
from service.domain.errors import CannotAccess, IntegrationMismatch, UnknownIntegration
from service.domain.jobs import Job
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.service_buckets import ServiceBuckets
from service.domain.state_keys import job_of_failures
from service.domain.uris import Location
from service.ports.jobs import JobReader
from service.ports.objects import SourceStorage
from service.ports.projects import IntegrationStore
from service.projects.integrations.rules import AccessRule

REFUSALS = (CannotAccess, IntegrationMismatch, UnknownIntegration)
"""Errors of `Reach.opener`. For a single clip they become its fate."""
_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Access to the sources of one import."""

    rule: AccessRule
    integration_id: str | None
    storage: SourceStorage
    own_failures: Callable[[Location], bool]
    """Whether an object is the `failures.jsonl` of a report of the project's own jobs."""

    def check(self) -> None:
        """Raises `UnknownIntegration` if the named integration does not exist."""
        if self.integration_id is not None:
            self.rule.named(self.integration_id)

    def opener(self, at: Location) -> Integration | None:
        """Return the integration that opens an object; None: the service's own access, or public access.

        Raises one of `REFUSALS`.
        """
        access = self.rule.access_to(at, integration_id=self.integration_id)
        return access if isinstance(access, Integration) else None

    def prefix_opener(self, at: Location) -> Integration | None:
        """Like `opener` for a prefix: all of its keys must be open to the project."""
        access = self.rule.access_to(at, integration_id=self.integration_id, as_prefix=True)
        return access if isinstance(access, Integration) else None

    def manifest_opener(self, at: Location) -> Integration | None:
        """Like `opener` for a manifest, which may also be the project's own `failures.jsonl`."""
        return None if self.own_failures(at) else self.opener(at)

    def list_pages(self, at: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        """List a prefix. Raises one of `REFUSALS` at once."""
        return self.storage.list_pages(at, start_after=start_after, integration=id_of(self.prefix_opener(at)))


@dataclass(frozen=True, kw_only=True)
class SourceAccess:
    buckets: Collection[str]
    """The deploy settings' source buckets and the drop bucket."""
    service: ServiceBuckets
    jobs: JobReader
    integrations: IntegrationStore
    storage: Callable[[str], SourceStorage]
    """Gives the storage of a project."""

    def reach(self, project: str, integration_id: str | None = None) -> Reach:
        """Return the project's access. Reads all of its integrations, at most `integrations.manage.MAX_PER_PROJECT`."""

        def own_failures(at: Location) -> bool:
            job_id = job_of_failures(at.key) if (at.scheme, at.bucket) == ("s3", self.service.state) else None
            job = self.jobs.get(job_id) if job_id else None
            return job is not None and job.project == project

        return Reach(
            rule=AccessRule.of(project, self._saved(project), own=self.buckets, service=self.service),
            integration_id=integration_id,
            storage=self.storage(project),
            own_failures=own_failures,
        )

    def of(self, job: Job) -> Reach:
        return self.reach(job.project, job.integration_id)

    def through(self, storage: SourceStorage) -> "SourceAccess":
        """Return the same access with another storage."""
        return replace(self, storage=lambda _: storage)

    def used(self, project: str, integration_ids: Iterable[str], now: str) -> None:
        """Record that these integrations were used."""
        for integration_id in integration_ids:
            if found := self.integrations.get(project, integration_id):
                self.integrations.use(found, now, entry=None)

    def _saved(self, project: str) -> Iterator[Integration]:
        after: str | None = None
        while True:
            found, after = self.integrations.page(project, limit=_PAGE, after=after)
            yield from found
            if after is None:
                return


def id_of(opener: Integration | None) -> str | None:
    return opener.id if opener else None


def store_of(opener: Integration | None) -> str | None:
    """Return the part of destinations that names the integration's store."""
    return store_segment(opener.endpoint_url) if opener else None
