"""The deployed local stack for the end-to-end tests: started once, always stopped.

`CLIPFERRY_STACK=path/to/stack.json` uses a running one (`make local`) instead, and leaves it running.
That one checks clips, so tests whose clips are a few bytes need it deployed with `support.UNCHECKED`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import api as service
from local import aws
from local.config import ROOT, StateDir
from local.down import bring_down
from local.stack import Stack
from local.up import StackOptions, bring_up, end_on_sigterm
from tests.e2e.faults import (
    functions,
    invoke,
    own_ticks,
    paused_copies,
    paused_plans,
    retry_soon,
    wide_window,
    with_environment,
)
from tests.e2e.raised import PROVOKES, failures, functions_fail_only_as_expected
from tests.e2e.stores import provider_stores
from tests.e2e.support import DELETABLE, UNCHECKED, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


HERE = Path(__file__).parent

# Fixtures for every test, which only a conftest can offer.
__all__ = [
    "failures",
    "functions",
    "functions_fail_only_as_expected",
    "invoke",
    "own_ticks",
    "paused_copies",
    "paused_plans",
    "provider_stores",
    "wide_window",
    "with_environment",
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", PROVOKES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the end-to-end tests out of the coverage: their direct calls of `service` prove nothing."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("no_cover")


class Api:
    """A client of the API: every call returns the status and the parsed body, also for errors."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self.key = key
        self._api = service.Api(base_url, key)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Bytes are sent unchanged, other bodies as JSON. An answer that is not JSON is returned as text."""
        answer = self._api.send(method, path, body=body, query=query, headers=headers)
        try:
            return answer.status, answer.json()
        except ValueError:
            return answer.status, answer.body.decode(errors="replace")

    def get(self, path: str, **query: object) -> tuple[int, Any]:
        return self("GET", path, query=query)

    def post(self, path: str, body: object) -> tuple[int, Any]:
        return self("POST", path, body)

    def with_key(self, key: str) -> "Api":
        """Return a client with another key; an empty one sends none."""
        return Api(self.base_url, key)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack under test."""
    given = os.environ.get("CLIPFERRY_STACK")
    if given:
        yield Stack.read(Path(given))
        return
    state = StateDir(ROOT / ".local" / f"test{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    end_on_sigterm()
    try:
        own = bring_up(state, _silently, StackOptions(context=UNCHECKED | DELETABLE))
        retry_soon(own)
        yield own
    finally:
        bring_down(state)


@pytest.fixture(scope="session")
def api(stack: Stack) -> Api:
    """With the key of `stack.project`."""
    return Api(stack.base_url, stack.api_key)


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Api:
    """With the admin key."""
    return Api(stack.base_url, stack.admin_key)


@pytest.fixture
def own(stack: Stack, admin: Api) -> Stack:
    """The stack with the name and a key of a new project, which has no imports of other tests."""
    return with_new_project(stack, admin)


@pytest.fixture
def team(own: Stack) -> Api:
    """With the key of `own.project`."""
    return Api(own.base_url, own.api_key)


def with_new_project(stack: Stack, admin: Api) -> Stack:
    project = unique("team")
    status, made = admin.post("/v1/keys", {"project": project, "name": "test"})
    assert status == 201, made
    return replace(stack, project=project, api_key=made["key"])


@pytest.fixture(scope="session")
def s3(stack: Stack) -> "S3Client":
    return aws.s3(stack.aws_endpoint_url)


@pytest.fixture(scope="session")
def dynamodb(stack: Stack) -> "DynamoDBClient":
    return aws.session().client("dynamodb", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)


@pytest.fixture(scope="session")
def sqs(stack: Stack) -> "SQSClient":
    return aws.session().client("sqs", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)


@pytest.fixture(scope="session")
def stepfunctions(stack: Stack) -> "SFNClient":
    return aws.stepfunctions(stack.aws_endpoint_url)


@contextmanager
def _silently(_title: str) -> Iterator[None]:
    yield
