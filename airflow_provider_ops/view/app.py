"""The page and its data, served by Airflow's API server."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from airflow_provider_ops.core.history import KEY, TRIES, WaitHistory
from airflow_provider_ops.lifecycle.handle_store import KEY as STORED_HANDLE
from airflow_provider_ops.links import OperationLink
from airflow_provider_ops.view import page_data
from airflow_provider_ops.view.airflow_rest import ROOT_APP, OwnAirflow, Refused, TaskAddress
from airflow_provider_ops.view.earlier import earlier_tries
from airflow_provider_ops.view.live import LiveRead, Reader

log = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: The page loads its own files and asks its own server; nothing inline, nothing from elsewhere.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: Seconds after which a record is so old that the page reads the operation itself.
_POLL_AFTER = 10.0

_REFUSED = {
    401: ("Signed out", "Your session has ended. Reload Airflow and sign in again."),
    403: ("Not allowed", "You may not read this task instance or its XComs, where the progress is kept."),
    404: ("Not found", "There is no such task instance, or its XComs cannot be found."),
}
_TITLES = {413: "Too large to be shown", 504: "Airflow is slow to answer"}


class OperationView(FastAPI):
    """An app that keeps a reference to the app that it is mounted in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, with the API server's own app in its scope."""
        scope.setdefault(ROOT_APP, scope.get("app"))
        await super().__call__(scope, receive, send)


def make_app() -> FastAPI:
    """Return the app for the API server."""
    app = OperationView(title="Operations", docs_url=None, redoc_url=None, openapi_url=None)
    reader = Reader()

    @app.get("/wait")
    def page() -> Response:
        return _file("view.html")

    @app.get("/{name}.{kind}")
    def file(name: str, kind: str) -> Response:
        return _file(f"{name}.{kind}")

    @app.get("/api/wait")
    async def data(
        request: Request, dag_id: str = "", run_id: str = "", task_id: str = "", map_index: str = "-1"
    ) -> JSONResponse:
        try:
            place = TaskAddress(_name(dag_id), _name(run_id), _name(task_id), _map_index(map_index))
            # made here: what was stored may have no form in JSON
            return _json(await _page_data(OwnAirflow(request), place, reader), 200)
        except Refused as refusal:
            if refusal.status == HTTPStatus.GATEWAY_TIMEOUT:
                log.warning("The page of %s.%s cannot be shown: %s", dag_id, task_id, refusal.detail)
            return _json(_refused(refusal), refusal.status)
        except Exception as error:
            log.exception("The page of %s.%s cannot be shown", dag_id, task_id)
            why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            hint = f"{why}. The task is not affected; the log of the API server says more."
            return _json({"status": "broken", "title": "This page is broken", "hint": hint, "refresh": 30}, 500)

    return app


def _json(found: Mapping[str, Any], status: int) -> JSONResponse:
    return JSONResponse(found, status, {**_HEADERS, "Cache-Control": "no-store"})


def _map_index(text: str) -> int:
    """Read the map index; the UI leaves the placeholder as it is for a task that is not mapped.

    :raises Refused: there can be no such index.
    """
    if text in ("", "-1", "{MAP_INDEX}"):
        return -1
    # ASCII digits that fit a column of the database: `int` reads more
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    raise Refused(HTTPStatus.NOT_FOUND, "There is no such map index.")


def _name(text: str) -> str:
    """Check an id from the address, which becomes a part of a path.

    :raises Refused: no task instance can have it.
    """
    if text in ("", ".", "..") or not text.isprintable():
        raise Refused(HTTPStatus.NOT_FOUND, "There is no such id.")
    return text


def _refused(refusal: Refused) -> dict[str, Any]:
    title = _TITLES.get(refusal.status, "Airflow does not answer as it should")
    title, hint = _REFUSED.get(refusal.status, (title, refusal.detail))
    names = {401: "signed_out", 403: "forbidden", 404: "not_found"}
    refresh = None if refusal.status in names else 30
    return {"status": names.get(refusal.status, "broken"), "title": title, "hint": hint, "refresh": refresh}


async def _page_data(airflow: OwnAirflow, place: TaskAddress, reader: Reader) -> dict[str, Any]:
    ti = await airflow.task_instance(place)
    record, task = await airflow.xcom(place, KEY), None
    wait = page_data.history_of(ti, record)
    ours = wait is not None or page_data.is_ours(ti, task := await airflow.task(place))
    if wait is None and ours and page_data.has_begun(ti):
        operation_id = await airflow.xcom(place, "operation_id")
        result = await airflow.xcom(place, "return_value")
        wait = page_data.history_without_record(ti, operation_id, result)
    stored = await airflow.state_store(place, STORED_HANDLE) if ours and page_data.may_owe(ti) else None
    now = time.time()
    if wait is None:
        status = page_data.without_operation(ti, ours=ours, submits=page_data.submits(task))
        found = page_data.empty(status, ti, now, *page_data.error_of(ti, record))
    else:
        live = await _read_live(ti, wait, now, reader)
        link = await airflow.extra_link(place, OperationLink.name) if page_data.needs_link(wait) else None
        link = link or (live or {}).get("resource_url")
        found = page_data.shown(ti, wait, time.time(), live=live, link=link, stored=stored)
    if ours and page_data.may_owe(ti):
        is_result_known = wait is not None and wait.aftermath is not None
        found["owes"] = page_data.owed(stored, is_result_known=is_result_known)
    if ours and (ti.get("try_number") or 0) > 1:
        kept, tries = await airflow.state_store(place, TRIES), await airflow.tries(place)
        found["earlier"] = earlier_tries(kept, tries, ti.get("try_number"), wait.operations if wait else ())
    return found


async def _read_live(ti: Mapping[str, Any], wait: WaitHistory, now: float, reader: Reader) -> dict[str, Any] | None:
    """Read the open operations where the record is old, and add the results to the history."""
    conn_id = page_data.connection_of(ti)
    ids = page_data.live_reference(ti, wait, now, after=_POLL_AFTER)
    if conn_id is None or not ids or not conf.getboolean("operations_view", "live", fallback=True):
        return None
    results = {operation_id: await reader.read(conn_id, operation_id) for operation_id in ids}
    for operation_id, result in results.items():
        _merge(wait, operation_id, result)
    failed = next((result for result in results.values() if result.error is not None), None)
    at = min(result.at for result in results.values())
    read = [operation_id for operation_id, result in results.items() if result.operation is not None]
    urls = [result.resource_url for result in results.values()]
    resource_url = urls[0] if len(urls) == 1 else None
    return {
        "at": at,
        "error": failed.error if failed else None,
        "may_pass": any(result.may_pass for result in results.values()),
        "read": read,
        "resource_url": resource_url,
    }


def _merge(wait: WaitHistory, operation_id: str, result: LiveRead) -> None:
    if result.operation is None:
        return
    known = wait.operation(operation_id)
    wait.api = wait.api or result.operation.api
    known.on_later_read(result.operation, result.at)


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    return {file.name: (file.read_bytes(), _TYPES[file.suffix]) for file in _STATIC.iterdir() if file.suffix in _TYPES}


def _file(name: str) -> Response:
    content, kind = _files().get(name, (b"", ""))
    if not kind:
        return Response("There is no such file.", 404, media_type="text/plain")
    # an upgrade of the package must show at once
    return Response(content, media_type=kind, headers={**_HEADERS, "Cache-Control": "no-cache"})
