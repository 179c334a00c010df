"""The specs of the catalogue, each with a hook whose connection leads to the simulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.spec.promises import exactly_once
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.specs import load, names
from dev.described import VALUE, auth_of, variables_of
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore

if TYPE_CHECKING:
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.testing import SimulatorServer

#: Onvera has a simulator of its own, and its tests.
NAMES = [name for name in names() if name != "onvera"]
KEY = "any-key"


class Hook(OperationsApiHook):
    """A hook whose connection is not Airflow's."""

    base_url = ""

    def settings(self) -> Settings:
        budget = self.api.requests_per_second
        return Settings(self.conn_id, self.base_url, KEY, login="me", requests_per_second=budget)

    async def _asettings(self) -> Settings:
        return self.settings()


def hook_of(spec: ApiSpec, base_url: str) -> Hook:
    """Return a hook for the API of a spec at an address."""
    made = Hook(spec.name, api=DescribedApi(spec, variables_of(spec), auth=auth_of(spec)))
    made.base_url = base_url
    return made


def connection_json(world: SimulatorServer, spec: ApiSpec) -> str:
    """Return the connection that leads to the simulated API, as Airflow stores it."""
    extra = {"variables": json.dumps(variables_of(spec)), "auth": auth_of(spec)}
    return json.dumps({**json.loads(world.connection_json(spec.name, KEY, **extra)), "login": "me"})


def request_of(spec: ApiSpec, call: int = 0) -> tuple[str, str]:
    """Return method and path of a call."""
    line = parse_line(spec.calls[call].request)
    return line.method, line.path.fill_path(lambda _: VALUE)


def meet(hook: OperationsApiHook, world: SimulatorServer, fault: Any, call: int = 0) -> None:
    """Let the submits of a call meet a fault.

    :param call: number of the call in the spec.
    """
    line = parse_line(hook.api.spec.calls[call].request)
    world.faults({**fault, "api": hook.api.name, "method": line.method, "route": line.route})


def start(hook: OperationsApiHook, store: Any = None, *, tries: int = 1, call: int = 0) -> SubmitResult:
    """Run an attempt up to the handle of what it has started.

    :param store: what an earlier attempt has stored.
    :param tries: number of the attempt.
    :param call: number of the call in the spec.
    """
    submit = hook.api.request(*request_of(hook.api.spec, call), json={})
    stored = HandleStore(StateStore() if store is None else store, lambda _: None, "here")
    deadline = hook.clock.time() + 3600
    identity = identity_of(submit, attempt(tries))
    return Submitter(hook, submit, identity, stored, deadline=deadline, log=lambda _: None).run()


def is_ambiguous(spec: ApiSpec, call: int = 0) -> bool:
    """Return whether the spec promises no more than a clear error about a lost answer to a call."""
    return "AmbiguousSubmission" in exactly_once(spec, spec.calls[call])


def has_deletion(spec: ApiSpec) -> bool:
    """Return whether what the first call makes can be deleted."""
    call = spec.calls[0]
    return call.creates is not None and spec.inherited(call, "delete") is not None


def specs_with(has: Any) -> list[str]:
    """Return the names of the specs that have something."""
    return [name for name in NAMES if has(load(name))]
