from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.simulator.nirvana.parts import Nirvana


@pytest.fixture
def api(
    virtual_server: SimulatorServer, manual_clock: VirtualClock, connect: Callable[..., httpx.Client], conforming: None
) -> Nirvana:
    virtual_server.reset()
    client = connect(virtual_server, None, "/nirvana")
    client.headers["Authorization"] = "Bearer sk-test-canary"
    return Nirvana(virtual_server, manual_clock, client)
