"""The simulator in a thread of the process that runs the tests."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from airflow_provider_ops.simulator.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from typing_extensions import Self

    from airflow_provider_ops.simulator.app import Observer, Simulator
    from airflow_provider_ops.simulator.clock import Clock
    from airflow_provider_ops.simulator.serve import Service
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.testing.faults import Rule

_T = TypeVar("_T")
_PATIENCE = 60.0
"""Seconds of real time in which the server thread must react; on a machine that is busy, ten are too few."""


class SimulatorServer:
    """The simulator in a thread of this process, as a context manager.

    `duration` (seconds an operation takes) and `latency` (seconds added to each answer) may be changed at any time;
    `reset` brings back what they were at the start.
    """

    def __init__(
        self,
        *,
        duration: float = 0.2,
        seed: int = 1,
        latency: float = 0.0,
        rate_limit: float | None = None,
        clock: Clock | None = None,
        port: int = 0,
        certfile: str | None = None,
        keyfile: str | None = None,
    ) -> None:
        from airflow_provider_ops.simulator.world import Settings  # noqa: PLC0415 - brings pydantic

        self._settings = Settings(duration, seed, latency, rate_limit)
        self._at_start = replace(self._settings)
        # the APIs are other machines
        self._clock = clock.without_steps() if isinstance(clock, VirtualClock) else clock
        self._listen = {"port": port, "certfile": certfile, "keyfile": keyfile}
        self._ready = threading.Event()
        self._service: Service | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start to serve; returns when requests can be sent."""
        from airflow_provider_ops.simulator.serve import Address, Service  # noqa: PLC0415 - brings uvicorn and starlette

        if self._thread is not None:
            raise RuntimeError("the simulator is already running")
        address = Address(**self._listen)  # type: ignore[arg-type]
        self._service = Service(address, self._settings, clock=self._clock, on_ready=self._take_loop)
        self._thread = threading.Thread(target=self._service.run, name="operations-simulator", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE):
            raise RuntimeError("the simulator did not start")

    def stop(self) -> None:
        """Stop serving and forget everything; connections still open are cut."""
        if self._service is None or self._thread is None:
            return
        self._service.server.should_exit = True
        self._thread.join(_PATIENCE)
        self._service = self._thread = self._loop = None
        self._ready.clear()

    @property
    def url(self) -> str:
        """Return the address of the server, without a slash at the end."""
        return self._running().url

    @property
    def apis(self) -> tuple[str, ...]:
        """Names of the simulated APIs; also their connection types."""
        return tuple(self._running().simulator.apis)

    @property
    def duration(self) -> float:
        """Return the seconds that operations take which start from now on."""
        return self._settings.duration

    @duration.setter
    def duration(self, seconds: float) -> None:
        self._settings.duration = seconds

    @property
    def latency(self) -> float:
        """Return the seconds that every answer takes longer."""
        return self._settings.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._settings.latency = seconds

    def base_url(self, api: str) -> str:
        """Return what belongs into the host field of a connection to this API."""
        return self._running().base_url(api)

    def connection_json(self, api: str, password: str = "test-key", **extra: object) -> str:  # noqa: S107 - any key will do
        """Return a connection for an environment variable `AIRFLOW_CONN_...`, as JSON."""
        return self._running().connection_json(api, password, **extra)

    def connection_uri(self, api: str, password: str = "test-key", **extra: object) -> str:  # noqa: S107 - any key will do
        """Return the same connection as a URI."""
        host = quote(self.base_url(api), safe="")
        # Under this one key Airflow takes extras of any type.
        extras = self._extras(api, extra)
        query = "?" + urlencode({"__extra__": json.dumps(extras)}) if extras else ""
        return f"{api}://:{quote(password, safe='')}@{host}/{query}"

    def environ(self, password: str = "test-key") -> dict[str, str]:  # noqa: S107 - any key will do
        """Return the environment in which the default connections of all APIs lead here."""
        return self._running().environ(password)

    def add(self, spec: ApiSpec | str | Path) -> str:
        """Serve one more API, from its spec or the file or text of that, and return its name.

        It stays for the rest of the server's life; :meth:`connection_json` gives the connection that leads to it.
        """
        from airflow_provider_ops.simulator.described import simulated  # noqa: PLC0415 - brings pydantic
        from airflow_provider_ops.spec import ApiSpec as Spec  # noqa: PLC0415

        known = spec if isinstance(spec, Spec) else Spec.from_yaml(spec)
        self._ask(lambda simulator, _control: simulator.add(simulated(known)))
        return known.name

    def stats(self) -> dict[str, Any]:
        """Return the counters since the last reset, as `GET /_control/stats` does."""
        return self._ask(lambda simulator, control: control.stats(simulator))

    def resources(self, api: str | None = None) -> list[dict[str, Any]]:
        """Return all resources ever created (at one API), the deleted ones too."""
        return _only(api, self._ask(lambda simulator, control: control.resources(simulator)))

    def operations(self, api: str | None = None) -> list[dict[str, Any]]:
        """Return all operations ever started (at one API)."""
        return _only(api, self._ask(lambda simulator, control: control.operations(simulator)))

    def requests(self, api: str | None = None) -> list[dict[str, Any]]:
        """Return the last requests (to one API), oldest first, without their keys."""
        return _only(api, self._ask(lambda simulator, control: control.requests(simulator)))

    def observe(self, observer: Observer) -> None:
        """Call `observer(api, request, reply)` for every request that no fault meets, from the server's own thread."""
        self._ask(lambda simulator, _control: simulator.observers.append(observer))

    def faults(self, *rules: Rule) -> None:
        """Replace the fault plan; no rules means no faults. Raises ValueError for a rule that makes no sense."""
        self._ask(lambda simulator, _control: simulator.set_faults(list(rules)))

    def reset(self) -> None:
        """Forget state, statistics and faults, and bring back the settings of the start."""
        self._settings.__dict__.update(self._at_start.__dict__)
        self._ask(lambda simulator, _control: simulator.reset())

    def _extras(self, api: str, extra: Mapping[str, object]) -> dict[str, object]:
        return {**self._running().simulator.apis[api].connection_extra, **extra}

    def _running(self) -> Service:
        if self._service is None:
            raise RuntimeError("the simulator is not running: use it in a with statement, or call start() first")
        return self._service

    def _take_loop(self, _service: Service) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    def _ask(self, question: Callable[[Simulator, Any], _T]) -> _T:
        """Return the answer from the server's own thread, where nothing else happens meanwhile."""
        from airflow_provider_ops.simulator import control  # noqa: PLC0415 - brings starlette

        service, loop = self._running(), self._loop

        async def answer() -> _T:
            return question(service.simulator, control)

        if loop is None:
            raise RuntimeError("the simulator is not running")
        asked = asyncio.run_coroutine_threadsafe(answer(), loop)
        try:
            return asked.result(_PATIENCE)
        except concurrent.futures.TimeoutError:
            if asked.done():
                raise
            asked.cancel()
            raise RuntimeError(
                f"the simulator has not answered within {_PATIENCE:g} s: its thread is held up, or the machine is busy"
            ) from None


def _only(api: str | None, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if api in (None, row["api"])]
