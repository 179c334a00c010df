"""Airflow's REST API, called inside the API server with the credentials of the user who opened the page.

Every fact on the page comes from an endpoint of Airflow that has checked who the user is and what they may read, with
the auth manager in use. Nothing here reads the metadata database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request

#: Key under which :class:`~airflow_provider_ops.view.app.OperationView` keeps the app that it is mounted in.
ROOT_APP = "airflow_provider_ops.root_app"
#: Seconds for all requests of one page together: less than the page itself waits.
_TIMEOUT = 20.0
#: Most bytes of an answer. Our own records are far smaller; another writer may have used the same key.
_MOST = 4_000_000
#: Headers that identify the user; everything else of the request is ours.
_IDENTITY = ("authorization", "cookie", "host", "accept-language", "x-forwarded-proto", "x-forwarded-host")


class Refused(Exception):
    """Airflow refuses a request.

    :param status: HTTP status of its answer.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class TaskAddress:
    """One task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def path(self) -> str:
        """Return its path without the map index."""
        dag, run, task = (quote(part, safe="") for part in (self.dag_id, self.run_id, self.task_id))
        return f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}"


class OwnAirflow:
    """The API of the server that this page is part of, with the credentials of one request."""

    def __init__(self, request: Request) -> None:
        self._app = request.scope[ROOT_APP]
        self._headers = {name: request.headers[name] for name in _IDENTITY if name in request.headers}
        self._base = f"{request.url.scheme}://{request.url.netloc}"
        self._until = asyncio.get_running_loop().time() + _TIMEOUT

    async def task_instance(self, place: TaskAddress) -> Mapping[str, Any]:
        """Return the task instance.

        :raises Refused: 401, 403, 404 ... as Airflow says.
        """
        suffix = "" if place.map_index < 0 else f"/{place.map_index}"
        found: Mapping[str, Any] = await self._get(place.path + suffix)
        return found

    async def task(self, place: TaskAddress) -> Mapping[str, Any] | None:
        """Return the task as the DAG has it; ``None`` when it is not in the DAG any more."""
        dag, task = quote(place.dag_id, safe=""), quote(place.task_id, safe="")
        found: Mapping[str, Any] | None = await self._get(f"/dags/{dag}/tasks/{task}", missing=None)
        return found

    async def xcom(self, place: TaskAddress, key: str) -> Any:
        """Return a value that the task instance has pushed, ``None`` when it has not."""
        path = f"{place.path}/xcomEntries/{quote(key, safe='')}"
        found = await self._get(path, missing=None, map_index=place.map_index)
        return found["value"] if found else None

    async def tries(self, place: TaskAddress) -> Sequence[Any]:
        """Return all tries of the task instance that Airflow still knows, this one included."""
        suffix = "" if place.map_index < 0 else f"/{place.map_index}"
        try:
            found = await self._get(f"{place.path}{suffix}/tries", missing=None)
        except Refused:
            # the page says less without them
            return ()
        return (found or {}).get("task_instances") or ()

    async def extra_link(self, place: TaskAddress, name: str) -> str | None:
        """Return the address of a link that the task offers, ``None`` where it has none."""
        try:
            found = await self._get(f"{place.path}/links", missing=None, map_index=place.map_index)
        except Refused:
            # the task may be gone from the DAG
            return None
        address = (found or {}).get("extra_links", {}).get(name)
        return address if isinstance(address, str) else None

    async def state_store(self, place: TaskAddress, key: str) -> Any:
        """Return a value in the task state store, ``None`` without one (Airflow before 3.3, or nothing stored)."""
        try:
            found = await self._get(
                f"{place.path}/state-store/{quote(key, safe='')}", missing=None, map_index=place.map_index
            )
        except Refused:
            # optional: only for users who may read it
            return None
        return found["value"] if found else None

    async def _get(self, path: str, missing: Any = ..., **params: Any) -> Any:
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=self._base, headers=self._headers) as client:
            url = f"{getattr(self._app, 'root_path', '')}/api/v2{path}"
            try:
                left = self._until - asyncio.get_running_loop().time()
                answer = await asyncio.wait_for(client.get(url, params=params), left)
            except asyncio.TimeoutError:
                raise Refused(
                    httpx.codes.GATEWAY_TIMEOUT,
                    f"Airflow's API server has not answered within {_TIMEOUT:g} s: it or its database is busy. The "
                    "task is not affected, and this page asks again by itself. If that lasts, check the load of the "
                    "API server and of the metadata database.",
                ) from None
        if answer.status_code == httpx.codes.NOT_FOUND and missing is not ...:
            return missing
        if answer.is_error:
            raise Refused(answer.status_code, _detail(answer))
        if len(answer.content) > _MOST:
            # reading it would keep the API server from its other work
            what = path.rpartition("/")[2]
            raise Refused(
                httpx.codes.REQUEST_ENTITY_TOO_LARGE,
                f"What Airflow has as {what} is larger than {_MOST // 1_000_000} MB. The task's log says more.",
            )
        return answer.json()


def _detail(answer: httpx.Response) -> str:
    try:
        said = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
    return said if isinstance(said, str) else answer.reason_phrase
