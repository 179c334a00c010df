"""The asset watcher: what its tests share."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from airflow_provider_ops.core.settling import SettledOperation, Snapshot
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.triggers.events import OperationEventTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


FAST: dict[str, Any] = {"poll_interval": 0.05}


NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class AssetStore:
    """Airflow's store of one asset as its contract describes it."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.away = False

    async def aget(self, key: str, default: Any = None) -> Any:
        if self.away:
            raise ConnectionError("Airflow is away")
        return json.loads(self.data[key]) if key in self.data else default

    async def aset(self, key: str, value: Any) -> None:
        if self.away:
            raise ConnectionError("Airflow is away")
        self.data[key] = json.dumps(value)

    @property
    def mark(self) -> Any:
        (value,) = self.data.values()
        return json.loads(value)


class PerAsset(Mapping[Asset, Any]):
    """What a task gets per asset. As in Airflow's own, assets are no keys of a dict: before 3.2 they have no hash."""

    def __init__(self, *pairs: tuple[Asset, Any]) -> None:
        self._pairs = pairs

    def __getitem__(self, asset: Asset) -> Any:
        for one, value in self._pairs:
            if one.name == asset.name:
                return value
        raise KeyError(asset.name)

    def __iter__(self) -> Iterator[Asset]:
        return (asset for asset, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


def create(count: int, prefix: str = "n") -> set[str]:
    """Start operations as a worker does: in a thread without an event loop."""

    def start() -> set[str]:
        hook = OnveraHook()
        ids = {hook.create_deployment("airflow", f"{prefix}{number}").operation_id for number in range(count)}
        hook.close()
        return ids

    with ThreadPoolExecutor(1) as worker:
        return worker.submit(start).result()


async def until(there: Callable[[], object]) -> None:
    async with asyncio_timeout(10):
        while not there():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@asynccontextmanager
async def asyncio_timeout(seconds: float) -> AsyncIterator[None]:
    # asyncio.timeout is there from Python 3.11 on
    task = asyncio.current_task()
    assert task is not None
    handle = asyncio.get_running_loop().call_later(seconds, task.cancel, "too late")
    try:
        yield
    finally:
        handle.cancel()


class Watching:
    """A watcher that runs in a task, and what it has told so far."""

    def __init__(self, trigger: OperationEventTrigger, store: AssetStore | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.trigger = trigger
        self.trigger.asset_state_store = store  # type: ignore[assignment]
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        async for event in self.trigger.run():
            self.events.append(json.loads(json.dumps(event.payload)))

    @property
    def told(self) -> list[str]:
        return [operation["id"] for event in self.events for operation in event["operations"]]

    async def kill(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@asynccontextmanager
async def watching(store: AssetStore | None = None, *args: Any, **options: Any) -> AsyncIterator[Watching]:
    """A watcher that has its watermark."""
    store = AssetStore() if store is None else store
    watcher = Watching(OperationEventTrigger("onvera_default", *args, **{**FAST, **options}), store)
    try:
        await until(lambda: store.data)
        yield watcher
    finally:
        await watcher.kill()


def look(*names: str) -> Snapshot:
    from airflow_provider_ops.operation import Operation, OperationState  # noqa: PLC0415

    found = [
        SettledOperation(Operation(name, "onvera", "deployment.create", OperationState.SUCCEEDED, "succeeded"), 1000.0)
        for name in names
    ]
    return Snapshot(found, 0.0, 1000.0, lambda _who, _since: None)
