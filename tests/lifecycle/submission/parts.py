"""The submit protocol: what its tests share."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import create_deployment
from airflow_provider_ops.core.identity import TaskRun, derived_nonce, start_digits
from airflow_provider_ops.lifecycle.handle_store import KEY, HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from tests.attempts import RUN, attempt, identity_of

if TYPE_CHECKING:
    from airflow_provider_ops.apis.submits import SubmitCall
    from airflow_provider_ops.hooks.onvera import OnveraHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


CREATE = create_deployment("airflow")
BEGAN = datetime(2026, 5, 1, tzinfo=timezone.utc)


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


ANNOUNCEMENT = "Request to Onvera: POST /deployments"


class Task:
    """One task run; every call of ``attempt`` is a new try in a new process."""

    def __init__(self, hook: OnveraHook, clock: VirtualClock, submit: SubmitCall = CREATE) -> None:
        self.hook, self.clock, self.submit = hook, clock, submit
        self.store: StateStore | None = StateStore()
        self.said: list[str] = []
        self.warned: list[str] = []
        self.max_tries = 3
        self.clear_number = 0
        self.retries = 3
        self.tries = 0
        self.run: TaskRun = RUN
        #: When the DAG run began.
        self.began = BEGAN
        self.kill_policy_terminates = False
        self.kill_policy = "leave"
        self.patience = 3600.0

    def attempt(self) -> SubmitResult:
        self.tries += 1
        now = attempt(self.tries, max_tries=self.max_tries, retries=self.retries, clear_number=self.clear_number)
        facts: dict[str, Any] = {"kill_policy_terminates": self.kill_policy_terminates, "kill_policy": self.kill_policy}
        if self.store is None:
            facts |= {"most_generations": self.tries, "derived_nonce": derived_nonce}
        identity = identity_of(self.submit, now, run=self.run, **{"start": start_digits(self.began), **facts})
        store = HandleStore(self.store, self.warned.append)
        return Submitter(
            self.hook,
            self.submit,
            identity,
            store,
            deadline=self.clock.time() + self.patience,
            log=self.said.append,
            warn=self.warned.append,
            announcement=ANNOUNCEMENT,
        ).run()

    def clear(self, *, retries: int | None = None, forgets: bool = False) -> None:
        """What Airflow does when a user clears the task.

        :param forgets: whether what is stored is discarded, as Airflow 3.4 does.
        """
        self.retries = self.retries if retries is None else retries
        self.max_tries, self.clear_number = self.tries + self.retries, self.clear_number + 1
        if forgets:
            self.store = StateStore()

    def dies_between_submit_and_answer(self) -> None:
        assert self.store is not None
        self.store.die_before = self.store.writes + 2
        with pytest.raises(Died):
            self.attempt()
        self.store.die_before = None

    @property
    def stored(self) -> dict[str, Any]:
        assert self.store is not None
        stored: dict[str, Any] = self.store.get(KEY)
        return stored


def created(world: SimulatorServer) -> int:
    return int(world.stats()["by_api"]["onvera"]["created"])


def posts(world: SimulatorServer) -> int:
    return sum(count for route, count in world.stats()["by_route"].items() if route.startswith("POST "))
