"""Rows: requests to an API that a spec describes, and what it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.described.explaining import explained
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.spec_renewal import with_this_spec
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.keys import short_key
from tests.messages.table import Area
from tests.played import Played, Request, reply
from tests.spec.examples import JOBS
from tests.spec.mistakes import PAGING, seeded

DESCRIBED = Area(
    "What a described API is sent, and answers",
    "Where an answer is not what the spec says, mend the spec; `airflow operations spec check FILE` says what it "
    "promises.",
    is_brief=True,
)
_ERRORS = 400
KEY = "airflow-0123456789abcdef01234567"
Edit = tuple[str, str]
NO_LISTS: Edit = (JOBS[JOBS.index("lists:\n") : JOBS.index("paging:")], "")
WHOLE: Edit = ("  entry: $response.body#/operation\n", "")
NO_HTTP: Edit = ("  http: {200: succeeded}\n", "")
#: What the search finds carries no key of ours.
UNMARKED: tuple[Edit, ...] = (("?label=airflow%3D{mark}", "?state=new"), ("      match: /labels/airflow\n", ""))
BY_URL: Edit = (
    "submit:\n  operation_id: [$response.body#/operation/id, $response.body#/next/*/id]",
    "submit:\n  operation_url: $response.body#/url",
)
VERDICT: Edit = (
    "  status: /status\n",
    "  status: /status\n  verdict: {status: /fault, states: {succeeded: null, failed: '*'}}\n",
)
ENDED: Edit = ("    succeeded: [success]\n", "    ended: [success]\n")
BY_NUMBER = "type: page_number, page_size: 100"
BY_KEY: Edit = (
    'GET /jobs?label=airflow%3D{mark}"\n      entries: $response.body#/jobs\n',
    'GET /jobs/{mark}"\n',
)
LOOKED_UP: Edit = ('/jobs/{resource_id}/operations?kind={kind}"\n', '/operations?kind={kind}"\n      match: /job_id\n')
NO_ORDER: Edit = ("  order: newest\n", "")
LINKED: Edit = (PAGING, "type: json_link, next_url_path: $response.body#/next, page_size: 100")


def jobs(s: Any, *edits: Edit, **extra: Any) -> Any:
    """Return a hook for the API of a spec."""
    return s.hook(
        "operations", host="http://127.0.0.1:8099/jobs", password="a-key", extra={"api": seeded(*edits), **extra}
    )


def _answered(call: Any, body: Any = None, *edits: Edit, **how: Any) -> Any:
    return lambda s: s.answered(jobs(s, *edits), call, body, **how)


def _read(api: Any) -> Any:
    return api.get_operation("op_1")


def _create(api: Any) -> Any:
    return api.request("POST", "/jobs", json={})


def _list(api: Any) -> Any:
    return api.list_operations().first


def _one(**fields: Any) -> Any:
    return {"operation": {"id": "op_1", "status": "active", **fields}}


def _marked(s: Any, body: Any, *edits: Edit) -> object:
    api = jobs(s, *edits).api
    return api.with_idempotency_key(api.request("POST", "/jobs", json=body), KEY)


def _searched(s: Any, found: Any, *edits: Edit, status: int = 200) -> object:
    """Return what a search for a create finds; an API answers each request with ``found``."""
    hook = jobs(s, *edits)
    return _run(
        s,
        hook,
        hook.api.find_submitted(Intent(hook.api.with_idempotency_key(_create(hook.api), KEY), KEY, lambda: 60.0)),
        found,
        status,
    )


def _run(s: Any, hook: Any, flow: Any, found: Any, status: int = 200) -> object:
    def page(_request: Request) -> bytes:
        return reply(status, {"error": {"code": "none", "message": "no route"}} if status >= _ERRORS else found)

    client = BlockingClient(hook.api, hook.settings(), s.clock, backend=Played(page))
    s.opened.append(client)
    return client.run(flow)


def _submitted(s: Any, found: Any, *edits: Edit) -> object:
    hook = jobs(s, NO_HTTP, *edits)
    return _run(s, hook, hook.api.submit_flow(_create(hook.api)), found)


def _result(s: Any) -> object:
    hook = jobs(s, ("poll: {", "result: {request: 'GET /jobs/{resource_id}'}\npoll: {"))
    done = Operation("op_1", "jobs", "job.create", OperationState.SUCCEEDED, "success")
    return _run(s, hook, hook.api.read_resource(done), {})


LOGIN: Edit = (
    "auth: bearer",
    "auth: {type: login, request: POST /token, body: {user: '{login}', password: '{password}'}}",
)
CLIENT: Edit = ("auth: bearer", "auth: {oauth2_client_credentials: {token_url: /oauth/token}}")


def _token(body: Any = None, edit: Edit = LOGIN, **how: Any) -> Any:
    return lambda s: s.answered(jobs(s, edit), _read, body, **how)


def _explained(s: Any, found: Any) -> object:
    hook = jobs(s)
    return _run(s, hook, explained(hook.api, None), found)


DESCRIBED.add(
    {
        "Login or password is refused": _token({"detail": "Invalid credentials"}, status=401),
        "A client's credentials are refused": _token(
            {"error": "invalid_client", "error_description": "unknown client"}, CLIENT, status=400
        ),
        "Too many ask for tokens": _token({"message": "slow down"}, status=429),
        "The server of tokens has a fault": _token({"message": "down"}, status=503),
        "The server of tokens cuts the connection": _token(answer=b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        "The answer of the server of tokens cannot be read": _token(
            answer=b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 0\r\n\r\n"
        ),
        "The answer has no token": _token({"hello": "world"}),
        "The token is none that a header can carry": _token({"access_token": "a b"}),
        "A check against an API that lists no operation": lambda s: _explained(s, {"operations": []}),
        "A check against an API whose list is not where the spec says": lambda s: _explained(s, {"items": []}),
        "The answer names no id": _answered(_read, "op_1", WHOLE),
        "The answer is a text": _answered(_read, "op_1", WHOLE, ("  id: /id\n  kind", "  kind"), NO_LISTS),
        "An entry of a list leaves out how it has ended": lambda s: (
            jobs(s, VERDICT, ENDED).api.open_operations()[0].read({"id": "op_1", "status": "success"})
        ),
        "The answer has an object where its status is": _answered(_read, _one(status={"code": 5})),
        "The answer names no operation": _answered(_create, {"hello": "world"}, NO_HTTP),
        "The answer names too many operations": _answered(
            _create, {"next": [{"id": f"op_{number}"} for number in range(101)]}
        ),
        "The answer names an operation by an address elsewhere": _answered(
            _create, {"url": "https://api.example.com/v1/things/5"}, BY_URL
        ),
        "The answer names an operation by an address that no request may have": _answered(
            _create, {"url": "/things/%2e%2e/5"}, BY_URL
        ),
        "The answer names an operation by an address that is too long": _answered(
            _create, {"url": "/operations/".ljust(9000, "5")}, BY_URL
        ),
        "The answer names an operation by a number that is too long": _answered(
            _create, {"operation": {"id": 10**30}}, NO_HTTP
        ),
        "The answer names an operation by an id that is too long": _answered(_create, {"operation": {"id": "5" * 300}}),
        "The answer names an operation by the address of another": _answered(
            _create, {"url": "/projects/p9/operations/5"}, BY_URL
        ),
        "A path with another value than that of the connection": lambda s: DescribedApi(
            ApiSpec.from_yaml(seeded(("{job}/restart", "{project}/restart"))), {"project": "main"}
        ).request("POST", "/jobs/other/restart"),
        "The answer names an operation by an address with a secret in it": _answered(
            lambda api: api.request("POST", "/jobs", json={"pin": "hunter2!"}),
            {"url": "/things/5?pin=hunter2!"},
            BY_URL,
            ("[$response.body#/job/password]", "$request.body#/pin"),
        ),
        "The answer names a resource whose operation is not found": lambda s: _submitted(
            s, {"job": {"id": 7}, "operations": []}
        ),
        "A list is none": _answered(_list, {"operations": "none"}),
        "The next page is of another list": _answered(
            _list, {"operations": [_one()["operation"]], "next": "https://api.example.com/v1/secrets"}, LINKED
        ),
        "A create was carried out, and its operation is not found": lambda s: _searched(
            s, {"jobs": [{"id": 7, "labels": {"airflow": short_key(KEY)}}], "operations": []}
        ),
        "A search is answered without its list": lambda s: _searched(s, {"error": {"code": "slow", "message": "down"}}),
        "A search is answered with entries that show no key": lambda s: _searched(s, {"jobs": [{"id": 7}, {"id": 8}]}),
        "A lookup is answered with entries that show no resource": lambda s: _submitted(
            s, {"job": {"id": 7}, "operations": [{"id": "op_1"}]}, LOOKED_UP
        ),
        "A search is answered with 404": lambda s: _searched(s, None, status=404),
        "A search is answered with the same page again": lambda s: _searched(
            s, {"jobs": [{"id": 8}]}, (PAGING, BY_NUMBER)
        ),
        "A search by our key is answered without what it is to show": lambda s: _searched(s, {"error": "slow"}, BY_KEY),
        "A search by our key is answered with nothing": lambda s: _searched(s, None, BY_KEY),
        "A search shows an operation without id": lambda s: _submitted(s, {"job": {"id": 7}, "operations": [{}]}),
        "A search shows several operations and not which is meant": lambda s: _submitted(
            s, {"job": {"id": 7}, "operations": [{"id": "op_1"}, {"id": "op_2"}]}, NO_ORDER
        ),
        "A list of a search is cut short": lambda s: _submitted(s, {"job": {"id": 7}}),
        "A create may have been carried out": lambda s: _searched(s, {"jobs": [{"id": 7}]}, *UNMARKED),
        "An id that is no text": lambda s: jobs(s).api.validate_operation_id(5),
        "An id that is too long": lambda s: jobs(s).api.validate_operation_id("5" * 300),
        "An id that is a list as text": lambda s: jobs(s).api.validate_operation_id("['op_1']"),
        "The text None as an id": lambda s: jobs(s).api.validate_operation_id("None"),
        "An id that would leave its place in a path": lambda s: jobs(s).api.validate_operation_id(".."),
        "A body with no place for our key": lambda s: _marked(s, {"labels": "a, b"}),
        "A body with no list for our key": lambda s: _marked(
            s, {"tags": "a"}, ("name: /labels/airflow", "name: /tags/-")
        ),
        "A variable that no header can carry": lambda s: s.answered(
            jobs(s, variables={"project": "Zürich"}), _read, _one()
        ),
        "A result whose address is not known": _result,
    }
)


@DESCRIBED.row(
    "The spec is another than when a task submitted",
    "Nothing has to be done where the change was meant. Run `airflow operations spec check FILE`, since running waits "
    "are read by the new spec as well.",
)
def _changed_spec(s: Any) -> object:
    said: list[str] = []
    api = DescribedApi(ApiSpec.from_yaml(JOBS))
    found = replace(Handle.placeholder("job.create", api="jobs", operation_id="op_1"), spec="926111b749503ec2")
    with_this_spec(found, api, HandleStore(None, said.append), said.append)
    return said[0].replace(str(api.spec_hash), "aadef34a9b08571f")
