"""Submits to an API that a spec describes and a function plays: what their tests share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import Submitter
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import VirtualClock
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore
from tests.played import Played, Request

LOST = b"\x00"
OPERATION = {
    "get": "GET /ops/{operation_id}",
    "id": "/id",
    "status": "/s",
    "states": {"running": "run", "succeeded": "ok", "failed": "bad"},
}


def submitted(
    data: Mapping[str, Any],
    server: Callable[[Request], bytes],
    method: str,
    path: str,
    *,
    json: Any = None,
    state: StateStore | None = None,
    tries: int = 1,
    log: Callable[[str], None] = lambda _: None,
) -> str | None:
    """Return the operation that a task has after a submit.

    :param data: the spec.
    :param state: what earlier tries have stored.
    """
    spec, clock = ApiSpec.model_validate(data), VirtualClock()
    hook = OperationsApiHook(spec.name, api=DescribedApi(spec), clock=clock)
    client = BlockingClient(hook.api, Settings(spec.name, spec.base_url, ""), clock, backend=Played(server))
    hook._client = client
    submit = hook.api.request(method, path, json=json)
    store = HandleStore(state or StateStore(), lambda _: None, "here")
    made = Submitter(hook, submit, identity_of(submit, attempt(tries)), store, deadline=clock.time() + 3600, log=log)
    with client:
        return made.run().handle.operation_id
