"""Running the simulator in this process: on the main thread for the command, on another one for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .app import Simulator
from .network import Server, listen
from .registry import APIS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from .api import SimulatedApi
    from .clock import Clock
    from .world import Settings


class CannotStartError(Exception):
    """The server cannot be started; the message is one line."""


@dataclass(frozen=True)
class Address:
    """Where and how to listen."""

    host: str = "127.0.0.1"
    port: int = 0
    certfile: str | None = None
    keyfile: str | None = None


class Service:
    """A simulator with its socket and server; the socket listens from the start, so `url` is known at once."""

    def __init__(
        self,
        address: Address,
        settings: Settings,
        *,
        clock: Clock | None = None,
        faults: Any = None,
        more: Sequence[type[SimulatedApi]] = (),
        on_ready: Callable[[Service], None],
    ) -> None:
        self.simulator = Simulator(settings, clock, (*APIS, *more))
        if faults is not None:
            self.simulator.set_faults(faults)
        self._address = address
        try:
            self.server = Server(
                self.simulator.app,
                self.simulator.connections,
                on_ready=lambda: on_ready(self),
                certfile=address.certfile,
                keyfile=address.keyfile,
            )
        except OSError as error:
            message = f"cannot use {address.certfile} and {address.keyfile}: {error.strerror or error}"
            raise CannotStartError(message) from None
        try:
            self._socket: socket.socket = listen(address.host, address.port)
        except OSError as error:
            message = f"cannot listen on {address.host}:{address.port}: {error.strerror or error}"
            raise CannotStartError(message) from None

    @property
    def url(self) -> str:
        """Return the address, without a slash at the end."""
        host, port = self._socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self._address.certfile else 'http'}://{shown}:{port}"

    def base_url(self, api: str) -> str:
        """Return what belongs into the host field of a connection to an API."""
        return self.url + self.simulator.apis[api].mount

    def connection_json(self, api: str, password: str, **extra: object) -> str:
        """Return a connection for an environment variable `AIRFLOW_CONN_...`, as JSON."""
        simulated = self.simulator.apis[api]
        conn_type = simulated.connection_type or api
        fields: dict[str, Any] = {"conn_type": conn_type, "host": self.base_url(api), "password": password}
        if extras := {**simulated.connection_extra, **extra}:
            fields["extra"] = extras
        return json.dumps(fields)

    def environ(self, password: str) -> dict[str, str]:
        """Return the environment in which the default connections of all APIs lead here."""
        apis = self.simulator.apis
        return {f"AIRFLOW_CONN_{api.upper()}_DEFAULT": self.connection_json(api, password) for api in apis}

    def run(self) -> None:
        """Serve until asked to stop."""
        self.server.run(sockets=[self._socket])
