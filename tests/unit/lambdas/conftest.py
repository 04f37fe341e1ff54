import pytest

from tests.builders import World
from tests.unit.lambdas.api import Api


@pytest.fixture
def api(world: World) -> Api:
    return Api(world)
