"""Every spec of the catalogue: the pause that an API asks for is kept, and nothing is sent before it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.testing import rate_limited
from tests.catalogue.parts import NAMES, meet, start

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
    from tests.catalogue.parts import Hook

#: Only the pause of the API itself is kept, in virtual time.
pytestmark = pytest.mark.usefixtures("retry_at_once")
#: Longer than the first interval of any poll, so that only the API's own word explains it.
PAUSE = 100.0


class Sent:
    """The times at which an API has answered as it does without a fault, from now on."""

    def __init__(self, world: SimulatorServer, clock: VirtualClock) -> None:
        self.began = clock.time()
        self.times: list[float] = []
        world.observe(lambda _api, _request, _reply: self.times.append(clock.time()))

    @property
    def early(self) -> list[float]:
        """Return the times within the pause; what precedes the refusal takes no time."""
        return [at - self.began for at in self.times if 1 < at - self.began < PAUSE]


def refusal(**where: Any) -> Any:
    return rate_limited(1, retry_after=PAUSE, **where)


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_refused_submit_is_sent_again_after_the_pause(
    hook: Hook, operations_simulator: SimulatorServer, virtual_time: VirtualClock
) -> None:
    meet(hook, operations_simulator, refusal())
    sent = Sent(operations_simulator, virtual_time)
    start(hook)
    assert sent.early == []
    assert sent.times[-1] - sent.began >= PAUSE
    assert len(operations_simulator.operations(hook.api.name)) == 1


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_refused_poll_is_sent_again_after_the_pause(
    hook: Hook, operations_simulator: SimulatorServer, virtual_time: VirtualClock
) -> None:
    operation_id = start(hook).handle.operation_id or ""
    operations_simulator.faults(refusal(api=hook.api.name))
    sent = Sent(operations_simulator, virtual_time)
    assert hook.wait_for_operation(operation_id).state is OperationState.SUCCEEDED
    assert sent.early == []
    assert sent.times
    assert len(operations_simulator.operations(hook.api.name)) == 1
