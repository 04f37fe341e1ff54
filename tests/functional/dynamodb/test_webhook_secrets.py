"""The state of webhook secrets in DynamoDB."""

from service.aws.dynamodb.audit import DynamoAudit
from service.aws.dynamodb.webhook_secrets import DynamoWebhookSecrets
from service.domain.projects import Action, WebhookSecretState
from service.projects.audit import entry_of
from tests.builders import ASKER

NOW = "2026-11-29T12:00:00.000Z"


def test_a_state_follows_the_one_before_with_its_audit_entry(keys: object) -> None:
    assert keys
    store = DynamoWebhookSecrets()
    entry = entry_of(Action.WEBHOOK_SECRET_ROTATE, "demo", project="demo", by=ASKER, now=NOW, days=1)
    assert store.get("demo") == WebhookSecretState()
    first = WebhookSecretState(current=1, older={0: NOW})
    assert store.replace("demo", first, entry=entry)
    assert store.get("demo") == first
    assert not store.replace("demo", first, entry=entry), "another request was faster"
    assert not store.replace("demo", WebhookSecretState(current=3), entry=entry)
    assert store.replace("demo", WebhookSecretState(current=2), entry=entry)
    assert store.get("demo") == WebhookSecretState(current=2)
    assert store.get("other") == WebhookSecretState()
    assert [one.action for one in DynamoAudit().page("demo", subject=None, limit=10, after=None)[0]] == [entry.action]
