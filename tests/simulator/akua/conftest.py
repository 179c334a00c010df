from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.simulator.conftest import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.conftest import World
from tests.simulator.akua.parts import Akua


@pytest.fixture
def akua(world: World, conforming: None) -> Iterator[Akua]:
    base = world.server.base_url("akua")
    with httpx.Client(base_url=base, headers={"authorization": "Bearer sk_akua_1"}, timeout=5, **QUICK) as http:
        yield Akua(world, http)
