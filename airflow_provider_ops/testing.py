"""For tests of your own DAGs: the simulator as a pytest fixture, faults with readable names, and a virtual clock.

    pytest_plugins = ["airflow_provider_ops.testing"]          # in conftest.py

    def test_my_dag(operations_simulator):
        operations_simulator.faults(drop_answer(), fail_first(3, status=503))
        dag.test()
        assert operations_simulator.stats()["by_api"]["onvera"]["created"] == 1

Nothing heavy is imported before a server is started.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from urllib.parse import quote, urlencode

from .simulator.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self, Unpack

    from .simulator.app import Simulator
    from .simulator.clock import Clock
    from .simulator.serve import Service

__all__ = [
    "Rule",
    "SimulatorServer",
    "VirtualClock",
    "Where",
    "drop_answer",
    "endless",
    "fail_first",
    "fail_sometimes",
    "hang",
    "html",
    "not_found_first",
    "operation_cancelled",
    "operation_fails",
    "operations_simulator",
    "outage",
    "rate_limited",
    "reset_connection",
    "slow_cancel",
    "trickle",
    "truncated",
    "unknown_status",
]

Rule = dict[str, Any]
"""A rule of a fault plan; docs/simulator.md has all keys."""

_T = TypeVar("_T")
_PATIENCE = 10.0
"""Seconds of real time in which the server thread must react."""


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
        from .simulator.world import Settings  # noqa: PLC0415 - brings pydantic

        self._settings = Settings(duration, seed, latency, rate_limit)
        self._at_start = replace(self._settings)
        self._clock = clock
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
        from .simulator.serve import Address, Service  # noqa: PLC0415 - brings uvicorn and starlette

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
        """Address of the server, without a slash at the end."""
        return self._running().url

    @property
    def apis(self) -> tuple[str, ...]:
        """Names of the simulated APIs; also their connection types."""
        return tuple(self._running().simulator.apis)

    @property
    def duration(self) -> float:
        """Seconds that operations take which start from now on."""
        return self._settings.duration

    @duration.setter
    def duration(self, seconds: float) -> None:
        self._settings.duration = seconds

    @property
    def latency(self) -> float:
        """Seconds that every answer takes longer."""
        return self._settings.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._settings.latency = seconds

    def base_url(self, api: str) -> str:
        """Return what belongs into the host field of a connection to this API."""
        return self.url + self._running().simulator.apis[api].mount

    def connection_json(self, api: str, password: str = "test-key", **extra: object) -> str:  # noqa: S107 - any key will do
        """Return a connection for an environment variable `AIRFLOW_CONN_...`, as JSON."""
        fields: dict[str, Any] = {"conn_type": api, "host": self.base_url(api), "password": password}
        if extras := self._extras(api, extra):
            fields["extra"] = extras
        return json.dumps(fields)

    def connection_uri(self, api: str, password: str = "test-key", **extra: object) -> str:  # noqa: S107 - any key will do
        """Return the same connection as a URI."""
        host = quote(self.base_url(api), safe="")
        # Under this one key Airflow takes extras of any type.
        extras = self._extras(api, extra)
        query = "?" + urlencode({"__extra__": json.dumps(extras)}) if extras else ""
        return f"{api}://:{quote(password, safe='')}@{host}/{query}"

    def environ(self, password: str = "test-key") -> dict[str, str]:  # noqa: S107 - any key will do
        """Return the environment in which the default connections of all APIs lead here."""
        return {f"AIRFLOW_CONN_{api.upper()}_DEFAULT": self.connection_json(api, password) for api in self.apis}

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
        from .simulator import control  # noqa: PLC0415 - brings starlette

        service, loop = self._running(), self._loop

        async def answer() -> _T:
            return question(service.simulator, control)

        if loop is None:
            raise RuntimeError("the simulator is not running")
        return asyncio.run_coroutine_threadsafe(answer(), loop).result(_PATIENCE)


def _only(api: str | None, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if api in (None, row["api"])]


class Where(TypedDict, total=False):
    """Which requests a fault is for; all of them where nothing is said."""

    api: str
    method: str
    route: str
    resource: str
    name: str
    skip: int
    probability: float
    after: float


def fail_first(n: int = 1, status: int = 503, **where: Unpack[Where]) -> Rule:
    """The first `n` requests are answered with an error and not carried out."""
    return {"fault": "status", "status": status, "count": n, **where}


def fail_sometimes(chance: float, status: int = 503, **where: Unpack[Where]) -> Rule:
    """Each request may be answered with an error, with a chance of 0 to 1; which ones comes from the seed."""
    return {"fault": "status", "status": status, "probability": chance, **where}


def outage(seconds: float, status: int = 503, **where: Unpack[Where]) -> Rule:
    """From now on (or `after` some seconds) nothing works, for that long."""
    return {"fault": "status", "status": status, "for": seconds, **where}


def rate_limited(n: int = 1, retry_after: float | Rule = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` requests get a 429; `retry_after` in seconds, `{"date_in": seconds}` or `{"ms": n}`."""
    return {"fault": "status", "status": 429, "count": n, "retry_after": retry_after, **where}


