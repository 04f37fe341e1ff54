"""Let `Ref` of a secret in a template be its ARN, as CloudFormation does; in the emulator it is the name.

Roles name secrets by `Ref`, so with the name no policy would ever match.
"""

from typing import Any

_SECRET = "AWS::SecretsManager::Secret"


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
