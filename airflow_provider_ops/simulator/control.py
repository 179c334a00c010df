"""The control pages under `/_control`: they show the simulated world and steer it. They are not counted as requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from .clock import rfc3339_millis
from .rules import BadPlanError
from .stats import KEPT_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from .api import SimulatedApi
    from .app import Simulator
    from .records import Operation, Resource


def stats(simulator: Simulator) -> dict[str, Any]:
    """Return the counters since the last reset."""
    made = {name: (len(api.world.resources), len(api.world.operations)) for name, api in simulator.apis.items()}
    return simulator.stats.as_json(made, simulator.plan.by_kind)


def resources(simulator: Simulator) -> list[dict[str, Any]]:
    """Return all resources that were ever created, the deleted ones too."""
    return [_resource(row) for api in _up_to_date(simulator) for row in api.world.resources]


def operations(simulator: Simulator) -> list[dict[str, Any]]:
    """Return all operations that were ever started."""
    return [_operation(row) for api in _up_to_date(simulator) for row in api.world.operations]


def choices(simulator: Simulator) -> dict[str, dict[str, str]]:
    """Return, by API, what its documentation leaves open and what the simulator does."""
    return {name: dict(api.choices) for name, api in simulator.apis.items()}


def requests(simulator: Simulator, limit: int = KEPT_REQUESTS) -> list[dict[str, Any]]:
    """Return the last requests, oldest first."""
    return simulator.stats.log_as_json(limit)


def faults(simulator: Simulator) -> dict[str, Any]:
    """Return the fault plan in force, with how often each rule matched and fired."""
    return {"rules": simulator.plan.describe()}


_PAGES: dict[str, Callable[[Simulator], Any]] = {
    "/_control/stats": stats,
    "/_control/resources": resources,
    "/_control/operations": operations,
    "/_control/choices": choices,
}

PATHS = (*_PAGES, "/_control/requests", "/_control/faults", "/_control/reset")


def routes(simulator: Simulator) -> list[Route]:
    """Return the control pages of a simulator."""

    def page(produce: Callable[[Simulator], Any]) -> Callable[[Request], Any]:
        async def endpoint(_request: Request) -> JSONResponse:
            return JSONResponse(produce(simulator))

        return endpoint

    async def get_requests(request: Request) -> JSONResponse:
        text = request.query_params.get("limit", str(KEPT_REQUESTS))
        if not (text.isascii() and text.isdigit()):
            return JSONResponse({"error": "limit must be a whole number"}, status_code=400)
        return JSONResponse(requests(simulator, int(text)))

    async def post_reset(_request: Request) -> JSONResponse:
        simulator.reset()
        return JSONResponse({"reset": True})

    async def get_or_post_faults(request: Request) -> JSONResponse:
        return (
            await _replace_faults(simulator, request) if request.method == "POST" else JSONResponse(faults(simulator))
        )

    return [
        *(Route(path, page(produce)) for path, produce in _PAGES.items()),
        Route("/_control/requests", get_requests),
        # One route for both methods: of two routes with one path Starlette's 405 would only know the first.
        Route("/_control/faults", get_or_post_faults, methods=["GET", "POST"]),
        Route("/_control/reset", post_reset, methods=["POST"]),
    ]


async def _replace_faults(simulator: Simulator, request: Request) -> JSONResponse:
    try:
        return JSONResponse({"rules": simulator.set_faults(await request.body())})
    except BadPlanError as error:
        return JSONResponse({"error": str(error)}, status_code=400)


def _up_to_date(simulator: Simulator) -> list[SimulatedApi]:
    for api in simulator.apis.values():
        api.world.advance()
    return list(simulator.apis.values())


def _resource(row: Resource) -> dict[str, Any]:
    return {
        "api": row.api,
        "kind": row.kind,
        "id": row.id,
        "name": row.name,
        "operation_id": row.created_by,
        "created_at": rfc3339_millis(row.created_at),
        "deleted": row.deleted,
        "status": row.status,
    }


def _operation(row: Operation) -> dict[str, Any]:
    return {
        "api": row.api,
        "kind": row.kind,
        "id": row.id,
        "stage": row.stage,
        "shown_as": row.shown,
        "phase": row.phase.name if row.phase else None,
        "resource_id": row.resource.id,
        "resource_name": row.resource.name,
        "created_at": rfc3339_millis(row.created_at),
        "started_at": rfc3339_millis(row.started_at),
        "ended_at": rfc3339_millis(row.ended_at),
        "cancel_requested_at": rfc3339_millis(row.cancel_requested_at),
        "reason": row.reason if row.settled else None,
        "reads": row.reads,
    }
