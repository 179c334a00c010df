"""Rows: an API that its user describes."""

from __future__ import annotations

import asyncio
import tempfile
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_ops.hooks.lookup import ahook_for, hook_for
from airflow_provider_ops.hooks.specs import registered
from tests.messages.table import Area
from tests.spec.examples import JOBS
from tests.spec.mistakes import seeded

SPECS = Area(
    "A described API",
    "A connection of type `operations` names a spec. `airflow operations spec check FILE` says what is wrong with it, "
    "and what it promises.",
    is_brief=True,
)
#: Operations are read at the address that the answer to a submit names.
NO_GET = (
    ("  get: GET /operations/{operation_id}\n", ""),
    ("  operation_id: [$response.body#/operation/id, $response.body#/next/*/id]", "  operation_url: $response.body#/u"),
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


def _jobs(s: Any, *edits: tuple[str, str], **extra: Any) -> object:
    return _conn(s, api=seeded(*edits), **extra)


def _in_folder(s: Any, name: str, text: str) -> Path:
    folder = Path(tempfile.mkdtemp())
    s.patch.setenv("AIRFLOW_HOME", str(folder))
    (folder / "operations").mkdir()
    file = folder / "operations" / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def _named_otherwise(s: Any) -> object:
    _in_folder(s, "shop", JOBS)
    return _conn(s, api="shop")


def _unreadable(s: Any) -> object:
    file = _in_folder(s, "shop", JOBS)
    found = registered()["shop"]
    file.unlink()
    return found.load()


def _of_a_package(s: Any) -> object:
    point = SimpleNamespace(name="shop", value="shop.specs:JOBS", load=lambda: JOBS)
    s.patch.setattr("airflow_provider_ops.hooks.specs.entry_points", lambda **_: [point])
    return _conn(s, api="shop")


def _tested(s: Any, *edits: tuple[str, str]) -> object:
    s.connection("shop_default", conn_type="operations", password="a-key", extra={"api": seeded(*edits)})
    return hook_for("shop_default").api.check()


SPECS.add(
    {
        "The connection's spec is an object with a mistake": lambda s: _conn(s, api={"name": "shop"}),
        "The connection's spec is a text with a mistake": lambda s: _jobs(s, ("  status: /status\n", "")),
        "The connection gives a variable that the spec does not have": lambda s: _jobs(s, variables={"region": "eu"}),
        "The connection does not give a variable": lambda s: _jobs(s, (", default: main}", "}")),
        "The connection wants an authentication that the spec does not have": lambda s: _jobs(s, auth="api_key"),
        "The connection's host climbs": lambda s: s.hook(
            "operations", host="https://api.example.com/a/../b", password="a-key", extra={"api": JOBS}
        ).settings(),
        "A file of the folder has the name of another spec": _named_otherwise,
        "A file of the folder cannot be read": _unreadable,
        "A spec of a package has another name than it is registered by": _of_a_package,
        "The spec says nothing that a connection can be tried with": lambda s: _tested(
            s, ("check: GET /me\n", ""), ("  open: GET /operations?open=true\n", "")
        ),
        "The spec reads operations by their address only": lambda s: hook_for(
            s.connection("shop_default", conn_type="operations", password="a-key", extra={"api": seeded(*NO_GET)})
        ).api.get_operation("op_1"),
    }
)
