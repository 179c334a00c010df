"""Rows: what an API, or something before it, answers."""

from __future__ import annotations

import contextlib
import gzip
from typing import Any

from airflow_provider_ops.apis import lakesail, nirvana, onvera
from airflow_provider_ops.apis.calls import Once
from airflow_provider_ops.apis.submits import generic_submit
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.operation import Operation, OperationState
from tests.messages.table import Area
from tests.played import reply

REFUSED = Area(
    "The API answers with an error",
    "`ApiError` has a class for each: `InvalidRequest` (400, 422), `AuthenticationError` (401), `PermissionDenied` "
    "(403), `NotFound` (404, 410), `Conflict` (409, 412), `RateLimited` (429), `ServerError` (5xx). Reads are tried "
    "again for two minutes after 429 and 5xx; waits poll until their deadline.",
)
SAID = {"error": {"code": "some_code", "message": "what the API says"}}


def _read(api: Any) -> Any:
    return api.get_operation("op_1")


def _refused(status: int) -> Any:
    headers = {"x-request-id": "req-1"}
    return lambda s: s.answered("onvera", _read, SAID, status=status, headers=headers)


REFUSED.add(
    {
        "The API refuses what was sent": lambda s: s.answered(
            "onvera", lambda api: onvera.create_deployment("airflow"), SAID, status=422
        ),
        "The API key is not valid": _refused(401),
        "The API key may not": _refused(403),
        "There is no such thing": _refused(404),
        "Something else changes it": _refused(409),
        "The limit of the API is reached": _refused(429),
        "The API has a fault": _refused(500),
        "The API answers with a status that has no class": _refused(418),
    }
)


@REFUSED.row("The API has asked for a pause that is longer than there is time")
def _paused(s: Any) -> object:
    s.world.faults({"fault": "status", "status": 429, "retry_after": 600})
    hook = s.hook()
    client = hook.get_conn()
    with contextlib.suppress(OpsError):
        client.send_once(hook.api.get_operation("op_1"))
    return client.send_once(hook.api.get_operation("op_1"), deadline=s.clock.time() + 30)


@REFUSED.row("Nothing like that can be cancelled")
def _cannot_cancel(s: Any) -> object:
    return s.hook().cancel_operation("op_1")


@REFUSED.row("Akua: an install is no operation")
def _cannot_cancel_install(s: Any) -> object:
    return s.hook("akua").cancel_operation("install:ins_1")


@REFUSED.row("Nirvana: what is to be deleted is not there")
def _nothing_to_delete(s: Any) -> object:
    hook = s.hook("nirvana")
    flow = hook.api.delete_resource("nks_node_pool", "pool_1")
    return hook.run(flow)


@REFUSED.row("Nirvana: what an operation has made is not there")
def _nothing_made(s: Any) -> object:
    hook = s.hook("nirvana")
    gone = Operation("op_1", "nirvana", "vm.create", OperationState.SUCCEEDED, "completed", "vm", "vm_1")
    return hook.run(hook.api.read_resource(gone))


NO_ANSWER = Area(
    "No answer, or none that can be read",
    "`TransportError`. Reads are tried again for two minutes, waits poll until their deadline. A create that may have "
    "reached the API is searched for, not repeated.",
    is_brief=True,
)


def _sent(**fields: Any) -> Any:
    def play(s: Any) -> object:
        hook = s.hook(**fields)
        return hook.get_conn().send_once(hook.api.get_operation("op_1"))

    return play


def _faulty(**fault: Any) -> Any:
    return lambda s: s.world.faults(fault) or _sent(extra={"timeout": 0.3})(s)


def _body(content: bytes = b"{}", *, encoding: str) -> Any:
    answer = reply(content=content, headers={"content-encoding": encoding})
    return lambda s: s.answered("onvera", _read, answer=answer)


