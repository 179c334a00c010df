"""The simulator as a whole: all APIs, the fault plan and the statistics, behind one ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from . import control
from .clock import Clock, SystemClock
from .faults import FaultPlan, check_places
from .gateway import Bucket, Gateway
from .network import Connections
from .registry import APIS
from .rules import parse_plan
from .stats import Stats
from .world import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from . import gateway
    from .api import Reply, SimulatedApi

    Observer = Callable[[str, gateway.Request, Reply], None]


class Simulator:
    """One simulated world; `app` serves it, the methods are the powers of the control pages."""

    def __init__(
        self, settings: Settings | None = None, clock: Clock | None = None, apis: Sequence[type[SimulatedApi]] = APIS
    ) -> None:
        self.settings = settings or Settings()
        self.clock: Clock = clock or SystemClock()
        self.connections = Connections()
        self._classes = list(apis)
        self.observers: list[Observer] = []
        """Called with the name of the API, the request and the answer, unless a fault has made that."""
        self.reset()
        self.app = Starlette(
            routes=[
                *(Mount(api.mount, Gateway(self, name)) for name, api in self.apis.items()),
                *control.routes(self),
                Route("/", self._index),
            ],
            exception_handlers={404: self._nothing_here},
        )
        self.app.router.redirect_slashes = False

    def reset(self) -> None:
        """Forget all state, statistics and the fault plan; ids start again from the seed."""
        self.apis: dict[str, SimulatedApi] = {cls.name: cls(self.settings, self.clock) for cls in self._classes}
        # Routes hold bound methods, so they are as new as the APIs.
        self.routers = {name: api.router() for name, api in self.apis.items()}
        rate = self.settings.rate_limit
        self.buckets = {name: Bucket(rate) for name in self.apis} if rate else {}
        self.stats = Stats()
        self.connections.on_lost = self.stats.lost
        self.plan = FaultPlan([], self.settings.seed, self.clock)

    def add(self, api: type[SimulatedApi]) -> None:
        """Serve one more API, from now on; one of the same name is replaced."""
        is_new = api.name not in self.apis
        self._classes = [*(one for one in self._classes if one.name != api.name), api]
        self.apis[api.name] = made = api(self.settings, self.clock)
        self.routers[api.name] = made.router()
        if self.settings.rate_limit:
            self.buckets[api.name] = Bucket(self.settings.rate_limit)
        if is_new:
            self.app.router.routes.insert(0, Mount(api.mount, Gateway(self, api.name)))

    def set_faults(self, document: str | bytes | list[Any] | dict[str, Any]) -> int:
        """Replace the fault plan and return how many rules it has; raise BadPlanError if it cannot be used."""
        rules = parse_plan(document)
        check_places(rules, {name: (api.mount, self.routers[name].templates) for name, api in self.apis.items()})
        self.plan = FaultPlan(rules, self.settings.seed, self.clock)
        return len(rules)

    async def _index(self, _request: Request) -> Response:
        return JSONResponse({"simulator": "airflow_provider_ops", **self._addresses()})

    async def _nothing_here(self, _request: Request, _error: Exception) -> Response:
        return JSONResponse({"error": "nothing is served here", **self._addresses()}, status_code=404)

    def _addresses(self) -> dict[str, Any]:
        return {"apis": {name: api.mount for name, api in self.apis.items()}, "control": list(control.PATHS)}
