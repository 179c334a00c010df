"""The server of one measurement: the package's simulator, the endpoints of the peers over the same operations, truth.

Peers poll the endpoints that they speak; all of them show the operations of the simulated Onvera. Latency, rate limit
and statistics are the same for everybody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from airflow_provider_ops.simulator import delivery
from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.clock import SystemClock
from airflow_provider_ops.simulator.gateway import Gateway, Request
from airflow_provider_ops.simulator.serve import Address, Service
from airflow_provider_ops.simulator.stats import Seen, Stats
from airflow_provider_ops.simulator.world import Settings

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.types import Receive, Scope, Send

    from airflow_provider_ops.simulator.records import Operation

_CREATE: dict[str, tuple[str, dict[str, Any]]] = {
    "onvera": ("/deployments", {"app_type": "airflow"}),
    "akua": ("/clusters", {"region_id": "reg_eu"}),
}
_CHUNK = 100


class Limit:
    """So many requests per second, then 429 for a while; whoever comes back before that is over is counted."""

    def __init__(self, rate: float, pause: float, latency: float) -> None:
        self.rate, self.pause = rate, pause
        # what was sent before the refusal could be read is no violation
        self.grace = 2 * latency + 0.05
        self.tokens, self.at = rate, 0.0
        self.refused_at = self.until = 0.0
        self.refusals = self.too_early = 0

    def refuse(self, now: float) -> float:
        """Take a request in: 0.0, or the seconds after which to come again."""
        if now < self.until:
            self.refusals += 1
            self.too_early += now > self.refused_at + self.grace
            return self.until - now
        self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        self.refusals += 1
        self.refused_at, self.until = now, now + self.pause
        return self.pause


class _Steady(random.Random):
    """Durations are what the benchmark says, without the simulator's own jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class _Later(SystemClock):
    """The machine's clock, moved on when the benchmark says so: then all operations are over at once."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Bench:
    """The powers of the benchmark over one simulator."""

    def __init__(self, service: Service, limit: Limit | None, clock: _Later) -> None:
        self.service = service
        self.limit = limit
        self.clock = clock
        self.operations: list[Operation] = []
        self.arrivals: list[float] = []

    async def start(self, request: HttpRequest) -> JSONResponse:
        """Start operations and forget what that cost."""
        query = request.query_params
        api, count = query["api"], int(query["count"])
        low, high = float(query["low"]), float(query["high"])
        simulator, drawn = self.service.simulator, random.Random(7)
        world = simulator.apis[api].world
        world._jitter = _Steady()  # noqa: SLF001
        gateway = Gateway(simulator, api)
        path, body = _CREATE[api]
        latency, self.operations = simulator.settings.latency, []
        # a key that was used before would bring back the operation of then
        batch = time.time_ns()
        for number in range(count):
            simulator.settings.duration = drawn.uniform(low, high)
            headers = {
                "content-type": "application/json",
                "x-api-key": "bench",
                "authorization": "Bearer bench",
                "idempotency-key": f"bench-{batch}-{number}",
            }
            content = json.dumps({**body, "name": f"n{number}"}).encode()
            match = simulator.routers[api].match("POST", path)
            await gateway._answer(simulator.apis[api], Request("POST", path, "", headers, content, match))  # noqa: SLF001
            if number % _CHUNK == 0:
                await asyncio.sleep(0)
        simulator.settings.latency = latency
        self.operations = list(world.operations)[-count:]
        simulator.stats = Stats()
        simulator.connections.on_lost = simulator.stats.lost
        self.arrivals.clear()
        return JSONResponse([operation.id for operation in self.operations])

    async def later(self, request: HttpRequest) -> JSONResponse:
        """Move the clock on; the answer is when that was, by the machine's own."""
        self.clock.ahead += float(request.query_params["seconds"])
        now = time.time()
        for api in self.service.simulator.apis.values():
            api.world.advance()
        return JSONResponse(now)

    async def truth(self, _request: HttpRequest) -> JSONResponse:
        """When each operation settled, to the microsecond, and what was asked for."""
        for api in self.service.simulator.apis.values():
            api.world.advance()
        limit = self.limit
        return JSONResponse(
            {
                "ends": {operation.id: operation.ended_at for operation in self.operations},
                "most_in_a_second": _most_in_a_second(self.arrivals),
                "refusals": limit.refusals if limit else 0,
                "too_early": limit.too_early if limit else 0,
            }
        )

    def peer(self, name: str, number: str) -> tuple[int, Any]:
        """Return what a peer's endpoint says about an operation."""
        operation = self.operations[int(number)]
        self.service.simulator.apis["onvera"].world.advance()
        over = operation.settled
        if name == "databricks":
            ended, running = (
                {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"},
                {"life_cycle_state": "RUNNING"},
            )
            return 200, {"run_id": int(number), "state": {"state_message": "", **(ended if over else running)}}
        if name == "dbt":
            return 200, {"status": {"code": 200}, "data": {"id": int(number), "status": 10 if over else 3}}
        if name == "fivetran":
            succeeded_at = datetime.fromtimestamp(operation.ended_at or 0.0, timezone.utc).isoformat()
            status = {"setup_state": "connected", "sync_state": "scheduled" if over else "syncing"}
            shown = {"id": number, "service": "bench", "schema": "bench", "paused": False, "status": status}
            old = "2020-01-01T00:00:00Z"
            return 200, {"data": {**shown, "succeeded_at": succeeded_at if over else old, "failed_at": old}}
        return (200, {"done": True}) if over else (404, {"done": False})


def _most_in_a_second(arrivals: list[float]) -> int:
    most = first = 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


class Peers:
    """The endpoints of the peers; the way of a request is that of the simulator's own gateway."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a peer."""
        simulator = self._bench.service.simulator
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        connection, stats, now = simulator.connections.of(scope), simulator.stats, time.time()
        stats.begin("onvera", "peer", connection, now)
        status, data = self._bench.peer(*_subject(scope["path"], body))
        if simulator.settings.latency:
            await asyncio.sleep(simulator.settings.latency)
        reply = Reply(status, data)
        await delivery.deliver(delivery.Line(connection, send, simulator.clock), reply, None)
        stats.end(Seen(now, "onvera", scope["method"], scope["path"], "", {}, status, None))


def _subject(path: str, body: bytes) -> tuple[str, str]:
    parts = path.strip("/").split("/")
    if parts[:2] == ["api", "2.2"] or "jobs" in parts:
        return "databricks", str(json.loads(body)["run_id"])
    if "accounts" in parts:
        return "dbt", parts[-1]
    if "connectors" in parts:
        return "fivetran", parts[-1]
    return "http", parts[-1]


class Entrance:
    """Before everything: notes when requests arrive, and refuses those that are too many."""

    def __init__(self, app: Any, bench: Bench) -> None:
        self._app = app
        self._bench = bench

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(("/_control", "/_bench")):
            await self._app(scope, receive, send)
            return
        now = time.time()
        self._bench.arrivals.append(now)
        limit = self._bench.limit
        if limit is None or not (pause := limit.refuse(now)):
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(self._bench.service.simulator.settings.latency)
        headers = {"Retry-After": str(math.ceil(pause))}
        await JSONResponse({"error": {"code": "RATE_LIMIT"}}, status_code=429, headers=headers)(scope, receive, send)


def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM."""

    def ready(service: Service) -> None:
        sys.stdout.write(f"{service.url}\n")
        sys.stdout.flush()

    settings = Settings(duration=30.0, seed=1, latency=options.latency / 1000)
    address = Address("127.0.0.1", 0, options.certfile, options.keyfile)
    clock = _Later()
    service = Service(address, settings, clock=clock, on_ready=ready)
    limit = Limit(options.rate_limit, options.pause, settings.latency) if options.rate_limit else None
    bench = Bench(service, limit, clock)
    app = service.simulator.app
    app.router.routes[:0] = [
        Route("/_bench/start", bench.start, methods=["POST"]),
        Route("/_bench/later", bench.later, methods=["POST"]),
        Route("/_bench/truth", bench.truth),
        Mount("/api", Peers(bench)),
        Mount("/v1", Peers(bench)),
        Mount("/peer", Peers(bench)),
    ]
    service.server.config.loaded_app = Entrance(service.server.config.loaded_app, bench)
    service.run()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=20.0)
    parser.add_argument("--rate-limit", type=float)
    parser.add_argument("--pause", type=float, default=2.0)
    parser.add_argument("--certfile")
    parser.add_argument("--keyfile")
    serve(parser.parse_args())


if __name__ == "__main__":
    main()
