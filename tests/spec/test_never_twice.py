"""Whatever else a spec says: without a key and a search, no request that may have been carried out is sent again."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import Submitter
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import VirtualClock
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore
from tests.played import Played, Request, reply

METHODS = ("POST", "PUT", "PATCH", "DELETE")
#: Parts that may be there or not; none of them proves what a lost answer has started.
PARTS: dict[str, Any] = {
    "error": {"code": "/error/code", "message": "/error/message"},
    "lists": {"entries": "/operations", "open": "GET /operations?open=true"},
    "paging": {"type": "page_number"},
    "wait": {"request": "GET /operations/{operation_id}/wait?s={seconds}", "max": 30},
    "cancel": "POST /operations/{operation_id}/cancel",
    "delete": "DELETE /jobs/{resource_id}",
    "lookup": {"request": "GET /jobs/{resource_id}/operations", "entries": "/operations", "operation_id": "/id"},
    "result": {"final_state_via": "auto"},
    "secrets": ["$response.body#/password", "$request.body#/password"],
    "poll": 1,
    "budget": 50.5,
    "find": {"request": "GET /jobs?new=true", "entries": "/jobs", "resource_id": "/id"},
}
SUBMIT: dict[str, Any] = {
    "operation_url": ["$response.header.Location"],
    "resource": {"type": "job", "id": ["$response.body#/job/id", "$request.path.id"]},
    "busy": {"status": 423},
    "already": {"status": 409},
    "http": {204: "succeeded"},
}
#: Answers after which the request may have been carried out.
CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"
LOST = {
    "cut": CUT,
    "no answer": b"\x00",
    "500": reply(500, {"error": {"code": "x", "message": "failed"}}),
    "502": reply(502, None),
    "page": b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<html>ok!",
    "names nothing": reply(202, {"hello": "world"}),
}


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(st.sets(st.sampled_from(sorted(PARTS))))
    submit = {name: SUBMIT[name] for name in draw(st.sets(st.sampled_from(sorted(SUBMIT))))}
    call: dict[str, Any] = {"request": f"{draw(st.sampled_from(METHODS))} /jobs/{{id}}/run", "kind": "job.run"}
    call |= draw(st.sampled_from([{}, {"creates": "job"}, {"timeout": 60}]))
    if "find" in chosen:
        # what it shows may be of anybody
        call |= draw(st.sampled_from([{}, {"mark": None}]))
    return {
        "name": "jobs",
        "base_url": "http://127.0.0.1:1/v1",
        "submit": {"operation_id": "$response.body#/operation/id", **submit},
        "calls": draw(st.sampled_from([[call], [{**call, "request": "POST /other"}]])),
        "operation": {
            "get": "GET /operations/{operation_id}",
            "id": "/id",
            "status": "/status",
            "states": {"running": "active", "succeeded": "success", "failed": "error"},
        },
        **{name: PARTS[name] for name in chosen},
    }


@given(data=specs(), fault=st.sampled_from(sorted(LOST)), listed=st.booleans())
@settings(max_examples=20, deadline=None)
def test_what_may_have_been_carried_out_is_not_sent_again(data: dict[str, Any], fault: str, listed: bool) -> None:
    spec = ApiSpec.model_validate(data)
    clock = VirtualClock()
    sent: list[Request] = []
    method = data["calls"][0]["request"].split()[0]

    def answer(request: Request) -> bytes:
        if request.method == "GET":
            # somebody else's, or nothing
            is_there = listed and request.query.get("page", "1") == "1"
            rows = [{"id": "op_9", "status": "active"}] if is_there else []
            return reply(200, {"operations": rows, "jobs": [{"id": "9"}] if is_there else []})
        sent.append(request)
        return LOST[fault]

    hook = OperationsApiHook("jobs", api=DescribedApi(spec), clock=clock)
    client = BlockingClient(hook.api, Settings("jobs", spec.base_url, "a-key"), clock, backend=Played(answer))
    hook._client = client
    submit = hook.api.request(method, "/jobs/7/run", json={"password": "p"})
    store = HandleStore(StateStore(), lambda _: None, "here")
    made = Submitter(
        hook, submit, identity_of(submit, attempt()), store, deadline=clock.time() + 600, log=lambda _: None
    )
    with client, contextlib.suppress(OpsError):
        made.run()
    proves_absence = "find" in data and not listed and data["calls"][0]["request"].endswith("/run")
    assert len(sent) == 1 or proves_absence
