"""Access of an import to its sources: which integration opens an object, or the service itself."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.domain.destinations import store_segment
from service.domain.errors import CannotAccess, IntegrationMismatch, ObjectMissing, UnknownIntegration
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.requests import Members
from service.domain.service_buckets import ServiceBuckets
from service.domain.state_keys import job_of_failures
from service.domain.uris import Location
from service.imports.access.commits import CommittedStorage
from service.imports.access.members import MembersStorage
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
    as_of: str | None = None
    """The time at which sources are seen; None: now."""

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
        opener = id_of(self.prefix_opener(at))
        if self.as_of is None:
            return self.storage.list_pages(at, start_after=start_after, integration=opener)
        return self.storage.list_as_of(at, self.as_of, start_after=start_after, integration=opener)

    def look_at(self, at: Location, integration: str | None) -> ListedObject:
        """Return the object, as it stood at `as_of`. Raises `ObjectError`s."""
        if self.as_of is None:
            return self.storage.stat(at, integration=integration)
        pages = self.storage.list_as_of(at, self.as_of, only=True, integration=integration)
        for found in (one for page in pages for one in page):
            return found
        raise ObjectMissing(f"there was no such object at {self.as_of}", operation="inspect", uri=str(at))

    def look_again(self, entry: ManifestEntry) -> ListedObject:
        """Return the object that a planned clip's source is now, or its version. Raises `ObjectError`s."""
        return self.storage.stat(entry.location, version=entry.version, integration=entry.integration)


@dataclass(frozen=True, kw_only=True)
class SourceAccess:
    buckets: Collection[str]
    """The deploy settings' source buckets and the drop bucket."""
    service: ServiceBuckets
    jobs: JobReader
    integrations: IntegrationStore
    storage: Callable[[str], SourceStorage]
    """Gives the storage of a project."""
    commits: dict[str, str] | None = None
    """Commits of datasets and models that a planning saw so far (`CommittedStorage`); it adds those that it sees."""

    def reach(
        self,
        project: str,
        integration_id: str | None = None,
        as_of: str | None = None,
        *,
        members: Members | None = Members.FILES,
    ) -> Reach:
        """Return the project's access. Reads all of its integrations, at most `integrations.manage.MAX_PER_PROJECT`.

        `members`: what `.zip!/` in a location names; None: nothing, it belongs to the object's name.
        """
        storage = CommittedStorage(self.storage(project), {} if self.commits is None else self.commits)

        def own_failures(at: Location) -> bool:
            job_id = job_of_failures(at.key) if (at.scheme, at.bucket) == ("s3", self.service.state) else None
            job = self.jobs.get(job_id) if job_id else None
            return job is not None and job.project == project

        return Reach(
            rule=AccessRule.of(project, self._saved(project), own=self.buckets, service=self.service),
            integration_id=integration_id,
            storage=storage if members is None else MembersStorage(storage, by_clip=members is Members.CLIPGT),
            own_failures=own_failures,
            as_of=as_of,
        )

    def of(self, job: Job) -> Reach:
        # A listing finds objects, so a name that reads like a member's is an object's, too.
        listed = job.source.kind is SourceKind.PREFIX and job.source.location.zip is None
        return self.reach(
            job.project, job.integration_id, job.source.as_of, members=None if listed else job.settings.members
        )

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
