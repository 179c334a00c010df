"""The plugin at the entry point ``airflow.plugins``. Loaded in every process, so it imports nothing heavy."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)

#: Where the API server serves us.
PREFIX = "/airflow-provider-ops"
# Relative: the UI resolves it against its own base, so that it also holds behind a path prefix. The UI fills in what is
# in braces; for a task that is not mapped it leaves {MAP_INDEX} as it is.
_HREF = f"{PREFIX[1:]}/wait?dag_id={{DAG_ID}}&run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}"


class OperationsPlugin(AirflowPlugin):
    """Add the tab *Operation* to every task instance."""

    name = "airflow_provider_ops"
    external_views = [  # noqa: RUF012 - Airflow declares it so
        {
            "name": "Operation",
            "href": _HREF,
            "destination": "task_instance",
            "url_route": "operation",
            "icon": f"{PREFIX[1:]}/icon.svg",
            "icon_dark_mode": f"{PREFIX[1:]}/icon-dark.svg",
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Return the app, made when the API server asks for it; workers and triggerers never do."""
        return _apps()


@cache
def _apps() -> list[dict[str, Any]]:
    try:
        from airflow_provider_ops.view.app import make_app  # noqa: PLC0415 - FastAPI, in the API server only

        app: Any = make_app()
    except Exception as error:
        log.exception("The page of operations cannot be served; everything else works")
        app = _Broken(f"{type(error).__name__}: {error}")
    return [{"name": OperationsPlugin.name, "app": app, "url_prefix": PREFIX}]


class _Broken:
    """Answer every request with the reason why there is no page."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        text = f"This page cannot be shown: {self._why}\nThe log of the API server says more."
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})