def reset_connection(n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` requests end in a connection reset and are not carried out."""
    return {"fault": "reset", "count": n, **where}


def drop_answer(n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` requests (POST unless said otherwise) are carried out, but their answers never arrive."""
    where.setdefault("method", "POST")
    return {"fault": "accept_then_drop", "count": n, **where}


def hang(seconds: float, n: int = 1, *, execute: bool = False, **where: Unpack[Where]) -> Rule:
    """The first `n` requests get no answer for a while, then a connection reset; carried out with `execute`."""
    return {"fault": "hang", "seconds": seconds, "count": n, "execute": execute, **where}


def trickle(seconds: float, n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` answers come in small pieces over that time."""
    return {"fault": "trickle", "seconds": seconds, "count": n, **where}


def html(n: int = 1, status: int = 200, **where: Unpack[Where]) -> Rule:
    """The first `n` requests are answered with a page of HTML and not carried out."""
    return {"fault": "html", "status": status, "count": n, **where}


def truncated(n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` answers are JSON that ends in the middle; the requests are carried out."""
    return {"fault": "truncated", "count": n, **where}


def unknown_status(word: str = "hibernating", seconds: float = 2.0, **where: Unpack[Where]) -> Rule:
    """New operations show a status nobody knows, for the first seconds of their running."""
    return {"fault": "unknown_status", "word": word, "seconds": seconds, **where}


def not_found_first(reads: int = 2, **where: Unpack[Where]) -> Rule:
    """New operations cannot be found in their first reads."""
    return {"fault": "not_found_first", "reads": reads, **where}


def operation_fails(reason: str = "injected failure", n: int | None = None, **where: Unpack[Where]) -> Rule:
    """New operations (or the first `n`) fail for this reason."""
    return {"fault": "operation_fails", "reason": reason, "count": n, **where}


def operation_cancelled(reason: str = "injected cancellation", n: int | None = None, **where: Unpack[Where]) -> Rule:
    """New operations (or the first `n`) end as cancelled for this reason."""
    return {"fault": "operation_cancelled", "reason": reason, "count": n, **where}


def endless(n: int | None = None, **where: Unpack[Where]) -> Rule:
    """New operations (or the first `n`) never settle."""
    return {"fault": "endless", "count": n, **where}


def slow_cancel(seconds: float = 10.0, **where: Unpack[Where]) -> Rule:
    """Cancelling new operations takes this long."""
    return {"fault": "slow_cancel", "seconds": seconds, **where}


try:
    import pytest
except ImportError:  # the server and the faults are of use without pytest as well
    pass
else:
    _SERVER: pytest.StashKey[SimulatorServer] = pytest.StashKey()

    @pytest.fixture
    def operations_simulator(
        request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[SimulatorServer]:
        """A fresh simulator to which the default connections of all APIs lead.

        One server serves the whole session (starting one takes longer than most tests) and is reset for every test.
        """
        config = request.config
        if _SERVER not in config.stash:
            config.stash[_SERVER] = server = SimulatorServer()
            server.start()
            config.add_cleanup(server.stop)
        server = config.stash[_SERVER]
        server.reset()
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server
        server.reset()
