"""Which connections a command is about."""

from __future__ import annotations

from airflow_provider_ops._compat import get_connection
from airflow_provider_ops.cli.output import CommandError
from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.provider_info import connection_types


def one_hook(conn_id: str | None) -> OperationsHook:
    """Return the hook for a connection; for ``None`` that of the only default connection there is.

    :raises CommandError: none of the default connections exists, or several do.
    :raises InvalidConnection: there is no such connection, or it is of another provider.
    """
    if conn_id is not None:
        return hook_for(conn_id)
    found = default_connections()
    if len(found) > 1:
        raise CommandError(f"Several connections exist: say which one is meant, with --conn-id {' or '.join(found)}.")
    return hook_for(found[0])


def default_connections(*, needed: bool = True) -> list[str]:
    """Return the default connections that exist.

    :param needed: whether there must be one.
    :raises CommandError: none exists.
    """
    found = [name for name in (f"{kind}_default" for kind in connection_types()) if _exists(name)]
    if needed and not found:
        known = ", ".join(f"{kind}_default" for kind in connection_types())
        raise CommandError(f"None of the connections {known} exists: name yours with --conn-id.")
    return found


def _exists(conn_id: str) -> bool:
    try:
        get_connection(conn_id)
    except InvalidConnection:
        return False
    return True
