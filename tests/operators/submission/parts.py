"""The submit protocol: what its tests share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import create_deployment
from airflow_provider_ops.operators.store import KEY, HandleStore
from airflow_provider_ops.operators.submission import Identity, Started, Submission
from airflow_provider_ops.waiting.submitting import fingerprint, submission_key

if TYPE_CHECKING:
    from airflow_provider_ops.apis.base import Submit
    from airflow_provider_ops.hooks.onvera import OnveraHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


CREATE = create_deployment("airflow")


class Died(BaseException):
    """The process is gone: nothing that follows is run."""


class StateStore:
    """Airflow's task state store, as far as it is used: JSON values by key. Can die or fail at a write."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.writes = 0
        self.die_before: int | None = None
        self.fail_at: int | None = None

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.data[key]) if key in self.data else default

    def set(self, key: str, value: Any) -> None:
        self.writes += 1
        if self.writes == self.die_before:
            raise Died
        if self.writes == self.fail_at:
            raise ConnectionError("the API server is away")
        self.data[key] = json.dumps(value, allow_nan=False)


class Task:
    """One task run; every call of ``attempt`` is a new try in a new process."""

    def __init__(self, hook: OnveraHook, clock: VirtualClock, submit: Submit = CREATE) -> None:
        self.hook, self.clock, self.submit = hook, clock, submit
        self.store: StateStore | None = StateStore()
        self.said: list[str] = []
        self.warned: list[str] = []
        self.max_tries = 3
        self.tries = 0
        self.kill_ends_it = False
        self.patience = 3600.0

    def attempt(self) -> Started:
        self.tries += 1
        request = self.submit.request
        identity = Identity(
            key=lambda generation: submission_key("dag", "run", "task", -1, generation),
            fingerprint=fingerprint(request.method, request.path, request.query, request.json),
            max_tries=self.max_tries,
            try_number=self.tries,
            kill_ends_it=self.kill_ends_it,
        )
        store = HandleStore(self.store, self.warned.append)
        deadline = self.clock.time() + self.patience
        return Submission(self.hook, self.submit, identity, store, deadline=deadline, log=self.said.append).ensure()

    def dies_between_submit_and_answer(self) -> None:
        assert self.store is not None
        self.store.die_before = self.store.writes + 2
        with pytest.raises(Died):
            self.attempt()
        self.store.die_before = None

    @property
    def stored(self) -> dict[str, Any]:
        assert self.store is not None
        return self.store.get(KEY)


def created(world: SimulatorServer) -> int:
    return world.stats()["by_api"]["onvera"]["created"]


def posts(world: SimulatorServer) -> int:
    return sum(count for route, count in world.stats()["by_route"].items() if route.startswith("POST "))
