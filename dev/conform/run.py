"""One run of everything that there is for an API against its simulator."""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.routing import shape
from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from dev.conform import akua, nirvana
from dev.conform.contract import FIRST_ERROR
from dev.conform.driver import Driver, ask_wrongly
from dev.conform.recorder import Recorder

if TYPE_CHECKING:
    from dev.conform.contract import Contract

_HOOKS = {"akua": "hooks.akua.AkuaHook", "nirvana": "hooks.nirvana.NirvanaHook"}
_WALKS = {"akua": akua.walk, "nirvana": nirvana.walk}
_DURATION = 100.0


@dataclass(frozen=True)
class Outcome:
    """What was seen, and what was not."""

    recorder: Recorder
    left_out: list[str]
    unanswered: list[str]

    @property
    def problems(self) -> list[str]:
        """All that is wrong, a line each."""
        return [
            *self.recorder.report(),
            *(f"never used: {name}" for name in self.left_out),
            *(f"never answered with success: {name}" for name in self.unanswered),
        ]


def drive(api: str, contract: Contract) -> Outcome:
    """Use the hook, the operators and the simulator of an API, and then the simulator wrongly."""
    recorder, clock = Recorder(api, contract), VirtualClock()
    routes = [(route.method, route.template, route.body is not None) for route in Simulator().apis[api].routes()]
    with SimulatorServer(duration=_DURATION, clock=clock) as server, patch.dict(os.environ, server.environ()):
        server.observe(recorder)
        hook = pkgutil.resolve_name(f"airflow_provider_ops.{_HOOKS[api]}")(clock=clock)
        driver = Driver(hook, server, clock)
        _WALKS[api](driver)
        recorder.checks_requests = False
        ask_wrongly(server, api, routes)
        hook.close()
    operators = pkgutil.resolve_name(f"airflow_provider_ops.operators.{api}")
    return Outcome(recorder, driver.left_out(operators), _unanswered(recorder, routes))


def _unanswered(recorder: Recorder, routes: list[tuple[str, str, bool]]) -> list[str]:
    answered = {shape(call) for call, status in recorder.seen if status < FIRST_ERROR}
    named = [f"{method} {template}" for method, template, _ in routes]
    return [name for name in named if shape(name) not in answered]
