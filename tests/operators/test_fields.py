"""Bad input is told when the DAG is parsed, by name and with what is allowed, without any I/O."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

import pytest
from airflow.sdk import DAG
from typing_extensions import NotRequired, TypedDict

from airflow_provider_ops.core.values import StandIn
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operators.akua import AkuaCreateInstallOperator, AkuaSetAutomaticUpdatesOperator
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.fields import check_each, check_fields, given
from airflow_provider_ops.operators.fitting import Stage, is_literal
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.nirvana import (
    NirvanaCreateFirewallRuleOperator,
    NirvanaCreateNKSNodePoolOperator,
    NirvanaCreateVMOperator,
)
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from tests.naming import shown

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _no_io(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **_kwargs: Any) -> Any:
        msg = f"I/O while parsing: {args}"
        raise AssertionError(msg)

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def create(**arguments: Any) -> Any:
    return OnveraCreateDeploymentOperator(**{"task_id": "t", "app_type": "airflow", **arguments})


def destroy(**arguments: Any) -> Any:
    return OnveraDestroyDeploymentOperator(**{"task_id": "t", "deployment_id": "d-1", **arguments})


def request(**arguments: Any) -> Any:
    call = {"conn_id": "onvera_default", "method": "POST", "path": "/deployments"}
    return OperationRequestOperator(**{"task_id": "t", **call, **arguments})


def machine(**arguments: Any) -> Any:
    fields: dict[str, Any] = {
        "name": "vm",
        "region": "r",
        "instance_type": "m",
        "os_image_name": "o",
        "boot_volume": {"size": 64, "type": "nvme"},
        "subnet_id": "{{ params.subnet }}",
        "ssh_key": {"public_key": "ssh-ed25519 AAAA"},
        "public_ip_enabled": True,
    }
    return NirvanaCreateVMOperator(**{"task_id": "t", **fields, **arguments})


def rule(**arguments: Any) -> Any:
    where = {"source_address": "0.0.0.0/0", "destination_address": "10.0.0.0/24", "destination_ports": ["22"]}
    fields: dict[str, Any] = {"vpc_id": "v", "name": "n", "protocol": "tcp", **where}
    return NirvanaCreateFirewallRuleOperator(**{"task_id": "t", **fields, **arguments})


def session(**arguments: Any) -> Any:
    return LakeSailCreateSessionOperator(**{"task_id": "t", **arguments})


def install(**arguments: Any) -> Any:
    fields = {"region_id": "r", "package_id": "p", "package_version_pin": {"kind": "latest"}}
    return AkuaCreateInstallOperator(**{"task_id": "t", **fields, **arguments})


def updates(**arguments: Any) -> Any:
    return AkuaSetAutomaticUpdatesOperator(**{"task_id": "t", "install_id": "i", **arguments})


def sense(**arguments: Any) -> Any:
    return OperationSensor(**{"task_id": "t", "conn_id": "onvera_default", "operation_id": "op_1", **arguments})


BAD: list[tuple[Callable[..., Any], dict[str, Any], list[str]]] = [
    (create, {"app_type": "jupyter"}, ["app_type", "'jupyter'", "'airflow'", "'superset'"]),
    (create, {"app_type": ""}, ["app_type", "'airflow'"]),
    (create, {"app_type": None}, ["app_type", "'airflow'"]),
    (create, {"app_type": "jupyter", "name": "{{ run_id }}"}, ["app_type", "'airflow'"]),
    (create, {"timeout": -1}, ["timeout", "0 or more"]),
    (create, {"timeout": float("inf")}, ["timeout", "at most"]),
    (create, {"timeout": float("nan")}, ["timeout"]),
    (create, {"timeout": "1h"}, ["timeout", "'1h'"]),
    (create, {"timeout": 1e12}, ["timeout", "at most"]),
    (create, {"poll_interval": 0}, ["poll_interval", "above 0"]),
    (create, {"poll_interval": -2}, ["poll_interval"]),
    (create, {"on_kill": "destroy"}, ["on_kill", "'cancel'", "'delete'", "'leave'"]),
    (create, {"on_timeout": "kill"}, ["on_timeout", "'leave'"]),
    (create, {"on_failure": "cancel"}, ["on_failure", "'leave'", "'delete'"]),
    (destroy, {"deployment_id": ""}, ["deployment_id", "''"]),
    (destroy, {"deployment_id": "../x"}, ["deployment_id", "'../x'"]),
    (destroy, {"deployment_id": "a b"}, ["deployment_id"]),
    (destroy, {"deployment_id": "a\n"}, ["deployment_id"]),
    (destroy, {"deployment_id": None}, ["deployment_id"]),
    (destroy, {"deployment_id": 7}, ["deployment_id", "7"]),
    (machine, {"ssh_key": {}}, ["ssh_key", "'public_key'"]),
    (machine, {"project_id": ["p"]}, ["project_id", "['p']"]),
    (machine, {"boot_volume": {"size": 64}}, ["boot_volume", "'type'"]),
    (machine, {"boot_volume": {"size": "{{ params.gb }}", "type": "ssd"}}, ["boot_volume.type", "'ssd'", "'nvme'"]),
    (machine, {"data_volumes": [{"size": 1, "type": "abs"}]}, ["data_volumes[0]", "'name'"]),
    (rule, {"destination_ports": [22]}, ["destination_ports", "['22']"]),
    (rule, {"destination_ports": "22"}, ["destination_ports", "['22']"]),
    (rule, {"destination_ports": {"a": 1}}, ["destination_ports must be a list of texts, not an object"]),
    (machine, {"tags": b"x"}, ["tags must be a list of texts, not bytes"]),
    (machine, {"data_volumes": {"name": "a", "size": 1, "type": "abs"}}, ["data_volumes must be a list", "[{...}]"]),
    (machine, {"public_ip_enabled": "yes"}, ["public_ip_enabled must be True or False, not the text 'yes'"]),
    (machine, {"preflight": "no"}, ["preflight must be True or False"]),
    (machine, {"name": ["a", "b"]}, ["name must be a text, not a list"]),
    (machine, {"name": {"a": 1}}, ["name must be a text, not an object"]),
    (machine, {"name": True}, ["name must be a text, not True"]),
    (machine, {"boot_volume": "nvme"}, ["boot_volume must be an object, not the text 'nvme'"]),
    (session, {"body": ["a"]}, ["body must be an object, not a list"]),
    (session, {"body": "a"}, ["body must be an object, not the text 'a', and that is not the JSON of one"]),
    (install, {"initial_values": ["a"]}, ["initial_values must be an object, not a list"]),
    (install, {"package_version_pin": "latest"}, ["package_version_pin must be an object, not the text 'latest'"]),
    (install, {"wait_until_healthy": "False"}, ["wait_until_healthy must be True or False, not 'False'"]),
    (updates, {"automatic_updates_enabled": "no"}, ["automatic_updates_enabled must be True or False"]),
    (create, {"conn_id": ["a"]}, ["conn_id must be a text, not a list"]),
    (create, {"operation_id": ["op_1"]}, ["operation_id is a list, ['op_1'], and no id"]),
    (request, {"conn_id": None}, ["conn_id is None"]),
    (request, {"path": None}, ["path is None"]),
    (request, {"method": None}, ["method is None"]),
    (request, {"path": ["/a"]}, ["path must be a text, not a list"]),
    (request, {"query": ["a"]}, ["query must be an object, not a list"]),
    (request, {"method": "GET"}, ["method", "POST"]),
    (request, {"method": ""}, ["method"]),
    (request, {"path": "https://evil.example/x"}, ["path"]),
    (request, {"path": "//evil.example/x"}, ["path"]),
    (request, {"path": "/a/../b"}, ["path"]),
    (request, {"path": "/a?b=1"}, ["path", "without query"]),
    (request, {"path": "/a\nb"}, ["path"]),
    (request, {"path": "deployments"}, ["path", "'/deployments'"]),
    (request, {"path": ""}, ["path"]),
    (request, {"timeout": -1}, ["timeout"]),
    (sense, {"operation_id": ""}, ["operation_id"]),
    (sense, {"operation_id": []}, ["operation_id"]),
    (sense, {"operation_id": ["op_1", ""]}, ["operation_id"]),
    (sense, {"operation_id": "../x"}, ["operation_id"]),
    (sense, {"operation_id": "op_1?x"}, ["operation_id"]),
    (sense, {"operation_id": ["op_1", 5]}, ["operation_id", "5"]),
    (sense, {"operation_id": [None, "op_1"]}, ["operation_id[0] is None: what was to give the id gave None"]),
    (sense, {"operation_id": ["op_1", ["op_2"]]}, ["operation_id[1] is a list, ['op_2'], and no id"]),
    (sense, {"operation_id": {"operation_id": "op_1"}}, ["other_task.output['operation_id']"]),
    (sense, {"conn_id": None}, ["conn_id is None"]),
    (sense, {"conn_id": {}}, ["conn_id must be a text, not an object"]),
    (sense, {"wait_for": "both"}, ["wait_for", "'all'", "'any'"]),
    (sense, {"timeout": -1}, ["timeout"]),
    (sense, {"timeout": float("inf")}, ["timeout"]),
    (sense, {"timeout": timedelta(seconds=-1)}, ["timeout"]),
    (sense, {"poke_interval": 0}, ["poke_interval"]),
    (sense, {"poke_interval": "often"}, ["poke_interval"]),
]


@pytest.mark.parametrize(("make", "arguments", "words"), BAD, ids=lambda value: shown(value)[:50])
def test_bad_input_is_told_at_parse_time_with_argument_and_allowed_values(
    make: Callable[..., Any], arguments: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InvalidArgument) as caught, DAG("d", schedule=None):
        make(**arguments)
    for word in words:
        assert word in str(caught.value)


GOOD: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (create, {}),
    (create, {"name": "x", "timeout": 0, "poll_interval": 0.1}),
    (create, {"app_type": "{{ params.kind }}", "conn_id": "{{ var.value.conn }}"}),
    (create, {"timeout": 7 * 86400}),
    (destroy, {"deployment_id": "{{ ti.xcom_pull('create', key='resource_id') }}"}),
    (destroy, {"deployment_id": "{% if x %}a{% endif %}"}),
    (machine, {}),
    (machine, {"boot_volume": {"size": "{{ params.gb }}", "type": "{{ params.type }}", "tags": ["a"]}}),
    (machine, {"data_volumes": [{"name": "{{ ds }}", "size": 1, "type": "abs"}], "tags": ["{{ ds }}"]}),
    (rule, {"destination_ports": ["{{ params.port }}"]}),
    (request, {"method": "post", "path": "/v1/x/{{ params.id }}/do"}),
    (machine, {"boot_volume": '{"size": 64, "type": "nvme"}', "public_ip_enabled": "False", "tags": ("a", "b")}),
    (session, {"body": '{"name": "a"}'}),
    (install, {"package_version_pin": '{"kind": "latest"}', "initial_values": '{"a": ["b"]}'}),
    (updates, {"automatic_updates_enabled": "{{ params.on }}"}),
    (request, {"query": '{"a": 1}'}),
    (request, {"json": {"deep": ["{{ ds }}"]}, "query": {"a": 1}}),
    (sense, {"operation_id": ["op_1", "{{ ds }}"]}),
    (sense, {"operation_id": "{{ ds }}", "mode": "reschedule", "timeout": timedelta(hours=1)}),
]


@pytest.mark.parametrize(("make", "arguments"), GOOD)
def test_good_input_and_templates_are_taken_without_io(make: Callable[..., Any], arguments: dict[str, Any]) -> None:
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)):
        assert make(**arguments).task_id == "t"


def test_results_of_other_tasks_are_taken_for_what_they_will_be() -> None:
    with DAG("d", schedule=None):
        made = create(task_id="create")
        gone = destroy(task_id="destroy", deployment_id=made.output["resource_id"])
        wait = sense(task_id="wait", operation_id=made.output["operation_id"])
    assert gone.upstream_task_ids == wait.upstream_task_ids == {"create"}


def test_a_literal_is_checked_beside_a_template() -> None:
    def starts(kind: Literal["a", "b"], thing_id: str, note: str | None = None) -> None: ...

    check_fields(starts, {"kind": "a", "thing_id": "{{ x }}", "note": None})
    with pytest.raises(InvalidArgument, match="kind"):
        check_fields(starts, {"kind": "c", "thing_id": "{{ x }}"})
    with pytest.raises(InvalidArgument, match="thing_id"):
        check_fields(starts, {"kind": "{{ x }}", "thing_id": "a/b"})


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("x", True),
        (1, True),
        (None, True),
        ({"a": ["x", 2]}, True),
        ("{{ x }}", False),
        ("{% x %}", False),
        (["a", "{{ x }}"], False),
        ({"a": {"b": "{{ x }}"}}, False),
        (object(), False),
    ],
    ids=shown,
)
def test_what_may_still_change_is_no_literal(value: object, literal: bool) -> None:
    assert is_literal(value) is literal


class File(TypedDict):
    path: str


class Box(TypedDict):
    id: int


class Disk(TypedDict):
    size: int
    type: Literal["nvme", "abs"]
    tags: NotRequired[Sequence[str]]


def starts_anything(
    count: int | None,
    on: bool | None,
    rate: Literal[50, 200],
    disks: Sequence[Disk] | None,
    name: str | None = None,
    free: Any = None,
    on_by_default: bool = True,
    labels: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
    either: File | Box | None = None,
    thing_id: str = "x",
    other: datetime | None = None,
) -> None: ...


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "3", 3),
        ("count", "-3", -3),
        ("count", " 3\n", 3),
        ("count", 3, 3),
        ("count", None, None),
        ("on", "False", False),
        ("on", "true", True),
        ("on", "True\n ", True),
        ("rate", "200", 200),
        ("rate", "200\n", 200),
        ("disks", [{"size": "64", "type": "abs", "tags": ["1"]}], [{"size": 64, "type": "abs", "tags": ["1"]}]),
        ("disks", [{"size": "6", "type": "abs", "more": "1"}], [{"size": 6, "type": "abs", "more": "1"}]),
        ("disks", [{"size": 6, "type": "abs", "tags": None}], [{"size": 6, "type": "abs"}]),
        ("disks", ['{"size": "6", "type": "abs"}'], [{"size": 6, "type": "abs"}]),
        ("labels", '{"a": 1}', {"a": "1"}),
        ("labels", {"a": 1}, {"a": "1"}),
        ("words", {"a", "b"}, ["a", "b"]),
        ("words", (1, "b"), ["1", "b"]),
        ("either", {"path": 1, "id": 2}, {"path": "1", "id": 2}),
        ("name", 3, "3"),
        ("thing_id", 3, "3"),
        ("on", StandIn("output-of-x"), StandIn("output-of-x")),
        ("labels", StandIn("output-of-x"), StandIn("output-of-x")),
        ("other", DAY, DAY),
        ("other", "2026", "2026"),
        ("other", ["x"], ["x"]),
        ("other", {"x": 1}, {"x": 1}),
        ("name", "3", "3"),
        ("free", "3", "3"),
    ],
)
def test_what_a_template_renders_to_gets_the_type_that_is_declared(name: str, text: Any, value: Any) -> None:
    found = check_each(starts_anything, {name: text}, Stage.RENDERED)[name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", "3.5", "count must be a whole number, not the text '3.5'"),
        ("count", "three", "count must be a whole number, not the text 'three'"),
        ("count", "", "count must be a whole number, not the text ''"),
        ("count", True, "count must be a whole number, not True"),
        ("count", 3.0, "count must be a whole number, not 3.0"),
        ("count", [3], "count must be a whole number, not a list"),
        ("on", "no", "on must be True or False, not the text 'no'"),
        ("on", 1, "on must be True or False, not 1"),
        ("on_by_default", "yes", "on_by_default must be True or False, not the text 'yes'"),
        ("rate", "7", "rate '7' is not known: use 50, 200"),
        ("rate", None, "rate None is not known: use 50, 200"),
        ("disks", "x", "disks must be a list of objects, not the text 'x'"),
        ("disks", "['x']", "disks is a list rendered as text"),
        ("disks", {"size": 1, "type": "abs"}, "disks must be a list of objects, not an object: write [{...}]"),
        ("disks", ["x"], "disks[0] must be an object, not the text 'x', and that is not the JSON of one"),
        ("disks", ["[1]"], "disks[0] must be an object, not the text '[1]', and that is not the JSON of one"),
        ("disks", [None], "disks[0] is None, and it has no default: give an object"),
        ("disks", [{"size": "x", "type": "abs"}], "disks[0].size must be a whole number, not the text 'x'"),
        ("disks", [{"size": 1, "type": "abs", "tags": "x"}], "disks[0].tags must be a list of texts, not the text 'x'"),
        ("labels", "a=b", "labels must be an object, not the text 'a=b', and that is not the JSON of one"),
        ("labels", "{'a': 'b'}", "labels must be an object, not the text"),
        ("labels", ["a"], "labels must be an object, not a list"),
        ("labels", {"a": ["b"]}, "labels.a must be a text, not a list"),
        ("words", "a", "words must be a list of texts, not the text 'a': write ['a']"),
        ("words", b"a", "words must be a list of texts, not bytes"),
        ("words", 5, "words must be a list of texts, not 5"),
        ("words", {"a": 1}, "words must be a list of texts, not an object"),
        ("words", ["a", ["b"]], "words[1] must be a text, not a list"),
        ("name", ["a"], "name must be a text, not a list"),
        ("name", {"a": 1}, "name must be a text, not an object"),
        ("name", True, "name must be a text, not True"),
        ("name", DAY, "name must be a text, not a datetime"),
        ("name", b"x", "name must be a text, not bytes"),
        ("thing_id", True, "thing_id True cannot be an id"),
        ("thing_id", ["x", "y"], "thing_id is a list, ['x', 'y'], and no id: give one id, or map the task over it"),
        ("thing_id", {"resource_id": "x", "operation": {}}, "hand over its resource_id, as other_task.output["),
        ("either", "x", "either must be an object, not the text 'x', and that is not the JSON of one"),
    ],
    ids=shown,
)
def test_what_does_not_fit_is_refused_by_its_place(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_each(starts_anything, {name: value}, Stage.RENDERED)
    assert words in str(caught.value)
    with pytest.raises(InvalidArgument) as caught:
        check_each(starts_anything, {name: value})
    assert words in str(caught.value)


def test_none_leaves_out_what_has_a_default_of_another_type() -> None:
    fields = check_each(starts_anything, {"on": None, "on_by_default": None, "words": None, "name": None})
    assert given(starts_anything, fields) == {"on": None, "name": None}


def test_numbers_and_flags_may_be_templates() -> None:
    pool: Any = {
        "cluster_id": "c",
        "name": "p",
        "node_config": {"instance_type": "m", "boot_volume": {"size": "{{ params.gb }}", "type": "nvme"}},
        "node_count": "{{ params.nodes }}",
        "preflight": "{{ params.ask }}",
    }
    operator = NirvanaCreateNKSNodePoolOperator(task_id="t", **pool)
    operator.render_template_fields({"params": {"gb": 64, "nodes": 3, "ask": False}})
    submit = operator.submit()
    assert submit.preflight is None
    assert (submit.request.json["node_count"], submit.request.json["node_config"]["boot_volume"]["size"]) == (3, 64)
    pool |= {"node_config": {"instance_type": "m", "boot_volume": {"size": 64, "type": "nvme"}}, "preflight": False}
    with pytest.raises(InvalidArgument, match="node_count"):
        NirvanaCreateNKSNodePoolOperator(task_id="u", **{**pool, "node_count": "3"})


@pytest.mark.parametrize("operator", [OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator])
def test_every_field_of_a_request_and_the_connection_are_templated(operator: type[OperationOperator]) -> None:
    assert "conn_id" in operator.template_fields
    own = {"OnveraCreateDeploymentOperator": {"app_type", "name"}, "OnveraDestroyDeploymentOperator": {"deployment_id"}}
    assert own[operator.__name__] < set(operator.template_fields)
