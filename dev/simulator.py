"""The simulator of the APIs as a process of the stack: where it listens, and its control calls."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from airflow_provider_ops import specs
from airflow_provider_ops.simulator import registry
from airflow_provider_ops.spec import ApiSpec
from dev.described import auth_of, variables_of

#: Kinds of auth that take no user.
_WITHOUT_LOGIN: Final = frozenset({"none", "bearer", "api_key"})
# Connection type -> where the simulator serves its API, and the extras that the API cannot do without.
APIS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    api.name: (api.mount, api.connection_extra) for api in registry.APIS
}


class BadFaults(RuntimeError):
    """The simulator does not understand a fault plan."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a create call has made."""

    api: str
    kind: str
    id: str
    name: str
    operation_id: str | None
    deleted: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Resource:
        """Read it from the simulator's JSON."""
        return cls(
            api=data["api"],
            kind=data["kind"],
            id=data["id"],
            name=data["name"] or "",
            operation_id=data["operation_id"],
            deleted=bool(data["deleted"]),
        )


@dataclass(frozen=True)
class Simulator:
    """
    A simulator at a port of the loopback interface.

    :param described: APIs that it serves as well: names of specs in the catalogue, or paths of files.
    """

    port: int
    duration: float = 5.0
    seed: int = 1
    described: tuple[str, ...] = ()
    _http: httpx.Client = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_http", httpx.Client(base_url=self.url, timeout=10, trust_env=False))

    def close(self) -> None:
        """Close the connection to it."""
        self._http.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """The command that starts it."""
        command = [sys.executable, "-m", "airflow_provider_ops.simulator", "--port", str(self.port)]
        command += ["--duration", str(self.duration), "--seed", str(self.seed)]
        return [*command, *(part for name in self.described for part in ("--spec", str(_file(name))))]

    def connections(self, api_key: str) -> dict[str, str]:
        """Return environment variables that make the default connection of each API point here."""
        found: dict[str, tuple[str, dict[str, Any]]] = {
            api: (path, {"conn_type": api, "extra": dict(extra)}) for api, (path, extra) in APIS.items()
        }
        for one in self.described:
            spec = ApiSpec.from_yaml(_file(one))
            extra = {"api": one if one in specs.names() else Path(one).read_text()}
            if variables := variables_of(spec):
                extra["variables"] = json.dumps(variables)
            auth = auth_of(spec)
            if len(spec.auth) > 1:
                extra["auth"] = auth
            login = {} if auth in _WITHOUT_LOGIN else {"login": "me"}
            found[spec.name] = f"/{spec.name}", {"conn_type": "operations", **login, "extra": extra}
        return {
            f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps({"host": self.url + path, "password": api_key, **more})
            for name, (path, more) in found.items()
        }

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self._http.get("/_control/stats").is_success
        except httpx.TransportError:
            return False

    def control(self, page: str) -> Any:
        """Return one of its control pages."""
        return self._http.get(f"/_control/{page}").raise_for_status().json()

    def stats(self) -> Mapping[str, Any]:
        """Return what it has counted."""
        return dict(self._http.get("/_control/stats").raise_for_status().json())

    def resources(self) -> list[Resource]:
        """Return everything that was ever created, with what is left of it."""
        return [Resource.of(data) for data in self._http.get("/_control/resources").raise_for_status().json()]

    def set_faults(self, plan: str) -> None:
        """Replace the fault plan; its times count from now."""
        answer = self._http.post("/_control/faults", content=plan, headers={"Content-Type": "application/json"})
        if answer.is_error:
            raise BadFaults(f"the simulator refuses the fault plan: {answer.text}")

    def set_rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the fault plan by these rules."""
        self.set_faults(json.dumps({"rules": list(rules)}))

    def reset(self) -> None:
        """Forget everything."""
        self._http.post("/_control/reset").raise_for_status()


def _file(spec: str) -> Path:
    return specs.file_of(spec) if spec in specs.names() else Path(spec)
