"""Credentials of integrations: a value is kept once and deleted for good."""

from service.ports.projects import IntegrationSecrets


def test_a_value_is_kept_once_and_deleted_for_good(integration_secrets: IntegrationSecrets) -> None:
    assert integration_secrets.put("in_1/a", "one")
    assert not integration_secrets.put("in_1/a", "two")
    assert integration_secrets.get("in_1/a") == "one"
    assert integration_secrets.get("in_1/b") is None
    for _ in range(2):
        integration_secrets.delete("in_1/a")
    assert integration_secrets.get("in_1/a") is None


def test_a_name_can_be_used_again_after_its_deletion(integration_secrets: IntegrationSecrets) -> None:
    assert integration_secrets.put("in_1/a", "one")
    integration_secrets.delete("in_1/a")
    assert integration_secrets.put("in_1/a", "two")
    assert integration_secrets.get("in_1/a") == "two"
