"""Operations that are named by their address, results that lie elsewhere, and refusals that mean "it exists"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.described.addresses import below, is_address
from airflow_provider_ops.apis.submits import NamesNoOperation
from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import Conflict, InvalidArgument, TransportError
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.finishing import ResultBuilder
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.refusals import ambiguous, with_cause
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import drop_answer
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

THINGS = """\
name: things
base_url: https://api.example.com
query: {api-version: "2"}
submit:
  operation_url: [$response.header.Azure-AsyncOperation, $url]
  http: {204: succeeded}
  idempotent: [PUT]
calls:
  - {request: "PUT /things/{name}", kind: thing.put}
  - {request: "POST /things/{name}/export", kind: thing.export}
operation:
  status: /status
  states: {running: InProgress, succeeded: Succeeded, failed: Failed, cancelled: Canceled}
result: auto
"""
RUNS = """\
name: runs
base_url: https://api.example.com
submit:
  operation_id: "{$response.body#/flow}:{$response.body#/run}"
  already: {status: 409}
calls:
  - request: POST /flows/{flow}/runs
    kind: run
    mark: {in: body, name: /run, keep: true}
    find: {request: "GET /flows/{flow}/runs/{mark}", match: /run, operation_id: "{/flow}:{/run}"}
operation:
  get: GET /runs/{operation_id}
  id: "{/flow}:{/run}"
  status: /state
  states: {running: running, succeeded: success, failed: failed, cancelled: cancelled}
"""


@pytest.fixture
def connect(operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(text: str, *edits: tuple[str, str]) -> OperationsHook:
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        name = operations_simulator.add(text)
        monkeypatch.setenv("AIRFLOW_CONN_IT", operations_simulator.connection_json(name, "any-key"))
        return hook_for("it")

    return make


def start(hook: OperationsHook, method: str, path: str, **body: Any) -> SubmitResult:
    submit = hook.api.request(method, path, json=body)
    store = HandleStore(StateStore(), lambda _: None, "here")
    until = hook.clock.time() + 3600
    return Submitter(hook, submit, identity_of(submit, attempt()), store, deadline=until, log=lambda _: None).run()


def finish(hook: OperationsHook, started: SubmitResult) -> dict[str, Any]:
    operation = hook.wait_for_operation(started.handle.operation_id or "")
    finisher = ResultBuilder(hook, HandleStore(None, lambda _: None, "here"), lambda _: None)
    return finisher.result(started.handle, operation, finisher.read_resource(started.handle, operation))


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_address_is_an_identity(connect: Any, operations_simulator: SimulatorServer, method: str) -> None:
    hook = connect(THINGS)
    started = start(hook, method, "/things/one" if method == "PUT" else "/things/one/export")
    assert (started.handle.operation_id or "").startswith("/_operations/")
    result = finish(hook, started)
    assert (result["state"], result["operation_ids"]) == ("succeeded", [started.handle.operation_id])
    assert result["resource"] == ({"status": "Succeeded"} if method == "PUT" else {"result": "done"})
    seen = operations_simulator.requests("things")
    assert all("api-version=2" in one["query"] for one in seen)


def test_without_an_address_the_resource_is_the_operation(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect(THINGS, ("[$response.header.Azure-AsyncOperation, $url]", "$url"))
    started = start(hook, "PUT", "/things/one")
    assert started.handle.operation_id == "/things/one"
    assert finish(hook, started)["state"] == "succeeded"


def test_an_idempotent_method_is_sent_again(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect(THINGS)
    operations_simulator.faults(drop_answer(api="things", method="PUT"))
    assert finish(hook, start(hook, "PUT", "/things/one"))["state"] == "succeeded"
    assert len(operations_simulator.operations("things")) == 1


@pytest.mark.parametrize(
    ("url", "base", "found"),
    [
        ("https://a.example.com/v1/operations/1?x=2", "https://a.example.com/v1", "/operations/1?x=2"),
        ("/v1/operations/1", "https://a.example.com/v1", "/operations/1"),
        ("/operations/1", "https://a.example.com/v1", "/operations/1"),
        ("../operations/1", "https://a.example.com/v1", "/operations/1"),
        # a server behind a proxy does not know its own name
        ("http://10.0.0.7:8080/v1/operations/1", "https://a.example.com/v1", "/operations/1"),
    ],
)
def test_addresses_stay_below_the_base_url(url: str, base: str, found: str) -> None:
    assert below(url, base, "/things/1") == found


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://evil.example.com/steal", "not below the base URL"),
        ("https://a.example.com/v10/operations/1", "not below the base URL"),
        ("//evil.example.com/steal", "not below the base URL"),
        ("https://a.example.com/v1/%2e%2e/secrets", "no path and query"),
        ("https://a.example.com/v1/a//b", "no path and query"),
        ("file:///v1/operations/1", "no path and query"),
        ("http://[a/v1/operations/1", "no path and query"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        below(url, "https://a.example.com/v1", "/things/1")


def test_another_origin_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        below(f"http://once.example.com:8080/v1/operations/{number}", "https://a.example.com/v1")
        below(f"https://A.example.com:443/v1/operations/{number}", "https://a.example.com/v1")
    (said,) = [one.getMessage() for one in caplog.records if "example.com" in one.getMessage()]
    assert "at http://once.example.com:8080, and requests go to https://a.example.com:" in said


@pytest.mark.parametrize("text", ["/a b", "/a#b", "/a/../b", "a/b", "/a?b?c", "/a\nb", "/a/%252e%252e/b", "//a"])
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_ids_that_lead_elsewhere_are_refused(connect: Any) -> None:
    hook = connect(THINGS)
    with pytest.raises(InvalidArgument):
        hook.api.validate_operation_id("/a/../b")
    with pytest.raises(InvalidArgument):
        hook.api.validate_operation_id("plain")
    submit = hook.api.request("PUT", "/things/one")
    with pytest.raises(TransportError, match="no path and query"):
        submit.parse(_answer("https://evil.example.com/x/../../y"))


BY_ID = """\
name: ops
base_url: https://api.example.com/v1
variables: {project: {default: main}}
submit: {operation_url: $response.header.Azure-AsyncOperation}
calls:
  - {request: POST /jobs, kind: job}
  - {request: "POST /p/{project}/jobs", kind: job.of}
