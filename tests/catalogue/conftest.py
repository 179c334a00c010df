"""One hook for each spec of the catalogue, at the API that the simulator makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.specs import load
from tests.catalogue.parts import hook_of

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
    from tests.catalogue.parts import Hook


@pytest.fixture
def hook(request: Any, operations_simulator: SimulatorServer, virtual_time: VirtualClock) -> Hook:
    spec = load(request.param)
    operations_simulator.add(spec)
    return hook_of(spec, operations_simulator.base_url(spec.name))
