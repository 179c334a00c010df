"""Rows: the connection, and what the *Test* button says."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from airflow_provider_ops.hooks.lookup import ahook_for, hook_for
from airflow_provider_ops.http import proxies
from airflow_provider_ops.http.portal import portal
from airflow_provider_ops.triggers.snapshots import _check_lists
from tests.messages.table import Area

CONNECTION = Area(
    "The connection",
    "Nothing was sent. A connection's *Test* button, `airflow operations check` and every task say all that is wrong "
    "with it at once.",
    is_brief=True,
)
PATH = "/nowhere/ca.pem"

CONNECTION.add(
    {
        "The connection does not exist": lambda s: hook_for("nowhere"),
        "The connection does not exist, in a triggerer": lambda s: asyncio.run(ahook_for("nowhere")),
        "The connection has the type of another API": lambda s: s.hook(conn_type="akua").settings(),
        "The connection has a type of another provider": lambda s: hook_for(
            s.connection("web", conn_type="http", host="https://example.com")
        ),
        "The password is empty": lambda s: s.hook(password=" ").settings(),
        "The key was pasted with something else": lambda s: s.hook(password="key\nkey").settings(),
        "Host and schema name two schemes": lambda s: s.hook(host="https://api.onvera.io", schema="http").settings(),
        "The host is no URL": lambda s: s.hook(host="https://api.onvera.io:port/api/v1").settings(),
        "The host has no scheme": lambda s: s.hook(host="ftp://api.onvera.io/api/v1").settings(),
        "The host has a user or a query": lambda s: s.hook(host="https://me@api.onvera.io/api/v1?x=1").settings(),
        "The host would get the key unencrypted": lambda s: s.hook(host="http://api.onvera.io/api/v1").settings(),
        "The host ends before the path of the API": lambda s: s.hook(host="https://api.onvera.io/api").settings(),
        "The host has another path than the API": lambda s: s.hook(host="https://api.onvera.io/v2").settings(),
        "Extra `verify` has no possible value": lambda s: s.hook(extra={"verify": 5}).settings(),
        "Extra `verify` names no CA file": lambda s: s.hook(
            host="https://gw/api/v1", extra={"verify": PATH}
        ).settings(),
        "Extra `allow_http` is neither true nor false": lambda s: s.hook(extra={"allow_http": "perhaps"}).settings(),
        "Extra `project_id` cannot be sent": lambda s: s.hook("nirvana", extra={"project_id": "Zürich"}).settings(),
        "Extra `timeout` is no number of seconds": lambda s: s.hook(extra={"timeout": "soon"}).settings(),
        "Extra `proxy` is no proxy": lambda s: s.hook(extra={"proxy": "gopher://me:pass-7@proxy"}).settings(),
        "Extra `proxy` has a port that is none": lambda s: s.hook(extra={"proxy": "http://proxy:port"}).settings(),
        "Extra `proxy` names no host": lambda s: s.hook(extra={"proxy": "http://"}).settings(),
        "The budget is to be shared somewhere that is no Redis": lambda s: s.hook(
            extra={"budget_url": "http://:secret@redis"}
        ).settings(),
        "Extra `workspace_id` cannot be an id": lambda s: s.hook("akua", extra={"workspace_id": "my space"}).call(
            s.hook("akua", extra={"workspace_id": "my space"}).api.check()
        ),
        "No project is named": lambda s: next(s.hook("nirvana", extra={}).list_vms()),
        "Events are wanted of an API that lists no operations": lambda s: _check_lists(s.hook("lakesail")),
    }
)


@CONNECTION.row("Several things are wrong")
def _several(s: Any) -> object:
    return s.hook(password="", host="api.onvera.io", extra={"timeout": "soon", "veryfy": False}).settings()


@CONNECTION.row("A certificate file of the environment does not exist")
def _certificates(s: Any) -> object:
    s.patch.setenv("SSL_CERT_FILE", PATH)
    return s.hook(host="https://gw/api/v1").settings()


@CONNECTION.row("The number of processes that share a budget is no number")
def _processes(s: Any) -> object:
    s.patch.setenv("AIRFLOW__OPERATIONS__BUDGET_PROCESSES", "many")
    return s.hook().settings()


@CONNECTION.row("The log of TLS keys cannot be written")
def _key_log(s: Any) -> object:
    s.patch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    return s.hook(host="https://gw/api/v1").settings()


@CONNECTION.row("A proxy of the environment is no proxy")
def _proxy(s: Any) -> object:
    s.patch.setenv("https_proxy", "gopher://proxy")
    return s.hook(host="https://gw/api/v1").settings()


@CONNECTION.row("A SOCKS proxy without the extra for it")
def _socks(s: Any) -> object:
    s.patch.setitem(sys.modules, "socksio", None)
    return s.hook(extra={"proxy": "socks5://me:pass-7@proxy:1080"}).settings()


@CONNECTION.row("An encrypted proxy for an encrypted API, with Python 3.10")
def _tls_within_tls(s: Any) -> object:
    s.patch.setattr(proxies, "_HAS_TLS_WITHIN_TLS", False)
    return s.hook(host="https://api.onvera.io/api/v1", extra={"proxy": "https://me:pass-7@proxy:3128"}).settings()


@CONNECTION.row("A shared budget without the extra for it")
def _redis(s: Any) -> object:
    s.patch.setitem(sys.modules, "throttled", None)
    return s.hook(extra={"budget_url": "redis://redis.example.com"}).settings()


@CONNECTION.row("A blocking method is called on an event loop")
def _on_a_loop(s: Any) -> object:
    hook = s.hook()

    async def wrong() -> object:
        return hook.get_operation("op_1")

    return asyncio.run(wrong())


@CONNECTION.row("A blocking method is called on the thread of the clients")
def _on_the_portal(s: Any) -> object:
    hook = s.hook()

    async def wrong() -> object:
        return hook.get_operation("op_1")

    return asyncio.run_coroutine_threadsafe(wrong(), portal().loop).result(10)


TEST = Area(
    "The *Test* button",
    "What a connection's *Test* button and `airflow operations check` say when the API refuses the key, or cannot be "
    "reached.",
)


def _tested(hook: Any) -> str:
    works, said = hook.test_connection()
    assert not works
    return str(said)


TEST.add(
    {
        "The key is wrong": lambda s: _tested(s.hook(password="invalid")),
        "Nothing listens": lambda s: _tested(s.hook(host="http://127.0.0.1:9/onvera/api/v1")),
        "HTTPS is spoken to a port of HTTP": lambda s: _tested(
            s.hook(host=s.world.base_url("onvera").replace("http:", "https:"))
        ),
        "The host has no address": lambda s: _tested(s.hook(host="https://nowhere.invalid/api/v1")),
        "Another server answers": lambda s: s.world.faults({"fault": "html", "status": 200}) or _tested(s.hook()),
        "The key may not": lambda s: s.world.faults({"fault": "status", "status": 403}) or _tested(s.hook()),
        "The API has trouble": lambda s: s.world.faults({"fault": "status", "status": 503}) or _tested(s.hook()),
    }
)


@TEST.row("No answer comes in time")
def _no_answer(s: Any) -> object:
    s.patch.setattr("airflow_provider_ops.hooks.base._TEST_TIMEOUT", 0.1)
    return _tested(s.hook(host=s.silent_server()))


@TEST.row("All that is wrong, in one answer")
def _all_at_once(s: Any) -> object:
    return _tested(s.hook("akua", password="", host="ftp://api", extra={"timeout": -1, "workspace": "x"}))
