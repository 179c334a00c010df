"""Task runs and tries for tests of the submit, as Airflow would show them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.core.clear_or_retry import Attempt
from airflow_provider_ops.core.identity import TaskRun
from airflow_provider_ops.core.submit_decision import arguments_fingerprint, fingerprint
from airflow_provider_ops.lifecycle.submit_identity import SubmitIdentity

if TYPE_CHECKING:
    from airflow_provider_ops.apis.submits import SubmitCall

RUN = TaskRun("dag", "run", "task", dag_version="01890000-0000-7000-8000-000000000001")
_ids = count(1)


def attempt(try_number: int = 1, *, max_tries: int = 3, retries: int = 3, clear_number: int | None = 0) -> Attempt:
    """Return a try with an id of its own."""
    return Attempt(f"ti-{next(_ids)}", max_tries, clear_number, try_number, retries)


def identity_of(submit: SubmitCall, now: Attempt | None = None, *, run: TaskRun = RUN, **facts: Any) -> SubmitIdentity:
    """Return the identity of one try of a task that asks for what a submit has in it."""
    request = submit.request
    asked = {"method": request.method, "path": request.path, "query": dict(request.query), "json": request.json}
    known: dict[str, Any] = {
        "arguments": arguments_fingerprint(asked),
        "fingerprint": fingerprint(request.method, request.path, request.query, request.json),
        "kill_policy_terminates": False,
        **facts,
    }
    return SubmitIdentity(run, now or attempt(), **known)
