"""Stores of the other providers next to the deployed stack, and integrations that open them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.faults import reconfigured
from tests.sources.stores import DATASET, SAVED, Store, start_stores

if TYPE_CHECKING:
    from tests.e2e.conftest import Api


@pytest.fixture(scope="session")
def provider_stores(
    stack: Stack,  # noqa: ARG001  # it must run before its functions change
    functions: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, Store]]:
    """Yield the stores by name. During the block, the deployed functions use the stand-in for the Hub."""
    with ExitStack() as open_things:
        started = start_stores(open_things, tmp_path_factory.mktemp("stores")).by_name
        stores = {name: started[name] for name in (*SAVED, DATASET)}
        for handler in ("lambdas.api.handler", "lambdas.plan.handler", "lambdas.copy.handler"):
            hub = stores["hf"].front.url
            open_things.enter_context(reconfigured(functions, handler, HF_ENDPOINT=hub))
        yield stores


def save(api: "Api", store: Store, credentials: str = "good", **changes: object) -> dict[str, Any]:
    """Return the saved integration; empty if none is needed."""
    fields = store.integration(credentials)
    if not fields:
        return {}
    made: dict[str, Any]
    status, made = api.post("/v1/integrations", {"name": store.name, **fields, **changes})
    assert status == 201, made
    return made
