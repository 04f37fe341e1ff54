"""The API's authorizer: a key from `X-API-Key` or `Authorization: Bearer`, and whose it is.

It never raises for a bad key but denies; the API answers a denial with 401 (stacks/api.py).
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger
from lambdas.wiring.authorize import admin_secret, key_store
from service.projects.keys import Caller, authenticate


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    text = key_of(event.get("headers") or {})
    caller = None
    if text:
        secrets, admin_secret_arn = admin_secret()
        caller = authenticate(text, keys=key_store(), admin_key=secrets.get(admin_secret_arn))
    return policy(caller, event["methodArn"])


def key_of(headers: dict[str, str]) -> str | None:
    """`X-API-Key` wins where both are there."""
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    scheme, _, token = lowered.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return lowered.get("x-api-key") or bearer or None


def policy(caller: Caller | None, method_arn: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if caller else "Deny", "Resource": method_arn}
    answer: dict[str, Any] = {
        "principalId": caller.key_id if caller else "anonymous",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
    if caller:
        answer["context"] = {"key_id": caller.key_id, "project": caller.project or ""}
    return answer
