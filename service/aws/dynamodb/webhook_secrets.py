"""Which webhook secret of a project is current, in DynamoDB; each change is one transaction with its audit entry."""

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.table import WebhookSecretRow
from service.aws.dynamodb.transactions import commit_if
from service.domain.projects import AuditEntry, WebhookSecretState


class DynamoWebhookSecrets:
    def get(self, project: str) -> WebhookSecretState:
        try:
            row = WebhookSecretRow.get(_pk(project), WebhookSecretRow.sk.default, consistent_read=True)
        except DoesNotExist:
            return WebhookSecretState()
        return WebhookSecretState(
            current=int(row.current), older={int(number): until for number, until in row.older.items()}
        )

    def replace(self, project: str, state: WebhookSecretState, *, entry: AuditEntry) -> bool:
        row = WebhookSecretRow(
            _pk(project), current=state.current, older={str(number): until for number, until in state.older.items()}
        )
        before = WebhookSecretRow.current == state.current - 1
        unchanged = before if state.current > 1 else WebhookSecretRow.pk.does_not_exist()

        def build(transaction: TransactWrite) -> None:
            transaction.save(row, condition=unchanged)
            transaction.save(audit_row(entry))

        return not commit_if(build)


def _pk(project: str) -> str:
    return f"WEBHOOKSECRET#{project}"
