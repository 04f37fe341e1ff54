from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from lambdas.wiring.restorers import restorer_of
from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clients import own_region, s3_client, secrets_client, sts_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.turns import BATCHES, DynamoTurns
from service.aws.s3.drop_bucket import S3DropBucket
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.session import RoleSessions, session_of
from service.aws.s3.storage import S3Storage
from service.aws.secrets import IntegrationSecretsManager
from service.domain.manifest import ManifestEntry
from service.domain.projects import Integration
from service.imports.copying.context import CopyPorts
from service.imports.lifecycle.turns import TurnPorts
from service.ports.objects import Copier
from service.sources.routed import RoutedCopiers
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import CopySettings

if TYPE_CHECKING:
    from service.sources.build import CopyRoles, IntegrationSources
    from service.sources.members import JoinedReads
    from service.sources.roles import RoleClients
    from service.sources.stream_copy import StreamCopy
    from service.sources.streaming import StreamingStorage


class CopyContainer:
    """The copy function's parts. Its threads share them, so those made on demand are made `Once`."""

    def __init__(self) -> None:
        self._copy_roles = Once(self._made_copy_roles)
        self._streams = Once(self._made_streams)
        self._joined_reads = Once(self._made_joined_reads)
        self._role_sessions = lru_cache(maxsize=32)(self._made_role_sessions)

    @cached_property
    def settings(self) -> CopySettings:
        return CopySettings.from_env()

    @cached_property
    def in_flight(self) -> InFlight:
        """The limit of all copies of the process: of whole objects, and of parts of large ones."""
        return InFlight(self.settings.copy_concurrency)

    @cached_property
    def own(self) -> S3Storage:
        """The clips bucket, by the service's own identity."""
        return clips_storage(
            self.settings.clips_bucket,
            connections=self.in_flight.most,
            in_flight=self.in_flight,
            requester_pays=self.settings.requester_pays_buckets,
        )

    @cached_property
    def ports(self) -> CopyPorts:
        settings = self.settings
        bind(settings.table_name)
        keep(settings)
        own, saved = self.own, DynamoIntegrations()

        def copiers(project: str) -> RoutedCopiers:
            return RoutedCopiers(
                project=project, own=own, through=self.copier_through, saved=saved, of_member=self.copier_of_member
            )

        return CopyPorts(
            jobs=DynamoJobs(),
            clips=DynamoClips(),
            state=state_files(settings.state_bucket),
            copiers=copiers,
            restorer=restorer_of(own, lambda: self._streams()[1]),
            bucket=own,
            drop=S3DropBucket(own.own, settings.drop_bucket),
            large=DynamoLargeCopies(),
            clock=utc_now,
            copies_at_once=settings.copy_concurrency,
            threads=settings.copy_threads,
            multipart_threshold=settings.multipart_threshold_bytes,
            part_bytes=settings.part_bytes,
            stream_part_bytes=settings.stream_part_bytes,
        )

    @cached_property
    def turns(self) -> TurnPorts:
        bind(self.settings.table_name)
        return TurnPorts(store=DynamoTurns(BATCHES), slots=self.settings.copy_slots)

    def copier_through(self, integration: Integration | None) -> Copier:
        """Copy inside S3 where the integration's role may write clips, else through this process."""
        clients = self._copy_roles().clients_of(integration)
        if clients is None:
            return self._streaming(integration)
        return S3Storage(own=self.own.own, clips_bucket=self.own.clips_bucket, role=self._role_sessions(clients))

    def copier_of_member(self, entry: ManifestEntry, copier: Copier) -> Copier:
        """Stream a member of a zip that `copier` opens: no store copies a part of an object as an object."""
        from service.sources.members import MemberSource
        from service.sources.streaming import StreamingStorage

        stream, _ = self._streams()
        source = MemberSource(entry, copier.reader(entry.zip_entry()), self._joined_reads())
        return StreamingStorage(copier=stream, source=source)

    def _made_role_sessions(self, clients: "RoleClients") -> RoleSessions:
        """Kept as long as the clients are, with their connections."""
        return RoleSessions(
            reads=session_of(clients.reads, clients.credentials, in_flight=self.in_flight),
            copies=session_of(clients.copies, clients.credentials, in_flight=self.in_flight),
            terms=clients.terms,
        )

    def _made_copy_roles(self) -> "CopyRoles":
        from service.sources.build import CopyRoles, credentials_of

        settings = self.settings
        return CopyRoles(
            settings.copy_roles,
            sts=sts_client,
            clips_region=own_region(),
            credentials_of=lambda one: credentials_of(
                one, IntegrationSecretsManager(secrets_client(), settings.integration_secrets_prefix)
            ),
            connections=2 * settings.copy_threads,
        )

    def _streaming(self, integration: Integration | None) -> "StreamingStorage":
        from service.sources.streaming import StreamingStorage

        copier, sources = self._streams()
        return StreamingStorage(copier=copier, source=sources.opened_by(integration))

    def _made_joined_reads(self) -> "JoinedReads":
        from service.sources.members import JoinedReads

        return JoinedReads()

    def _made_streams(self) -> "tuple[StreamCopy, IntegrationSources]":
        from service.sources.memory import Memory
        from service.sources.patience import Patience
        from service.sources.stream_copy import StreamCopy

        settings = self.settings
        sources = integration_sources(
            settings.integration_secrets_prefix,
            allow_private=settings.allow_private_urls,
            connections=settings.copy_threads,
            patience=Patience(
                request_seconds=settings.source_request_seconds, part_seconds=settings.source_part_seconds
            ),
        )
        copier = StreamCopy(
            client=s3_client(connections=settings.copy_threads, sign_bodies=False),
            clips_bucket=settings.clips_bucket,
            memory=Memory(settings.stream_memory_bytes, reused=settings.stream_part_bytes),
            part_bytes=settings.stream_part_bytes,
            clip_seconds=settings.source_part_seconds,
        )
        return copier, sources
