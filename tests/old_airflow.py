"""What tests need of Airflow that was elsewhere, or not there, in earlier releases."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import airflow
import pytest
from airflow.sdk import Connection, Context
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_ops._compat import ASKS_RETRY_POLICY

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # before 3.2
    from airflow.serialization.serde import deserialize, serialize  # type: ignore[no-redef,import-not-found]

__all__ = [
    "HAS_QUEUES_OF_WATCHERS",
    "deserialize",
    "entry_of",
    "event_in",
    "forget_plugins",
    "needs_async_connections",
    "needs_connection_fields",
    "needs_exceptions_in_callbacks",
    "needs_queues_of_watchers",
    "needs_reschedule",
    "needs_retry_policy",
    "needs_shared_streams",
    "needs_state_store",
    "needs_stores_of_assets",
    "serialize",
    "told_as",
]


def _there(module: str, name: str = "") -> bool:
    return importlib.util.find_spec(module) is not None and (not name or hasattr(importlib.import_module(module), name))


def _needs(feature: str, *, there: bool) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not there, reason=f"this Airflow has no {feature}")


def _reschedules() -> bool:
    if not ASKS_RETRY_POLICY:
        return False
    actions = importlib.import_module("airflow.sdk.definitions.retry_policy").RetryAction
    return hasattr(actions, "RESCHEDULE")


_PROVIDER_SCHEMA = (Path(airflow.__file__).parent / "provider.yaml.schema.json").read_text(encoding="utf-8")

needs_state_store = _needs("task state store (3.3 has)", there="task_state_store" in Context.__annotations__)
needs_retry_policy = _needs("retry policies (3.3 has)", there=ASKS_RETRY_POLICY)
needs_reschedule = _needs("rescheduling by a retry policy (3.4 has)", there=_reschedules())
HAS_QUEUES_OF_WATCHERS = "queue" in inspect.signature(BaseEventTrigger.__init__).parameters
needs_queues_of_watchers = _needs("queues of watchers (3.4 has)", there=HAS_QUEUES_OF_WATCHERS)
needs_shared_streams = _needs("shared streams of triggers (3.3 has)", there=_there("airflow.triggers.shared_stream"))
needs_async_connections = _needs(
    "asynchronous lookup of connections that is used (3.3 has)", there=hasattr(Connection, "aextra_dejson")
)
needs_exceptions_in_callbacks = _needs("exceptions in all callbacks (3.3 has)", there=ASKS_RETRY_POLICY)
needs_stores_of_assets = _needs(
    "state store of assets (3.3 has)", there=_there("airflow.sdk.execution_time.context", "AssetStateStoreAccessors")
)
needs_connection_fields = _needs(
    "fields of connection types in what it discovers (3.2 has)", there='"conn-fields"' in _PROVIDER_SCHEMA
)


try:
    from airflow.jobs.triggerer_job_runner import TriggerEventEntry
except ImportError:  # before 3.3
    TriggerEventEntry = None  # type: ignore[misc,assignment]


def entry_of(event: TriggerEvent) -> Any:
    """Return what a triggerer tells its supervisor about an event of a trigger."""
    if TriggerEventEntry is None:
        return (1, event)
    return TriggerEventEntry(trigger_id=1, event=event, persist_seq=None)


def event_in(entry: Any) -> TriggerEvent:
    """Return the event that the supervisor reads there."""
    event: TriggerEvent = entry[1] if TriggerEventEntry is None else entry.event
    return event


def told_as(error: BaseException) -> Any:
    """The class that people read of: where Airflow asks no retry policy, what is never retried is a subclass of it."""
    cls = type(error)
    return getattr(sys.modules[cls.__module__], cls.__name__)


def forget_plugins() -> None:
    """Let Airflow look for plugins anew."""
    from airflow import plugins_manager  # noqa: PLC0415 - Airflow takes seconds to import

    if not hasattr(plugins_manager, "_get_plugins"):  # before 3.2
        names = ("plugins", "fastapi_apps", "fastapi_root_middlewares", "external_views", "react_apps")
        vars(plugins_manager).update(dict.fromkeys(names), loaded_plugins=set())
        return
    for cache in (plugins_manager._get_plugins, plugins_manager.get_fastapi_plugins, plugins_manager._get_ui_plugins):
        cache.cache_clear()
