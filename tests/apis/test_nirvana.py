"""Nirvana from the wire to our values: words, errors, paging, bounds, and the search for what a lost answer started."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.calls import Call, Page, Paged, Request, Response
from airflow_provider_ops.apis.nirvana import API, account, compute, networking, nks, platform, resources, starts
from airflow_provider_ops.apis.nirvana.schemas import to_operation
from airflow_provider_ops.apis.whole_lists import IncompleteList, all_items
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.exceptions import (
    Conflict,
    InvalidArgument,
    InvalidConnection,
    InvalidRequest,
    TransportError,
)
from airflow_provider_ops.operation import Operation, OperationState

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=timezone.utc)
TAG = "airflow-0123456789abcdef01234567"
# the sample of the fact sheet
OPERATION: dict[str, Any] = {
    "id": "0b8f0f3e-6a3c-4a9e-9a57-0d3f1f6f2c11",
    "created_at": "2026-08-01T10:00:00Z",
    "updated_at": "2026-08-01T10:00:04Z",
    "kind": "nks_node_pool",
    "type": "update",
    "status": "running",
    "project_id": "5a5c0a0e-0000-4000-8000-000000000001",
    "resource_id": "5a5c0a0e-0000-4000-8000-000000000002",
    "details": {"changes": {"node_count": {"from": 2, "to": 3}}},
}


def answer(body: Any, status: int = 200) -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", OperationState.PENDING),
        ("running", OperationState.RUNNING),
        ("done", OperationState.SUCCEEDED),
        ("failed", OperationState.FAILED),
        ("unknown", OperationState.UNKNOWN),
        ("hibernating", OperationState.UNKNOWN),
    ],
)
def test_every_status_word(status: str, state: OperationState) -> None:
    operation = to_operation({**OPERATION, "status": status})
    assert (operation.state, operation.raw_state) == (state, status)
    assert (operation.ended_at is not None) is state.is_terminal
    assert (operation.error is not None) is (state is OperationState.FAILED)


@pytest.mark.parametrize("gone", [{"status": None}, {"details": None}, {"details": {}}, {"details": {"changes": None}}])
def test_null_and_absent_are_the_same(gone: dict[str, Any]) -> None:
    (name,) = gone
    with_null = to_operation({**OPERATION, **gone})
    without = to_operation({key: value for key, value in {**OPERATION, **gone}.items() if value is not None})
    assert with_null == without
    assert with_null.raw_state == ("missing" if name == "status" else "running")


def test_the_sample_of_the_sheet() -> None:
    operation = to_operation(OPERATION)
    assert (operation.kind, operation.resource_type) == ("nks_node_pool.update", "nks_node_pool")
    assert operation.resource_id == OPERATION["resource_id"]
    assert operation.created_at == NOW
    assert operation.updated_at == NOW + timedelta(seconds=4)


def test_a_failed_operation_carries_what_it_was_to_change_through_events() -> None:
    failed = to_operation({**OPERATION, "status": "failed"})
    assert failed.error
    assert failed.error.details == {"changes": OPERATION["details"]["changes"]}


@pytest.mark.parametrize(("kind", "how"), [("rpc_node", "create"), ("vm", "resize"), (None, "create"), ("vm", None)])
def test_unlisted_kinds_and_types_are_taken(kind: str | None, how: str | None) -> None:
    operation = to_operation({**OPERATION, "kind": kind, "type": how})
    assert operation.kind == ".".join(word for word in (kind, how) if word)
    assert API.default_timeout(operation.kind) == 900


MODELS: list[type[WireModel]] = [
    model
    for module in (resources, account)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, WireModel) and model is not WireModel and model.__name__[0] != "_"
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_PLAUSIBLE = st.sampled_from(
    ["ready", "hibernating", "2026-08-01T10:00:00Z", "12.50", 7, True, None, [], ["a"], {}, {"id": "x", "name": "y"}]
)


def understood(parse: Callable[[], Any]) -> Any:
    """What is made of an answer, or the reason why nothing is."""
    try:
        return parse()
    except TransportError as error:
        return error.reason


@given(st.data())
def test_no_answer_can_surprise_a_model(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(MODELS))
    names = st.sampled_from([*model.model_fields, "a_new_field"])
    body = data.draw(st.dictionaries(names, _PLAUSIBLE | _JSON, max_size=12) | _JSON)
    value = understood(lambda: read(model, body))
    assert value == "unreadable" or isinstance(value, model)


@given(st.dictionaries(st.sampled_from([*OPERATION, "new"]), _PLAUSIBLE | _JSON, max_size=9) | _JSON)
def test_no_answer_can_surprise_the_operation(body: Any) -> None:
    operation = understood(lambda: to_operation({**OPERATION, **body} if isinstance(body, dict) else body))
    assert operation == "unreadable" or Operation.from_dict(operation.to_dict()).id == operation.id


CALLS: list[Call[Any]] = [
    networking.create_vpc(name="n", region="r", subnet_name="s"),
    starts.availability(networking.create_vpc)(name="n", region="r", subnet_name="s"),
    starts.cost(networking.create_vpc)(name="n", region="r", subnet_name="s"),
    starts.cost_change(networking.update_vpc)("v"),
    platform.get_operation("o"),
    platform.get_user(),
    platform.list_operations("p").first,
    platform.looked_at_together(status="running").entries.first,
    compute.list_vms("p").first,
    nks.get_nks_kubeconfig("k"),
    API.check(),
]


@given(
    st.sampled_from(CALLS),
    st.binary(max_size=20).map(lambda content: Response(200, {}, content))
    | (_JSON | st.dictionaries(st.sampled_from(["items", "pagination", "id", "diff"]), _PLAUSIBLE | _JSON)).map(
        lambda body: Response(200, {}, json.dumps(body).encode())
    ),
)
def test_no_body_can_surprise_a_call(call: Call[Any], response: Response) -> None:
    value = understood(lambda: call.parse(response))
    assert value == "unreadable" or not isinstance(value, Exception)


@pytest.mark.parametrize("model", MODELS)
def test_null_is_fine_for_everything_but_the_name_of_a_thing(model: type[WireModel]) -> None:
    wanted = {name: "x" for name, field in model.model_fields.items() if field.is_required()}
    assert set(wanted) <= {"id", "name", "kubeconfig"}
    assert read(model, {**dict.fromkeys(model.model_fields), **wanted}) == read(model, wanted)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"message": "no"}, None, "no"),
        ({"code": 12, "message": "no"}, "12", "no"),
        ({"error": {"code": "busy", "message": "no"}}, "busy", "no"),
        ({"error": "no"}, None, "no"),
        ({"detail": "no"}, None, "no"),
        ({}, None, "{}"),
        ([], None, "[]"),
        ({"message": None}, None, '{"message": null}'),
        (b"<html>Sorry</html>", None, "<html>Sorry</html>"),
        (b"", None, "(no message)"),
        (b"\xff\xfe", None, "��"),
    ],
)
def test_errors_in_any_envelope(body: Any, code: str | None, message: str) -> None:
    error = API.error(answer(body, 400))
    assert (error.code, error.message) == (code, message)


@given(_JSON)
def test_no_error_body_can_surprise(body: Any) -> None:
    assert isinstance(API.error(answer(body, 500)).message, str)


def pages(paged: Paged[Any], bodies: list[Any]) -> tuple[list[Any], list[dict[str, Any]]]:
    asked: list[dict[str, Any]] = []
    flow = all_items(paged)
    call = next(flow)
    for body in bodies:
        assert isinstance(call, Call)
        asked.append(dict(call.request.query))
        try:
            call = flow.send(call.parse(answer(body)))
        except StopIteration as end:
            return end.value, asked
    raise AssertionError("asked for more pages than there are")


def page(*ids: str, cursor: Any = None) -> dict[str, Any]:
    return {"items": [{"id": one} for one in ids], "pagination": {"next_cursor": cursor, "total_count": 3}}


def test_pages_repeat_the_query_with_the_cursor() -> None:
    found, asked = pages(networking.list_vpcs("p", name="n"), [page("a", "b", cursor="c1"), page("c")])
    assert [vpc.id for vpc in found] == ["a", "b", "c"]
    query = {"limit": 100, "project_id": "p", "name": "n"}
    assert asked == [query, {**query, "cursor": "c1"}]


@pytest.mark.parametrize(
    "last",
    [
        {"items": [{"id": "a"}], "pagination": None},
        {"items": [{"id": "a"}]},
        page("a", cursor=""),
        page("a", cursor=5),
        {"items": [{"id": "a"}], "pagination": []},
    ],
)
def test_what_ends_a_list(last: Any) -> None:
    assert len(pages(networking.list_vpcs("p"), [last])[0]) == 1


def test_an_empty_list_may_be_null() -> None:
    assert pages(networking.list_vpcs("p"), [{"items": None}])[0] == []


def test_an_empty_page_with_a_cursor_is_followed() -> None:
    assert len(pages(networking.list_vpcs("p"), [page(cursor="c1"), page("a")])[0]) == 1


@pytest.mark.parametrize("bodies", [[{}], [page("a", cursor="c"), page("b", cursor="c")]])
def test_a_list_that_may_have_more_is_no_whole_one(bodies: list[Any]) -> None:
    with pytest.raises(IncompleteList, match="there may be more"):
        pages(networking.list_vpcs("p"), bodies)


@pytest.mark.parametrize("body", [[], "x", {"items": {}}, {"items": [1]}])
def test_a_list_of_another_shape_is_unreadable(body: Any) -> None:
    with pytest.raises(TransportError, match="answer") as caught:
        pages(platform.list_operations("p"), [body])
    assert caught.value.reason == "unreadable"


def test_filters_are_written_as_the_api_wants_them() -> None:
    moment = datetime(2026, 8, 1, 12, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=2)))
    query = platform.list_operations("p", kind="nks_node", created_at_min=moment).first.request.query
    assert query == {
        "limit": 100,
        "project_id": "p",
        "kind": "nks_node",
        "created_at_min": "2026-08-01T10:00:00.500000Z",
    }
    assert compute.list_vms("p", tags=["a", "b"]).first.request.query["tags"] == "a,b"


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [("vm.create", 15), ("volume.update", 15), ("vpc.create", 15), ("nks_cluster.create", 45), ("nks_node.delete", 30)],
)
def test_default_timeouts(kind: str, minutes: int) -> None:
    assert API.default_timeout(kind) == minutes * 60


def test_only_a_409_is_busy() -> None:
    assert API.is_busy(Conflict(409, None, "active operation"))
    assert not API.is_busy(Conflict(412, None, ""))
    assert not API.is_busy(InvalidRequest(422, None, ""))


POOL: dict[str, Any] = {"instance_type": "n", "boot_volume": {"size": 64, "type": "nvme"}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**POOL, "boot_volume": {"size": 63, "type": "nvme"}}, "from 64 to 512, not 63"),
        ({**POOL, "boot_volume": {"size": True, "type": "nvme"}}, "not True"),
        ({**POOL, "boot_volume": {"size": 64, "type": "ssd"}}, "use 'nvme', 'abs'"),
        ({**POOL, "boot_volume": {"size": 64}}, "node_config.boot_volume needs 'type'"),
        ({"boot_volume": POOL["boot_volume"]}, "needs 'instance_type'"),
        ({**POOL, "labels": ["role"]}, "key=value"),
        ({**POOL, "labels": ["node.kubernetes.io/x=1"]}, "reserved prefix"),
        ({**POOL, "labels": ["nirvanalabs.io/x=1"]}, "reserved prefix"),
        ({**POOL, "taints": ["a=b:Never"]}, "NoExecute"),
        ("x", "needs 'boot_volume'"),
    ],
)
def test_bounds_of_a_node_pool(config: Any, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        nks.create_nks_node_pool("k", name="p", node_config=config)
    assert message in str(caught.value)


def test_a_node_pool_within_bounds() -> None:
    config: Any = {**POOL, "labels": ["role=a", "example.com/x=", "mykubernetes.io/x=1"], "taints": ["a=b:NoSchedule"]}
    body = nks.create_nks_node_pool("k", name="p", node_config=config, node_count=0).request.json
    assert body == {"name": "p", "node_config": config, "node_count": 0}


def test_false_zero_and_empty_are_sent_and_none_is_not() -> None:
    assert compute.update_vm("v", public_ip_enabled=False, tags=[]).request.json == {
        "public_ip_enabled": False,
        "tags": [],
    }
    assert compute.restart_vm("v").request.json is None


LISTS = [compute.VMS, compute.VOLUMES, networking.VPCS, networking.CONNECTIONS, nks.CLUSTERS, platform.OPERATIONS]


@pytest.mark.parametrize("route", LISTS)
def test_the_project_of_the_connection_fills_in(route: str) -> None:
    request = Request("GET", route, route, query={"limit": 100})
    assert API.apply_connection_defaults(request, {"project_id": "p"}).query["project_id"] == "p"
    explicit = Request("GET", route, route, query={"project_id": "mine"})
    assert API.apply_connection_defaults(explicit, {"project_id": "p"}).query == {"project_id": "mine"}
    with pytest.raises(InvalidConnection, match="project_id"):
        API.apply_connection_defaults(request, {})


@pytest.mark.parametrize("suffix", ["", "/availability", "/cost"])
def test_bodies_get_the_project_too(suffix: str) -> None:
    where = f"{networking.VPCS}{suffix}"
    request = Request("POST", where, where, json={"name": "n", "project_id": None})
    assert API.apply_connection_defaults(request, {"project_id": "p"}).json == {"name": "n", "project_id": "p"}


@pytest.mark.parametrize(
    "request_",
    [
        networking.delete_vpc("v").request,
        networking.list_firewall_rules("v").first.request,
        compute.get_vm("v").request,
        compute.restart_vm("v").request,
        platform.get_operation("o").request,
        compute.list_os_images().first.request,
    ],
    ids=str,
)
def test_other_calls_need_no_project(request_: Request) -> None:
    assert API.apply_connection_defaults(request_, {}) is request_


def test_secrets_of_a_cluster_do_not_show_in_a_repr() -> None:
    config = nks.get_nks_kubeconfig("k").parse(answer({"kubeconfig": "apiVersion: v1, token: abc"}))
    assert "abc" not in repr(config)
    assert "abc" in config.kubeconfig


def test_every_call_that_starts_something_has_its_row() -> None:
    assert len(starts._STARTS) == 26
    assert len({(start.method, start.route) for start in starts._STARTS}) == 26
    assert [start.kind for start in starts._STARTS if start.creates] == [
        "vm.create", "volume.create", "vpc.create", "firewall_rule.create", "connect_connection.create",
        "nks_cluster.create", "nks_node_pool.create",
    ]  # fmt: skip


def test_open_and_recent_operations_are_read_lazily() -> None:
    lists = (*API.open_operations(), *API.recent_operations())
    statuses = [listed.entries.first.request.query["status"] for listed in lists]
    assert statuses == ["pending", "running", "unknown", "done", "failed"]
    first = lists[0].entries.first.parse(answer({"items": [OPERATION, {"id": None}]}))
    assert isinstance(first, Page)
    assert lists[0].read(first.items[0]) == to_operation(OPERATION)
