"""What is measured: each subject waits for all operations of a server and notes when it knew that one had ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

#: Seconds between two looks, the same for everybody.
INTERVAL = 5.0
#: Seconds for which events are held by Airflow's defaults.
GUARD = 10.0

Found = Callable[[str], None]
#: Makes the coroutines of one subject. Called before the clock runs, so that imports cost nobody anything.
Subject = Callable[["Place", Found], Iterator[Awaitable[None]]]


class Place:
    """Where the operations are."""

    def __init__(self, url: str, ids: list[str], cafile: str | None, until: float, budget: float | None) -> None:
        self.url, self.ids, self.cafile, self.until, self.budget = url, ids, cafile, until, budget
        self.host = urlsplit(url).netloc
        self.scheme = urlsplit(url).scheme

    def connections(self) -> dict[str, dict[str, Any]]:
        """Return the Airflow connections of all subjects."""
        host, _, port = self.host.partition(":")
        extra: dict[str, Any] = {"verify": self.cafile} if self.cafile else {}
        if self.budget:
            extra["requests_per_second"] = self.budget
        at = {"host": host, "port": int(port), "schema": self.scheme}
        return {
            "ONVERA_BENCH": {
                "conn_type": "onvera",
                "host": f"{self.url}/onvera/api/v1",
                "password": "bench",
                "extra": extra,
            },
            "AKUA_BENCH": {"conn_type": "akua", "host": f"{self.url}/akua/v1", "password": "bench", "extra": extra},
            "HTTP_BENCH": {"conn_type": "http", **at},
            "DATABRICKS_BENCH": {"conn_type": "databricks", "password": "bench", **at},
            "DBT_BENCH": {"conn_type": "dbt_cloud", "login": "1", "password": "bench", "host": self.host},
            "FIVETRAN_BENCH": {"conn_type": "fivetran", "login": "bench", "password": "bench"},
        }


async def _run(trigger: Any, operation_id: str, found: Found, good: Callable[[Any], bool]) -> None:
    events: AsyncIterator[Any] = trigger.run()
    async for event in events:
        if good(event.payload):
            found(operation_id)


def _trigger_of_ours(conn_id: str, api: str, *, guard: float = 0.0) -> Subject:
    def make(place: Place, found: Found) -> Iterator[Awaitable[None]]:
        from airflow_provider_ops.hooks.lookup import _hook  # noqa: PLC0415
        from airflow_provider_ops.triggers.operation import OperationTrigger  # noqa: PLC0415

        _hook(conn_id, api, {})  # imports what the first trigger would
        held: dict[str, Any] = {"not_before": time.time() + guard, "guard": guard} if guard else {}
        for operation_id in place.ids:
            trigger = OperationTrigger(
                conn_id, [operation_id], poll_interval=INTERVAL, deadline=place.until, api=api, **held
            )
            yield _run(trigger, operation_id, found, lambda event: event["status"] == "succeeded")

    return make


def databricks(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """`DatabricksExecutionTrigger`."""
    from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger  # noqa: PLC0415

    for number, operation_id in enumerate(place.ids):
        trigger = DatabricksExecutionTrigger(number, "databricks_bench", polling_period_seconds=int(INTERVAL))
        yield _run(trigger, operation_id, found, lambda event: "SUCCESS" in event["run_state"])


def dbt_cloud(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """`DbtCloudRunJobTrigger`; its hook knows only https, so without TLS the address it makes is changed."""
    from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook  # noqa: PLC0415
    from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger  # noqa: PLC0415

    original = DbtCloudHook.get_request_url_params

    def changed(*args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        address, params = original(*args, **kwargs)
        return address.replace("https://", f"{place.scheme}://"), params

    DbtCloudHook.get_request_url_params = staticmethod(changed)
    for number, operation_id in enumerate(place.ids):
        trigger = DbtCloudRunJobTrigger("dbt_bench", number, place.until, INTERVAL, account_id=1)
        yield _run(trigger, operation_id, found, lambda event: event["status"] == "success")


def http_sensor(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """`HttpSensorTrigger`: done as soon as the answer is not 404."""
    from airflow.providers.http.triggers.http import HttpSensorTrigger  # noqa: PLC0415

    for number, operation_id in enumerate(place.ids):
        trigger = HttpSensorTrigger(f"peer/http/{number}", http_conn_id="http_bench", poke_interval=INTERVAL)
        yield _run(trigger, operation_id, found, bool)


def fivetran(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """`FivetranTrigger` of airflow-provider-fivetran-async."""
    import pendulum  # noqa: PLC0415
    from fivetran_provider_async.hooks import FivetranHookAsync  # noqa: PLC0415
    from fivetran_provider_async.triggers import FivetranTrigger  # noqa: PLC0415

    FivetranHookAsync.api_protocol, FivetranHookAsync.api_host = place.scheme, place.host
    began = pendulum.datetime(2021, 1, 1)
    for number, operation_id in enumerate(place.ids):
        trigger = FivetranTrigger("bench", str(number), "fivetran_bench", began, poke_interval=INTERVAL)
        yield _run(trigger, operation_id, found, lambda event: event["status"] == "success")


def httpx_each(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """One read per wait over a shared httpx client."""
    import httpx  # noqa: PLC0415

    client = httpx.AsyncClient(verify=place.cafile or True, headers={"X-API-Key": "bench"}, timeout=30)

    async def wait(operation_id: str) -> None:
        while True:
            try:
                answer = await client.get(f"{place.url}/onvera/api/v1/operations/{operation_id}")
                if answer.json()["data"]["status"] == "succeeded":
                    found(operation_id)
                    return
            except (httpx.HTTPError, KeyError):
                pass
            await asyncio.sleep(INTERVAL)

    for operation_id in place.ids:
        yield wait(operation_id)


def list_floor(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """Return the floor: one task pages the list with httpx and does nothing else."""
    import httpx  # noqa: PLC0415

    async def page_all() -> None:
        ids = set(place.ids)
        async with httpx.AsyncClient(verify=place.cafile or True, headers={"X-API-Key": "bench"}) as client:
            while ids:
                began, page, pages = time.time(), 1, 1
                while page <= pages:
                    query = {"page": page, "per_page": 100}
                    data = (await client.get(f"{place.url}/onvera/api/v1/operations", params=query)).json()["data"]
                    pages, page = data["pagination"]["pages"], page + 1
                    for item in data["items"]:
                        if item["status"] == "succeeded" and item["id"] in ids:
                            ids.discard(item["id"])
                            found(item["id"])
                await asyncio.sleep(max(0.0, began + INTERVAL - time.time()))

    yield page_all()


def sleepers(place: Place, found: Found) -> Iterator[Awaitable[None]]:
    """Return what the harness itself costs: tasks that only sleep."""
    drawn = random.Random(7)

    async def sleep(operation_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds if len(place.ids) > 1 else 0.5)
        found(operation_id)

    for operation_id in place.ids:
        yield sleep(operation_id, drawn.uniform(20.0, 60.0))


SUBJECTS: dict[str, Subject] = {
    "ours": _trigger_of_ours("onvera_bench", "onvera"),
    "ours-held": _trigger_of_ours("onvera_bench", "onvera", guard=GUARD),
    "ours-akua": _trigger_of_ours("akua_bench", "akua"),
    "databricks": databricks,
    "dbt-cloud": dbt_cloud,
    "http-sensor": http_sensor,
    "fivetran": fivetran,
    "httpx-each": httpx_each,
    "list-floor": list_floor,
    "sleepers": sleepers,
}