operation:
  get: GET /operations/{operation_id}
  status: /status
  states: {running: run, succeeded: ok, failed: bad}
"""


def _named(address: str, *edits: tuple[str, str]) -> str:
    text = BY_ID
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return DescribedApi(ApiSpec.from_yaml(text)).request("POST", "/jobs").parse(_answer(address)).operation_id


WIDE = ("/operations/{operation_id}", "/{+operation_id}")
OF_PROJECT = ("/operations/{operation_id}", "/p/{project}/ops/{operation_id}")


@pytest.mark.parametrize(
    ("address", "edits", "named"),
    [
        ("https://api.example.com/v1/operations/7", (), "7"),
        ("/v1/operations/a%2Fb/", (), "a/b"),
        ("https://proxied.example.com/v1/operations/7", (), "7"),
        # another place than that of operation.get: the address itself is read, with its query
        ("/v1/elsewhere/7?sig=abc", (), "/elsewhere/7?sig=abc"),
        ("/v1/projects/p9/operations/7", (WIDE,), "projects/p9/operations/7"),
        ("/v1/p/main/ops/7", (OF_PROJECT,), "7"),
    ],
)
def test_an_address_is_read_as_what_it_names(address: str, edits: Any, named: str) -> None:
    assert _named(address, *edits) == named


@pytest.mark.parametrize(
    ("address", "edits"),
    [
        ("https://evil.example.com/other/operations/7", ()),
        ("https://api.example.com/v2/operations/7", ()),
        ("/v1/projects/p9/operations/7", ()),
        ("/v1/p/other/ops/7", (OF_PROJECT,)),
        ("/v1/operations%2F7/x", (WIDE,)),
        ("/v1/operations/x7", (("{operation_id}", "{operation_id:int}"),)),
    ],
)
def test_an_address_of_another_operation_is_refused(address: str, edits: Any) -> None:
    with pytest.raises(TransportError, match=r"another operation|not below the base URL") as refused:
        _named(address, *edits)
    assert refused.value.reason == "unreadable"


def test_addresses_are_as_long_as_real_ones_and_the_error_for_longer_ones_says_so() -> None:
    api = DescribedApi(ApiSpec.from_yaml(THINGS))
    submit = api.request("PUT", "/things/one")
    host = "https://api.example.com"
    address = "/operations/1?api-version=2023-01-01&t=6384&c=".ljust(8192, "A")
    named = submit.parse(_answer(f"{host}{address}")).operation_id
    assert named == address
    polled = api.get_operation(api.validate_operation_id(named)).request
    assert f"{polled.path}?{urlencode(polled.query)}" == address
    for length in (8193, 100_000):
        with pytest.raises(TransportError, match="characters below the base URL, more than 8192") as refused:
            submit.parse(_answer(host + address.ljust(length, "A")))
        assert "not below" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"id": "x" * 300}, "has 300 characters, more than 256"),
        ({"id": 10**30}, "a number of 31 digits, too long to be read, is where"),
        ({"id": None}, "nothing is where"),
    ],
)
def test_the_reason_why_an_id_is_none_is_in_the_error_of_the_task(answer: Any, why: str) -> None:
    api = DescribedApi(ApiSpec.from_yaml(BY_ID.replace("operation_url: $response.header.Azure-AsyncOperation", _ID)))
    submit = api.request("POST", "/jobs")
    with pytest.raises(NamesNoOperation, match=why) as unclear:
        submit.parse(Response(202, {}, json.dumps(answer).encode()))
    found = ambiguous(api, submit, Handle.placeholder("job"), (), conn_id="jobs")
    assert why in str(with_cause(api, found, unclear.value))


_ID = "operation_id: $response.body#/id"


def test_a_path_that_is_not_that_of_the_variable_is_refused_before_anything_is_sent() -> None:
    api = DescribedApi(ApiSpec.from_yaml(BY_ID))
    assert api.request("POST", "/p/main/jobs").kind == "job.of"
    with pytest.raises(InvalidArgument, match="variable project"):
        api.request("POST", "/p/other/jobs")
    other = DescribedApi(ApiSpec.from_yaml(BY_ID), {"project": "other"})
    assert other.request("POST", "/p/other/jobs").kind == "job.of"


def _answer(address: str) -> Any:
    return Response(202, {"azure-asyncoperation": address}, b"{}")


def test_what_exists_already_is_joined(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect(RUNS)
    first = start(hook, "POST", "/flows/etl/runs", run="mine")
    again = start(hook, "POST", "/flows/etl/runs", run="mine")
    assert (first.adopted, again.adopted) == (False, True)
    assert first.handle.operation_id == again.handle.operation_id
    assert len(operations_simulator.operations("runs")) == 1


def test_a_conflict_that_means_something_else_stays_one(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect(RUNS, ("already: {status: 409}", "already: {status: 409, code: TAKEN}"))
    operations_simulator.faults(
        {"api": "runs", "method": "POST", "fault": "status", "status": 409, "code": "OTHER", "message": "no"}
    )
    with pytest.raises(Conflict):
        start(hook, "POST", "/flows/etl/runs", run="mine")


def test_a_run_is_found_by_the_name_that_we_chose(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect(RUNS)
    operations_simulator.faults(drop_answer(api="runs"))
    started = start(hook, "POST", "/flows/etl/runs")
    assert started.adopted
    assert hook.wait_for_operation(started.handle.operation_id or "").state is OperationState.SUCCEEDED
    assert len(operations_simulator.operations("runs")) == 1


def test_what_goes_only_with_a_repetition(connect: Any, operations_simulator: SimulatorServer) -> None:
    mark = "mark: {in: query, name: id, format: '{mark:uuid}', idempotent: true, repeat: {query: {retry: 'true'}}}"
    hook = connect(THINGS, ("kind: thing.export}", f"kind: thing.export, {mark}}}"))
    operations_simulator.faults(drop_answer(api="things"))
    start(hook, "POST", "/things/one/export")
    first, second = [one["query"] for one in operations_simulator.requests("things") if one["method"] == "POST"]
    assert "retry" not in first
    assert "retry=true" in second
    assert len(operations_simulator.operations("things")) == 1


SEVERAL = """\
name: several
base_url: https://api.example.com
submit: {operation_id: $response.body#/actions/*/id}
calls:
  - {request: POST /things, kind: thing.create, cancel: "POST /things/{resource_id}/{operation_id}/stop"}
  - {request: POST /others, kind: other.create, cancel: null}
operation:
  get: GET /actions/{operation_id}
  id: /id
  kind: /kind
  resource: {type: thing, id: /thing}
  status: /status
  states: {running: running, succeeded: success, failed: error, cancelled: stopped}
"""


def test_all_operations_of_a_submit_are_cancelled() -> None:
    api = DescribedApi(ApiSpec.from_yaml(SEVERAL))
    submitted = api.request("POST", "/things").parse(Response(201, {}, b'{"actions": [{"id": "a"}, {"id": "b"}]}'))
    handle = Handle.placeholder("thing.create").answered("a", *submitted.others, resource_id="7")
    flow: Any = terminate(api, handle, "cancel")
    asked = [str(next(flow).request), str(flow.send(None).request)]
    with pytest.raises(StopIteration) as over:
        flow.send(None)
    assert over.value.value.is_accepted
    assert asked == ["POST /things/7/a/stop", "POST /things/7/b/stop"]


def test_calls_differ_in_how_they_are_cancelled() -> None:
    api = DescribedApi(ApiSpec.from_yaml(SEVERAL))
    with pytest.raises(StopIteration) as over:
        next(terminate(api, Handle.placeholder("other.create").answered("a"), "cancel"))
    assert "cannot cancel" in over.value.value.text
    flow: Any = api.cancelling("a")
    read = next(flow)
    assert str(read.request) == "GET /actions/a"
    known = read.parse(Response(200, {}, b'{"id": "a", "kind": "thing.create", "thing": 7, "status": "running"}'))
    assert str(flow.send(known).request) == "POST /things/7/a/stop"
