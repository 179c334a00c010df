"""Drives hooks and operators of one API, and remembers which of them it has driven."""

from __future__ import annotations

import functools
import inspect
import itertools
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_ops.hooks.endpoint import Listing, Method
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.base import OperationOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

_PATIENCE = 100_000.0


class Driver:
    """A hook on a simulator in virtual time.

    ``driver.get_cluster(...)`` calls the hook; lists are read to their end.
    """

    def __init__(self, hook: OperationsHook, server: SimulatorServer, clock: VirtualClock) -> None:
        self.hook, self.server, self.clock = hook, server, clock
        self._driven: set[Callable[..., Any]] = set()
        self._operators: set[type] = set()
        self._keys = itertools.count()

    def __getattr__(self, name: str) -> Any:
        """Return a method of the hook that is noted as driven once it has answered."""
        endpoint = inspect.getattr_static(type(self.hook), name)

        def drive(*args: Any, **kwargs: Any) -> Any:
            found = getattr(self.hook, name)(*args, **kwargs)
            answer = list(found) if isinstance(endpoint, Listing) else found
            if isinstance(endpoint, (Listing, Method)):
                self._driven.add(_origin(endpoint.build))
            return answer

        return drive

    def done(self, operation: Operation | str) -> Operation:
        """Wait for an operation, however it ends."""
        name = operation if isinstance(operation, str) else operation.id
        return self.hook.wait_for_operation(name, timeout=_PATIENCE)

    def carry_out(self, operator: type[OperationOperator], **fields: Any) -> Operation:
        """Do what an operator does, without its task, and wait for its operation."""
        made = operator(task_id="conform", **fields)
        submit = self.hook.api.with_idempotency_key(made.submit(), f"conform-{next(self._keys)}")
        submitted = self.hook.run(self.hook.api.submit_flow(submit))
        self._operators.add(operator)
        self._driven.add(_origin(operator.build_request))
        return self.done(submitted.operation_id)

    def left_out(self, operators: ModuleType) -> list[str]:
        """Return the methods of the hook and the operators that were never driven."""
        hook = type(self.hook)
        endpoints = {name: inspect.getattr_static(hook, name) for name in dir(hook)}
        names = [
            name
            for name, endpoint in endpoints.items()
            if isinstance(endpoint, (Listing, Method)) and _origin(endpoint.build) not in self._driven
        ]
        classes = {
            name: value
            for name, value in vars(operators).items()
            if isinstance(value, type) and issubclass(value, OperationOperator) and "build_request" in vars(value)
        }
        return sorted([*names, *(name for name, value in classes.items() if value not in self._operators)])


def _origin(build: Any) -> Callable[..., Any]:
    origin: Callable[..., Any] = inspect.unwrap(build)
    return origin


def ask_wrongly(server: SimulatorServer, api: str, routes: list[tuple[str, str, bool]]) -> None:
    """Send to every route what must be refused: wrong keys, ids, bodies, queries, headers and methods.

    :param routes: method, path template and whether it takes a body.
    """
    settings: dict[str, Any] = {"headers": _keyed("conform"), "trust_env": False, "verify": False}
    with httpx.Client(base_url=server.base_url(api), **settings) as client:
        for method, template, has_body in routes:
            path = "/".join(_unknown(part) for part in template.split("/"))
            ask = functools.partial(client.request, method, path)
            ask(headers=_keyed("invalid"))
            ask()
            ask(params={"nonsense": "1"})
            if method != "GET":
                ask(headers=_keyed("readonly"))
                ask(headers={"idempotency-key": "k", "if-match": "0"})
            if has_body:
                ask(json={"nonsense": [1]})
                ask(content=b"{", headers={"content-type": "application/json"})
        client.get("/no/such/path")
        client.request("PUT", "/".join(_unknown(part) for part in routes[0][1].split("/")))


def _keyed(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "x-api-key": key}


def _unknown(part: str) -> str:
    name, _, verb = part.partition(":")
    return f"x1{':' if verb else ''}{verb}" if name.startswith("{") else part
