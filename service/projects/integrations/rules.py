"""Choose the access to a URI: the named integration, another one of the project, the service's role, or none."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from service.domain.errors import CannotAccess, IntegrationMismatch, UnknownIntegration
from service.domain.projects import Integration, IntegrationState, IntegrationType
from service.domain.service_buckets import ServiceBuckets
from service.domain.uris import Location, Scheme

SCHEMES: Mapping[IntegrationType, Scheme] = {
    IntegrationType.S3: "s3",
    IntegrationType.S3_ROLE: "s3",
    IntegrationType.GCS: "gs",
    IntegrationType.HF_BUCKET: "hf",
}


class Unsaved(Enum):
    """Access without an integration."""

    OWN = "the roles of the service's own functions, to the source buckets of the deploy settings"
    PUBLIC = "nobody's credentials"


Access = Integration | Unsaved


def location_of(integration: Integration) -> Location:
    """Return the bucket or prefix that the integration reaches."""
    return Location(SCHEMES[integration.type], integration.bucket, integration.prefix or "")


def covers(integration: Integration, location: Location) -> bool:
    """Whether the integration reaches the object, or all keys of the prefix."""
    reached = location_of(integration)
    same = (reached.scheme, reached.bucket) == (location.scheme, location.container)
    return same and location.key.startswith(reached.key)


@dataclass(frozen=True)
class AccessRule:
    """Enforces one project's access to sources in code, in addition to IAM."""

    project: str
    saved: Mapping[tuple[Scheme, str], tuple[Integration, ...]]
    """The project's integrations by scheme and bucket, in the order in which they are tried."""
    by_id: Mapping[str, Integration]
    own: Collection[str]
    """Buckets that the service reads by its own roles."""
    service: ServiceBuckets

    @classmethod
    def of(
        cls, project: str, saved: Iterable[Integration], *, own: Collection[str], service: ServiceBuckets
    ) -> "AccessRule":
        """Try the longest prefix first; among equal ones the newest, which was saved to replace the others."""
        ready = [one for one in saved if one.state is IntegrationState.READY]
        grouped: dict[tuple[Scheme, str], list[Integration]] = {}
        newest_first = sorted(ready, key=lambda one: (one.created_at, one.id), reverse=True)
        for one in sorted(newest_first, key=lambda one: -len(one.prefix or "")):
            grouped.setdefault((SCHEMES[one.type], one.bucket), []).append(one)
        by_bucket = {key: tuple(ones) for key, ones in grouped.items()}
        return cls(project, by_bucket, {one.id: one for one in ready}, own, service)

    def access_to(self, location: Location, *, integration_id: str | None = None, as_prefix: bool = False) -> Access:
        """Return the access to an object or prefix. Raises `UnknownIntegration`, `IntegrationMismatch`, `CannotAccess`.

        The service's own buckets come first: no integration opens another project's keys there. Only what opens a zip
        opens its members.
        """
        location = location.zip or location
        if refusal := self.service.refusal(location, self.project, as_prefix=as_prefix):
            raise CannotAccess(f"{_shown(location)} is not open to this project: {refusal}")
        if integration_id is not None:
            return self._covering(location, integration_id)
        for one in self.saved.get((location.scheme, location.container), ()):
            if covers(one, location):
                return one
        if location.scheme == "s3" and location.bucket in self.own:
            return Unsaved.OWN
        if location.scheme == "hf":
            return Unsaved.PUBLIC
        raise CannotAccess(_refusal(location))

    def named(self, integration_id: str) -> Integration:
        """Raises `UnknownIntegration`."""
        named = self.by_id.get(integration_id)
        if named is None:
            raise UnknownIntegration(f"integration_id: there is no integration {integration_id!r} in this project")
        return named

    def _covering(self, location: Location, integration_id: str) -> Integration:
        named = self.named(integration_id)
        if not covers(named, location):
            reached = location_of(named)
            raise IntegrationMismatch(
                f"integration {named.id} ({named.type}) reaches {_shown(reached)}… only, not {_shown(location)}"
            )
        return named


def _refusal(location: Location) -> str:
    kinds = "gcs" if location.scheme == "gs" else "s3 or s3_role"
    begin = f"{_shown(location)} cannot be opened: no integration of this project covers it"
    if location.scheme == "s3":
        begin += f", and {location.bucket} is not among the deploy settings' source buckets"
    return f"{begin}; save one for the bucket (POST /v1/integrations, type {kinds})"


def _shown(location: Location) -> str:
    return ascii(str(location))[1:-1]
