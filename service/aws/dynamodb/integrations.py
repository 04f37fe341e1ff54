"""Integrations in DynamoDB. Each change and its audit entry are one transaction."""

from collections.abc import Iterator, Sequence

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.keys_of_rows import UNSETTLED
from service.aws.dynamodb.listing import create_counted
from service.aws.dynamodb.table import CountRow, IntegrationRow
from service.aws.dynamodb.transactions import commit_if
from service.domain.errors import TooManyIntegrations
from service.domain.projects import AuditEntry, Integration, IntegrationState, IntegrationType


class DynamoIntegrations:
    def create(self, made: Integration, *, limit: int, entry: AuditEntry) -> bool:
        return create_counted(
            _row(made),
            is_new=IntegrationRow.pk.does_not_exist(),
            count=_count_row(made.project),
            limit=limit,
            entry=entry,
            too_many=TooManyIntegrations(f"this project has {limit:,} integrations, which is the limit: delete some"),
        )

    def get(self, project: str, integration_id: str) -> Integration | None:
        try:
            return _integration(IntegrationRow.get(_pk(project), integration_id, consistent_read=True))
        except DoesNotExist:
            return None

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Integration], str | None]:
        # An index lags: an import sent right after its integration was saved would not find it.
        found = map(_integration, IntegrationRow.query(_pk(project), consistent_read=True))
        rest = [one for one in sorted(found, key=_position) if after is None or _position(one) > after]
        ready = [one for one in rest[:limit] if one.state is IntegrationState.READY]
        return ready, _position(rest[limit - 1]) if len(rest) > limit else None

    def settle(self, integration: Integration, now: str) -> bool:
        """Mark the integration as ready; one that is ready stays as it is."""
        actions = [*_enter(IntegrationState.READY, now), *_OUT_OF_ATTENTION]
        if self._change(integration, IntegrationState.CREATING, actions, None):
            return True
        known = self.get(integration.project, integration.id)
        return known is not None and _same(known, integration) and known.state is IntegrationState.READY

    def begin_delete(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        actions = [
            *_enter(IntegrationState.DELETING, now),
            IntegrationRow.attention_pk.set(UNSETTLED),
            IntegrationRow.attention_sk.set(_attention_sk(integration, now)),
        ]
        return self._change(integration, integration.state, actions, entry)

    def remove(self, integration: Integration) -> None:
        def build(transaction: TransactWrite) -> None:
            condition = (IntegrationRow.state == IntegrationState.DELETING) & (
                IntegrationRow.secret_name == integration.secret_name
            )
            transaction.delete(_key(integration), condition=condition)
            transaction.update(_count_row(integration.project), actions=[CountRow.saved.add(-1)])

        commit_if(build)

    def unsettled(self) -> Iterator[Integration]:
        keys = [(row.pk, row.sk) for row in IntegrationRow.attention.query(UNSETTLED)]
        for row in IntegrationRow.batch_get(keys, consistent_read=True):
            found = _integration(row)
            if found.state is not IntegrationState.READY:
                yield found

    def use(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        return self._change(integration, IntegrationState.READY, [IntegrationRow.last_used.set(now)], entry)

    def allow_delete(self, integration: Integration, allowed: bool, *, entry: AuditEntry) -> bool:
        return self._change(integration, IntegrationState.READY, [IntegrationRow.allow_delete.set(allowed)], entry)

    def _change(
        self, integration: Integration, state: IntegrationState, actions: list[Action], entry: AuditEntry | None
    ) -> bool:
        def build(transaction: TransactWrite) -> None:
            condition = (IntegrationRow.state == state) & (IntegrationRow.secret_name == integration.secret_name)
            transaction.update(_key(integration), actions=actions, condition=condition)
            if entry:
                transaction.save(audit_row(entry))

        return not commit_if(build)


_OUT_OF_ATTENTION = (IntegrationRow.attention_pk.remove(), IntegrationRow.attention_sk.remove())


def _enter(state: IntegrationState, now: str) -> list[Action]:
    return [IntegrationRow.state.set(state), IntegrationRow.touched_at.set(now)]


def _same(one: Integration, other: Integration) -> bool:
    """Whether both are the same integration: an id can be used again after a deletion."""
    return one.secret_name == other.secret_name


def _pk(project: str) -> str:
    return f"INTEGRATION#{project}"


def _key(integration: Integration) -> IntegrationRow:
    return IntegrationRow(_pk(integration.project), integration.id)


def _position(integration: Integration) -> str:
    """Return the integration's place in listings, which are oldest first."""
    return f"{integration.created_at}#{integration.id}"


def _count_row(project: str) -> CountRow:
    return CountRow(f"INTEGRATION#{project}#", "COUNT")


def _attention_sk(integration: Integration, since: str) -> str:
    return f"{since}#{integration.project}#{integration.id}"


def _row(made: Integration) -> IntegrationRow:
    settled = made.state is IntegrationState.READY
    return IntegrationRow(
        _pk(made.project),
        made.id,
        attention_pk=None if settled else UNSETTLED,
        attention_sk=None if settled else _attention_sk(made, made.touched_at),
        project=made.project,
        name=made.name,
        type=made.type,
        bucket=made.bucket,
        prefix=made.prefix,
        region=made.region,
        endpoint_url=made.endpoint_url,
        role_arn=made.role_arn,
        external_id=made.external_id,
        requester_pays=made.requester_pays or None,
        allow_delete=made.allow_delete or None,
        secret_name=made.secret_name,
        with_credentials=made.with_credentials,
        state=made.state,
        touched_at=made.touched_at,
        created_at=made.created_at,
        created_by=made.created_by,
        last_used=made.last_used,
        request_digest=made.request_digest,
    )


def _integration(row: IntegrationRow) -> Integration:
    return Integration(
        id=row.sk,
        project=row.project,
        name=row.name,
        type=IntegrationType(row.type),
        bucket=row.bucket,
        prefix=row.prefix,
        region=row.region,
        endpoint_url=row.endpoint_url,
        role_arn=row.role_arn,
        external_id=row.external_id,
        requester_pays=bool(row.requester_pays),
        allow_delete=bool(row.allow_delete),
        secret_name=row.secret_name,
        with_credentials=row.with_credentials,
        state=IntegrationState(row.state),
        touched_at=row.touched_at,
        created_at=row.created_at,
        created_by=row.created_by,
        last_used=row.last_used,
        request_digest=row.request_digest,
    )
