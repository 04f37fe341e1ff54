from functools import lru_cache, partial
from typing import TYPE_CHECKING

from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clients import own_region, s3_client, sts_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.table import bind
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.session import RoleSessions, session_of
from service.aws.s3.storage import S3Storage
from service.domain.projects import Integration
from service.imports.copying.context import CopyPorts
from service.ports.objects import Copier
from service.sources.routed import RoutedCopiers
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import CopySettings

if TYPE_CHECKING:
    from service.sources.build import CopyRoles, IntegrationSources
    from service.sources.roles import RoleClients
    from service.sources.stream_copy import StreamCopy
    from service.sources.streaming import StreamingStorage


@Once
def copy_ports() -> CopyPorts:
    settings = CopySettings.from_env()
    bind(settings.table_name)
    in_flight = _copies_in_flight()
    own = clips_storage(settings.clips_bucket, connections=in_flight.most, in_flight=in_flight)
    saved = DynamoIntegrations()

    def copiers(project: str) -> RoutedCopiers:
        return RoutedCopiers(project=project, own=own, through=partial(_through, own), saved=saved)

    return CopyPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=state_files(settings.state_bucket),
        copiers=copiers,
        bucket=own,
        large=DynamoLargeCopies(),
        clock=utc_now,
        copies_at_once=settings.copy_concurrency,
        threads=settings.copy_threads,
        multipart_threshold=settings.multipart_threshold_bytes,
        part_bytes=settings.part_bytes,
        stream_part_bytes=settings.stream_part_bytes,
    )


def _through(own: S3Storage, integration: Integration | None) -> Copier:
    """Inside S3 where the integration's role may write clips, else through this process."""
    clients = _copy_roles().clients_of(integration)
    if clients is None:
        return _streaming(integration)
    return S3Storage(own=own.own, clips_bucket=own.clips_bucket, role=_role_sessions(clients))


@Once
def _copies_in_flight() -> InFlight:
    """For all copies of the process: whole ones, and parts of large ones besides."""
    return InFlight(CopySettings.from_env().copy_concurrency)


@lru_cache(maxsize=32)
def _role_sessions(clients: "RoleClients") -> RoleSessions:
    """Kept as long as the clients are, with their connections."""
    in_flight = _copies_in_flight()
    return RoleSessions(
        reads=session_of(clients.reads, clients.credentials, in_flight=in_flight),
        copies=session_of(clients.copies, clients.credentials, in_flight=in_flight),
    )


@Once
def _copy_roles() -> "CopyRoles":
    from service.sources.build import CopyRoles

    settings = CopySettings.from_env()
    return CopyRoles(
        settings.copy_roles, sts=sts_client, clips_region=own_region(), connections=2 * settings.copy_threads
    )


def _streaming(integration: Integration | None) -> "StreamingStorage":
    from service.sources.streaming import StreamingStorage

    copier, sources = _streams()
    return StreamingStorage(copier=copier, source=sources.opened_by(integration))


@Once
def _streams() -> "tuple[StreamCopy, IntegrationSources]":
    from service.sources.memory import Memory
    from service.sources.patience import Patience
    from service.sources.stream_copy import StreamCopy

    settings = CopySettings.from_env()
    sources = integration_sources(
        settings.integration_secrets_prefix,
        allow_private=settings.allow_private_urls,
        connections=settings.copy_threads,
        patience=Patience(request_seconds=settings.source_request_seconds, part_seconds=settings.source_part_seconds),
    )
    copier = StreamCopy(
        client=s3_client(connections=settings.copy_threads, sign_bodies=False),
        clips_bucket=settings.clips_bucket,
        memory=Memory(settings.stream_memory_bytes, reused=settings.stream_part_bytes),
        part_bytes=settings.stream_part_bytes,
        clip_seconds=settings.source_part_seconds,
    )
    return copier, sources