NO_ANSWER.add(
    {
        "The host has no address": _sent(host="https://nowhere.invalid/api/v1"),
        "Nothing listens there": _sent(host="http://127.0.0.1:9/onvera/api/v1"),
        "The server speaks no HTTPS": lambda s: _sent(host=s.world.base_url("onvera").replace("http:", "https:"))(s),
        "No answer comes": lambda s: _sent(host=s.silent_server(), extra={"timeout": 0.3})(s),
        "The connection is cut": _faulty(fault="reset"),
        "A gateway or another server answers": lambda s: s.answered(
            "onvera", _read, answer=reply(404, content=b"<html>no such page</html>")
        ),
        "A page is no JSON": lambda s: s.answered("onvera", _read, answer=reply(content=b"<html>sign in</html>")),
        "The answer is about something else": lambda s: s.answered(
            "onvera", _read, {"data": {"id": "op_2", "status": "running", "type": "deployment.create"}}
        ),
        "What is no HTTP": lambda s: s.answered("onvera", _read, answer=b"SSH-2.0-OpenSSH\r\n\r\n"),
        "An answer is encoded in a way that was not asked for": _body(encoding="br"),
        "An encoded answer is damaged": _body(encoding="gzip"),
        "An encoded answer is cut": _body(gzip.compress(b"{}" * 9)[:-9], encoding="gzip"),
        "An answer has too many parts": _body(b"[" + b"{}," * 400_000 + b"{}]", encoding="identity"),
        "An answer has too many values": _body(b"[" + b"1," * 300_000 + b"1]", encoding="identity"),
        "An answer is too large": lambda s: s.answered("onvera", _read, answer=reply(content=b" " * 9_000_000)),
        "Onvera: no envelope": lambda s: s.answered("onvera", _read, {}),
        "Onvera: a list that is none": lambda s: s.answered(
            "onvera", lambda api: api.list_operations().first, {"data": {"items": 5}}
        ),
        "Onvera: a field is missing": lambda s: s.answered("onvera", _read, {"data": {"status": "running"}}),
        "Onvera: an id that cannot be one": lambda s: s.answered(
            "onvera", _read, {"data": {"id": "op\u00001", "status": "running", "type": "x"}}
        ),
        "Onvera: a submit with an id that cannot be one": lambda s: s.answered(
            "onvera", lambda api: onvera.create_deployment("airflow"), {"data": {"operation_id": "op\u00001"}}
        ),
        "Onvera: a deployment without envelope": lambda s: s.answered(
            "onvera", lambda api: api.get_deployment("dep_1"), {"id": "dep_1"}
        ),
        "Onvera: a list of environments that is none": lambda s: s.answered(
            "onvera", lambda api: api.check(), {"data": {"items": 5}}
        ),
        "Akua: an answer that is no object": lambda s: s.answered("akua", _read, []),
        "Akua: a list that is none": lambda s: s.answered(
            "akua", lambda api: api.list_operations().first, {"data": "x"}
        ),
        "Akua: an operation in another form": lambda s: s.answered("akua", _read, {"id": 5}),
        "Nirvana: an answer that is no object": lambda s: s.answered("nirvana", _read, []),
        "Nirvana: a field is missing": lambda s: s.answered(
            "nirvana", lambda api: nirvana.platform.list_regions().first, {"items": [{}]}
        ),
        "Nirvana: a list that is none": lambda s: s.answered(
            "nirvana", lambda api: nirvana.platform.list_regions().first, {"items": 5}
        ),
        "LakeSail: an answer that is no object": lambda s: s.answered("lakesail", _read, []),
        "LakeSail: a list that is none": lambda s: s.answered(
            "lakesail", lambda api: lakesail.list_clusters().first, {"items": 5}
        ),
        "LakeSail: a list of numbers": lambda s: s.answered(
            "lakesail", lambda api: lakesail.list_clusters().first, {"items": [5]}
        ),
        "LakeSail: a submit that names no operation": lambda s: s.answered(
            "lakesail", lambda api: api.request("DELETE", "/infra/clusters/C1"), {"hello": "world"}
        ),
        "LakeSail: a session without id": lambda s: s.answered(
            "lakesail", lambda api: lakesail.create_session(), {"status": "CREATING"}
        ),
        "A generic call that names no operation": lambda s: s.answered(
            "onvera", lambda api: generic_submit("POST", "/things"), {"hello": "world"}
        ),
        "A request that cannot be sent": lambda s: s.answered(
            "onvera", lambda api: api.get_operation("op_1").changed(headers={"x": "é\n"})
        ),
    }
)


@NO_ANSWER.row("A read of a kill, which has less time than others, is not answered")
def _no_answer_to_a_kill(s: Any) -> object:
    hook = s.hook(host=s.silent_server())

    def flow() -> Any:
        return (yield Once(hook.api.get_operation("op_1"), 0.1))

    return hook.run(flow())


@NO_ANSWER.row("An answer that makes our parser fail")
def _fails_to_parse(s: Any) -> object:
    def parse(_response: Any) -> Any:
        raise KeyError("id")

    return s.answered("onvera", lambda api: type(_read(api))(_read(api).request, parse), {})


@NO_ANSWER.row("Akua: a change without the etag it needs")
def _no_etag(s: Any) -> object:
    from airflow_provider_ops.apis.akua.api import _etag  # noqa: PLC0415

    return s.answered("akua", lambda api: type(_read(api))(_read(api).request, _etag), {})


@NO_ANSWER.row("The tab: others read on the connection")
def _others_read(_s: Any) -> object:
    from airflow_provider_ops.view.live import _Client  # noqa: PLC0415

    client = _Client("onvera_default")
    client._turn.acquire()
    return client.read("op_1", 0.0)
