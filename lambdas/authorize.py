"""Authorize a request of the API by its key, from `X-API-Key` or `Authorization: Bearer`.

A bad key is a denial, never an exception. API Gateway answers a denial with 401 (stacks/gateway.py). The answer also
names the API Gateway key that limits the rate of the project's requests.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger
from lambdas.wiring.authorize import AuthorizeContainer
from service.projects.keys import Caller, authenticate, may_be_admin
from service.projects.rate_keys import rate_key_of

DEPLOYED = AuthorizeContainer()


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext, container: AuthorizeContainer = DEPLOYED) -> dict[str, Any]:
    text = key_of(event.get("headers") or {})
    caller = None
    if text:
        admin_key = container.secrets.get(container.settings.admin_secret_arn) if may_be_admin(text) else None
        caller = authenticate(text, keys=container.keys, admin_key=admin_key)
    return policy(caller, event["methodArn"], container.settings.rate_key_prefix)


def key_of(headers: dict[str, str]) -> str | None:
    """The key of a request; of two, the one in `X-API-Key`."""
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    scheme, _, token = lowered.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return lowered.get("x-api-key") or bearer or None


def policy(caller: Caller | None, method_arn: str, rate_key_prefix: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if caller else "Deny", "Resource": method_arn}
    answer: dict[str, Any] = {
        "principalId": caller.key_id if caller else "anonymous",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
    if caller:
        answer["context"] = {"key_id": caller.key_id, "project": caller.project or ""}
        answer["usageIdentifierKey"] = rate_key_of(rate_key_prefix, caller.project)
    return answer
