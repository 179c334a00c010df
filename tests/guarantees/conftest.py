from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.testing import SimulatorServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[SimulatorServer]:
    """A simulator in virtual time, whose operations take the ``DURATION`` of the module, with its connections."""
    with (
        SimulatorServer(duration=request.module.DURATION, clock=clock) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in server.environ().items():
            patch.setenv(name, value)
        yield server
