"""Let the emulator's CloudFormation keep what it drops: the ARN of a secret, and where a REST API finds its keys.

Roles name secrets by `Ref`, which is the ARN on AWS and the name in the emulator: no policy would ever match.
"""

from typing import Any

_SECRET = "AWS::SecretsManager::Secret"
_REST_API = "AWS::ApiGateway::RestApi"


def name_secrets_by_arn(provisioners: Any) -> None:
    """Change the emulator's CloudFormation: the physical id of a secret is its ARN."""
    handlers = provisioners._RESOURCE_HANDLERS[_SECRET]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def name_of(arn: str) -> str:
        named = (name for name, secret in provisioners._sm._secrets.items() if secret["ARN"] == arn)
        return next(named, arn)

    def create_named(*args: Any, **options: Any) -> Any:
        _, attributes = create(*args, **options)
        return attributes["Arn"], attributes

    def update_named(physical_id: str, *args: Any, **options: Any) -> Any:
        updated = update(name_of(physical_id), *args, **options)
        return (updated[1]["Arn"], updated[1]) if isinstance(updated, tuple) else updated

    def delete_named(physical_id: str, *args: Any, **options: Any) -> Any:
        return delete(name_of(physical_id), *args, **options)

    handlers.update(create=create_named, update=update_named, delete=delete_named)


def keep_key_source(provisioners: Any) -> None:
    """Change the emulator's CloudFormation: a new REST API has its `ApiKeySourceType`, which only updates keep."""
    handlers = provisioners._RESOURCE_HANDLERS[_REST_API]
    create = handlers["create"]

    def create_whole(logical_id: str, props: dict[str, Any], *args: Any, **options: Any) -> Any:
        api_id, attributes = create(logical_id, props, *args, **options)
        change = {"op": "replace", "path": "/apiKeySource", "value": props.get("ApiKeySourceType", "HEADER")}
        provisioners._apigw_v1._update_rest_api(api_id, {"patchOperations": [change]})
        return api_id, attributes

    handlers["create"] = create_whole
