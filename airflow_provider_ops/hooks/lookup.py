"""From a connection to its hook, for code that serves every API (sensor, triggers, generic operator)."""

from __future__ import annotations

import asyncio
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from airflow_provider_ops._compat import get_connection, get_connection_async
from airflow_provider_ops.exceptions import InvalidConnection, located
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.http.settings import place_of
from airflow_provider_ops.polling.leases import cached
from airflow_provider_ops.provider_info import connection_types, hook_class_name, typed_apis

#: By event loop, as clients are: the next loop of a process may live by another clock.
_HOOKS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], OperationsHook]] = WeakKeyDictionary()


def hook_for(conn_id: str) -> OperationsHook:
    """Return the hook for a connection, chosen by its type. For worker code.

    :raises InvalidConnection: the connection is of a type this provider does not serve.
    """
    conn, extra = get_connection(conn_id)
    return _hook(conn_id, conn.conn_type, extra)


async def ahook_for(conn_id: str, api: str | None = None) -> OperationsHook:
    """Do as :func:`hook_for`, on an event loop; ``api`` spares the lookup where it names the connection's type.

    :raises InvalidConnection: the connection leads to another API than ``api``.
    """
    if api is not None and api in typed_apis():
        return _typed_hook(conn_id, api)
    hook = await cached(("", conn_id), lambda: _looked_up(conn_id))
    if api is not None and hook.api.name != api:
        msg = (
            f"connection {conn_id!r} leads to {hook.api.name} now, and this is about an operation of {api}: set its "
            f"'api' back to {api} until that has ended"
        )
        raise InvalidConnection(msg)
    return hook


async def _looked_up(conn_id: str) -> OperationsHook:
    conn, extra = await get_connection_async(conn_id)
    hooks, key, hook = _hooks(), (conn_id, conn.conn_type), _hook(conn_id, conn.conn_type, extra)
    if key not in hooks or hooks[key].api.spec_hash != hook.api.spec_hash:
        # the first, or the spec was mended; waits that are under way keep the one they began with
        hooks[key] = hook
    return hooks[key]


def _typed_hook(conn_id: str, conn_type: str) -> OperationsHook:
    hooks, key = _hooks(), (conn_id, conn_type)
    if key not in hooks:
        hooks[key] = _hook(conn_id, conn_type, {})
    return hooks[key]


def _hooks() -> dict[tuple[str, str | None], OperationsHook]:
    """Return the one hook per connection on this event loop: a thousand waits of one connection need no more."""
    return _HOOKS.setdefault(asyncio.get_running_loop(), {})


def _hook(conn_id: str, conn_type: str | None, extra: Mapping[str, Any]) -> OperationsHook:
    hook_class = _hook_class(conn_type or "")
    if hook_class is None:
        known = ", ".join(connection_types())
        msg = f"its type is {conn_type!r}: name a connection of one of the types {known}"
        raise located(InvalidConnection(msg), place_of(conn_id))
    return hook_class.for_connection(conn_id, extra)


@cache
def _hook_class(conn_type: str) -> type[OperationsHook] | None:
    # looked up for every trigger, and imports take a lock
    name = hook_class_name(conn_type)
    found: type[OperationsHook] | None = pkgutil.resolve_name(name) if name else None
    return found
