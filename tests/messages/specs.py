"""Rows: an API that its user describes."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import Any

from airflow_provider_ops.hooks.lookup import ahook_for, hook_for
from tests.messages.table import Area

SPECS = Area(
    "A described API",
    "A connection of type `operations` names a spec. `airflow operations spec check FILE` says what is wrong with it, "
    "and what it promises.",
    is_brief=True,
)
SPEC = files("airflow_provider_ops.specs").joinpath("ogc.yaml").read_text(encoding="utf-8")


def _conn(s: Any, **extra: Any) -> object:
    conn_id = s.connection("shop_default", conn_type="operations", password="a-key", extra=extra)
    return hook_for(conn_id)


def _other_api_by_now(s: Any) -> object:
    conn_id = s.connection("shop_default", conn_type="operations", password="a-key", extra={"api": "hetzner"})
    return asyncio.run(ahook_for(conn_id, "shop"))


SPECS.add(
    {
        "The connection names no spec": _conn,
        "The connection names a spec that is not registered": lambda s: _conn(s, api="hetznr"),
        "The connection's spec has the name of a connection type": lambda s: _conn(
            s, api=SPEC.replace("name: ogc", "name: akua")
        ),
        "The connection leads to another API than before": _other_api_by_now,
        "The connection's variables are no JSON": lambda s: _conn(s, api="hetzner", variables="{"),
        "The connection's variables are no object": lambda s: _conn(s, api="hetzner", variables="[1]"),
    }
)
