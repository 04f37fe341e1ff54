"""botocore clients with the service's settings, and the mapping of their errors.

Not boto3's clients: nothing uses what boto3 adds (resources, file transfers), and importing it takes as long as the
Logger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from botocore.handlers import add_recursion_detection_header
from botocore.loaders import Loader

from service.domain import s3_error_codes as s3_codes
from service.domain.errors import AccessDenied, ObjectError, RoleRefused, SourceUnavailable
from service.support.parallel import Once

if TYPE_CHECKING:
    from botocore.config import _S3Dict
    from botocore.credentials import Credentials
    from botocore.session import Session
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, kw_only=True)
class Patience:
    """S3 timeouts: seconds to connect, seconds without a byte, tries per call."""

    connect_seconds: float
    read_seconds: float
    attempts: int


PATIENT = Patience(connect_seconds=60, read_seconds=60, attempts=5)
"""botocore's own timeouts."""
A_CALLER_WAITS = Patience(connect_seconds=2, read_seconds=4, attempts=2)
"""For calls that must end before API Gateway's timeout of 29 s: a call that hangs fails after about 9 s."""


class Unanswered(BotoCoreError):
    fmt = "S3 did not answer: {reason}"


class Untaken(BotoCoreError):
    fmt = "S3 was not asked: timed out waiting for a request slot"


MAKING = RLock()
"""Held while a client is made: botocore's sessions are not thread-safe, its clients are."""


_SERVICES = ["cloudwatch", "dynamodb", "events", "s3", "secretsmanager", "sqs", "stepfunctions", "sts"]


class _Loader(Loader):
    """Loads botocore's data. botocore would spend 15 ms searching the folders of 400 services for the requested one."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        return _SERVICES


@Once
def session() -> "Session":
    """The session of all clients of the process, also pynamodb's. It caches credentials and botocore's data files."""
    made = botocore.session.get_session()
    made.register_component("data_loader", _Loader())
    return made


class _Later:
    """A client made at its first use, since making one takes 20 to 100 ms of CPU.

    So ports can be built before it is known which clients a call needs.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._made = make, None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            with MAKING:
                self._made = self._made or self._make()
        return getattr(self._made, name)


def _client(service: str, config: Config | None = None) -> Any:
    return _Later(lambda: session().create_client(service, config=config))


def _config(patience: Patience) -> Config:
    return Config(
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.read_seconds,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
    )


def s3_client(
    *, connections: int, patience: Patience = PATIENT, sign_bodies: bool = True, virtual_hosts: bool = False
) -> "S3Client":
    """Make an S3 client. It sends checksums only where S3 requires them: copies have no body, others reject trailers.

    Over TLS, a body with a CRC needs no signature: botocore would compute the SHA-256 of each.
    With `virtual_hosts` the client signs URLs for `bucket.s3.{region}.…`. Botocore would use `bucket.s3.amazonaws.com`,
    which redirects to the bucket's region, where the signature is not valid. TLS refuses bucket names with a dot there.
    """
    special: _S3Dict = {} if sign_bodies else {"payload_signing_enabled": False}
    if virtual_hosts:
        special |= {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    config = Config(
        max_pool_connections=connections,
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.read_seconds,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # For presigned URLs: botocore would use the old signature version, which newer regions reject.
        signature_version="s3v4",
        s3=special or None,
    )
    client: S3Client = _client("s3", config)
    return client


def own_credentials() -> "Credentials":
    """Return this process's credentials, which its clients use too. Raises `NoCredentialsError`."""
    found = session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found


def own_region() -> str:
    """Return this process's region, where its clients send requests. Raises `NoRegionError`."""
    found: str | None = session().get_config_variable("region")
    if found is None:
        raise NoRegionError
    return found


def own_choice(name: str) -> bool:
    """Of this process, as botocore takes it from the environment or the configuration: `use_fips_endpoint`, …"""
    return bool(session().get_config_variable(name))


def events_client() -> "EventBridgeClient":
    client: EventBridgeClient = _client("events")
    return client


def workflow_client() -> "SFNClient":
    client: SFNClient = _client("stepfunctions")
    return client


def secrets_client() -> "SecretsManagerClient":
    client: SecretsManagerClient = _client("secretsmanager")
    return client


def sqs_client(patience: Patience, *, traced: bool = True) -> "SQSClient":
    """Make an SQS client. Without `traced`, what it sends does not belong to the call of the function that sends it.

    Lambda counts in the trace how often a function was called by what it sent, and stops it after 16 times (developer
    guide, "recursive loop detection").
    """

    def make() -> Any:
        client = session().create_client("sqs", config=_config(patience))
        if not traced:
            client.meta.events.unregister("before-call", add_recursion_detection_header)
        return client

    client: SQSClient = _Later(make)  # type: ignore[assignment]
    return client


def cloudwatch_client(patience: Patience) -> Any:
    return _client("cloudwatch", _config(patience))


def sts_client() -> "STSClient":
    client: STSClient = _client("sts")
    return client


def is_passing(error: ClientError | BotoCoreError) -> bool:
    """Return whether another try may succeed."""
    return isinstance(error, BotoCoreError) or s3_codes.is_passing(*_said(error))


def _said(error: ClientError) -> tuple[str, int]:
    """Return S3's error code and the status."""
    response = error.response
    return response.get("Error", {}).get("Code", ""), response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def object_error(
    error: ClientError | BotoCoreError, *, operation: str, uri: str, needs: Mapping[str, str] | None = None
) -> ObjectError:
    """Map a failed S3 call, or a role that could not be assumed for it, to a domain error.

    `needs`: permissions by operation, for the message if S3 denies access without naming one (across accounts).
    """
    if isinstance(error, BotoCoreError):
        return SourceUnavailable(str(error), operation=operation, uri=uri)
    code, status = _said(error)
    said = error.response.get("Error", {}).get("Message") or ""
    kind = s3_codes.error_of(code, status, error.operation_name, said)
    request_id = error.response.get("ResponseMetadata", {}).get("RequestId")
    words = s3_codes.WORDS.get(code) or said or "no reason given"
    message = f"{words} ({code}, request {request_id})" if request_id else f"{words} ({code})"
    needed = (needs or {}).get(error.operation_name)
    if kind is RoleRefused:
        message = f"the role cannot be assumed: {message}"
    elif kind is AccessDenied and needed and "authorized to perform" not in message:
        message += f"; {error.operation_name} needs {needed}"
    return kind(message, operation=operation, uri=uri)
