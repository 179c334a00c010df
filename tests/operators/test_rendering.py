"""Templates render to what a field is declared to be; nothing, and lists as text, are refused by name."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ops.apis.calls import Request, check_id, check_path
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.fields import ids_of
from airflow_provider_ops.operators.nirvana import (
    NirvanaCreateFirewallRuleOperator,
    NirvanaCreateVMOperator,
    NirvanaCreateVolumeOperator,
)
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor
from tests.naming import shown

DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Lazy(Sequence[Any]):
    """As Airflow hands over the results of a mapped task: neither a list nor a tuple."""

    def __init__(self, *items: Any) -> None:
        self._items = items

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __len__(self) -> int:
        return len(self._items)


class Given:
    """The result of another task, as far as rendering is concerned."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def resolve(self, _: Any) -> Any:
        return self._value


class OnveraRequest(OperationRequestOperator):
    """Does not ask which API it is."""

    def make_hook(self) -> OnveraHook:
        return OnveraHook(self.conn_id)


def render(cls: Any, *, native: bool = False, params: Any = (), **arguments: Any) -> Any:
    with DAG("d", schedule=None, start_date=DAY, render_template_as_native_obj=native):
        task = cls(task_id="t", **arguments)
    task.render_template_fields({"params": dict(params)})
    return task


def volume(**arguments: Any) -> dict[str, Any]:
    task = render(NirvanaCreateVolumeOperator, **{"region": "r", "size": 1, "type": "nvme", "name": "v", **arguments})
    body: dict[str, Any] = task.submit().request.json
    return body


def request(**arguments: Any) -> Any:
    call = {"conn_id": "onvera_default", "method": "POST", "path": "/deployments", **arguments}
    return render(OnveraRequest, **call).submit().request


# -- native rendering, both ways


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("text", ["20260101", "1.10", "1_000", "0x10", "1e5", "True", "'quoted'", "[prod]", "a\nb"])
def test_text_stays_text(text: str, native: bool) -> None:
    found = volume(native=native, name="{{ params.x }}", params={"x": text})["name"]
    assert found == text


@pytest.mark.parametrize("native", [True, False])
def test_numbers_and_lists_are_what_they_are_declared_to_be(native: bool) -> None:
    body = volume(native=native, size="{{ params.gb }}", params={"gb": 64})
    assert body["size"] == 64
    tags: Any = "{{ params.tags }}" if native else ["{{ params.tags[0] }}", "{{ params.tags[1] }}"]
    assert volume(native=native, tags=tags, params={"tags": ["7", "b"]})["tags"] == ["7", "b"]


@pytest.mark.parametrize("native", [True, False])
def test_text_within_objects_and_lists_stays_text(native: bool) -> None:
    fields: dict[str, Any] = {
        "name": "vm",
        "region": "r",
        "instance_type": "m",
        "os_image_name": "o",
        "boot_volume": {"size": "{{ params.n }}", "type": "{{ params.type }}", "tags": ["{{ params.n }}"]},
        "subnet_id": "{{ params.n }}",
        "ssh_key": {"public_key": "{{ params.n }}"},
        "public_ip_enabled": "{{ params.on }}",
    }
    params = {"n": "64", "type": "nvme", "on": False}
    body = render(NirvanaCreateVMOperator, native=native, params=params, **fields).submit().request.json
    assert body["boot_volume"] == {"size": 64, "type": "nvme", "tags": ["64"]}
    assert (body["subnet_id"], body["ssh_key"], body["public_ip_enabled"]) == ("64", {"public_key": "64"}, False)


def test_a_number_from_another_task_becomes_the_text_that_is_declared() -> None:
    assert volume(name=Given(20260101))["name"] == "20260101"


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(("text", "ids"), [("op_1", "op_1"), ("12345", "12345")])
def test_an_id_made_of_digits_stays_an_id(native: bool, text: str, ids: Any) -> None:
    task = render(
        OperationSensor, native=native, params={"x": text}, conn_id="onvera_default", operation_id="{{ params.x }}"
    )
    assert task.operation_ids() == ids


def test_a_list_of_ids_is_one_with_native_rendering() -> None:
    task = render(
        OperationSensor,
        native=True,
        params={"x": ["op_1", "op_2"]},
        conn_id="onvera_default",
        operation_id="{{ params.x }}",
    )
    assert task.operation_ids() == ["op_1", "op_2"]


@pytest.mark.parametrize("native", [True, False])
def test_a_free_body_is_rendered_as_the_dag_says(native: bool) -> None:
    found = request(native=native, params={"n": 7}, path="/x/{{ params.n }}", json={"size": "{{ params.n }}"})
    assert (found.path, found.json) == ("/x/7", {"size": 7 if native else "7"})


def test_a_body_may_be_json_text() -> None:
    assert request(json='{"name": "{{ params.x }}"}', params={"x": "a"}).json == {"name": "a"}


def test_what_another_task_returned_is_not_rendered() -> None:
    # as a mapped task does it: the values are resolved already
    task: Any = OnveraCreateDeploymentOperator(task_id="t", app_type="airflow", name="{{ params.x }}")
    task._do_render_template_fields(task, ["name"], {"params": {"x": 1}}, None, {id(task.name)})
    assert task.name == "{{ params.x }}"


# -- sequences


SEQUENCES: dict[str, Any] = {
    "list": lambda: ["a", "b"],
    "tuple": lambda: ("a", "b"),
    "lazy": lambda: Lazy("a", "b"),
    "deque": lambda: deque(["a", "b"]),
    "set": lambda: {"b", "a"},
    "keys": {"a": 1, "b": 2}.keys,
    "values": {1: "a", 2: "b"}.values,
    "generator": lambda: (one for one in ["a", "b"]),
}


@pytest.mark.parametrize("make", SEQUENCES.values(), ids=SEQUENCES)
def test_any_sequence_is_a_list(make: Any) -> None:
    assert volume(tags=Given(make()))["tags"] == ["a", "b"]
    assert volume(tags=make())["tags"] == ["a", "b"]
    assert request(json={"ids": Given(make())}).json == {"ids": ["a", "b"]}


def test_sequences_deep_in_a_body_are_lists() -> None:
    body = {"a": [{"b": Lazy(Lazy("x"), ("y",))}], "c": {"z", "y"}}
    assert Request("POST", "/x", "/x", json=body).json == {"a": [{"b": [["x"], ["y"]]}], "c": ["y", "z"]}


@pytest.mark.parametrize("value", [DAY, float("nan"), b"x", object()], ids=lambda value: type(value).__name__)
def test_what_json_has_no_form_for_is_refused_by_its_place(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"json\.a\[0\] is"):
        request(json={"a": [Given(value)]})
    with pytest.raises(InvalidArgument, match=r"query\.a\[0\] is"):
        request(query={"a": [Given(value)]})


@pytest.mark.parametrize("make", SEQUENCES.values(), ids=SEQUENCES)
def test_any_sequence_is_a_repeated_parameter_of_a_query(make: Any) -> None:
    assert request(query={"a": Given(make()), "b": 1}).query == {"a": ["a", "b"], "b": 1}
    task = render(OnveraRequest, conn_id="c", method="POST", path="/x", query={"a": Given(make())})
    assert task.arguments()["query"] == {"a": ["a", "b"]}


@pytest.mark.parametrize(("value", "what"), [({"b": 1}, "an object"), ([["b"]], "a list"), ([{}], "an object")])
def test_what_a_query_has_no_form_for_is_refused_by_its_place(value: Any, what: str) -> None:
    with pytest.raises(InvalidArgument, match=f"query.a has {what} in it"):
        request(query={"a": value})


def test_a_query_may_be_json_text() -> None:
    assert request(query='{"a": "{{ params.x }}"}', params={"x": "b"}).query == {"a": "b"}


@pytest.mark.parametrize("ids", [Lazy("op_1", "op_2"), ("op_1", "op_2"), iter(["op_1", "op_2"])], ids=shown)
def test_a_sensor_takes_any_sequence_of_ids(ids: Any) -> None:
    task = render(OperationSensor, conn_id="onvera_default", operation_id=Given(ids))
    assert list(task.operation_ids()) == ["op_1", "op_2"]


@pytest.mark.parametrize("make", SEQUENCES.values(), ids=SEQUENCES)
@pytest.mark.parametrize("is_result", [False, True])
def test_a_sensor_reads_its_ids_as_often_as_it_needs_them(make: Any, is_result: bool) -> None:
    ids = Given(make()) if is_result else make()
    task = render(OperationSensor, conn_id="onvera_default", operation_id=ids)
    assert [list(task.operation_ids()) for _ in range(2)] == [["a", "b"]] * 2


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([Given(None), "op_1"], "operation_id[0] is None"),
        ((Given(Lazy("op_1")), "op_2"), "operation_id[0] is a list and no id: give its ids one by one"),
        (["op_1", Given({"operation_id": "op_2"})], "operation_id[1] is a whole result and no id"),
        (Given({"operation_id": "op_1", "operation": {"x": "y" * 999}}), "other_task.output['operation_id']"),
        (Given({"id": "op_1", "state": "x"}), "other_task.output['id']"),
        (Given({"name": "x", "state": "x"}), "operation_id is an object and no id: hand over the part that is the id"),
        (Given(Lazy()), "operation_id is an empty list"),
        (Given(True), "operation_id True cannot be an id"),
    ],
    ids=shown,
)
def test_what_is_no_id_in_a_sensor_is_told_by_its_place_and_briefly(ids: Any, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        task = render(OperationSensor, conn_id="c", operation_id=ids)
        ids_of("operation_id", task.operation_ids())
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"resource_id": "d", "operation": {"x": "y" * 999}}, "other_task.output['resource_id']"),
        (Lazy("a", "b"), "deployment_id is a list and no id: give one id, or map the task over it"),
    ],
    ids=shown,
)
def test_a_whole_result_is_no_id(value: Any, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        render(OnveraDestroyDeploymentOperator, deployment_id=Given(value)).submit()
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_id_of_an_operation_may_have_the_form_of_its_api() -> None:
    task = render(
        OperationSensor,
        conn_id="c",
        operation_id=[Given("projects/p/operations/1"), "{{ params.x }}"],
        params={"x": "a b"},
    )
    assert task.operation_ids() == ["projects/p/operations/1", "a b"]


# -- None, nothing, and lists as text


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(("value", "what"), [(None, "to None"), ("", "to nothing"), (" \n", "to nothing")])
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda t, **a: volume(name=t, **a), "name"),
        (lambda t, **a: volume(tags=["a", t], **a), "tags[1]"),
        (lambda t, **a: volume(project_id=t, **a), "project_id"),
        (lambda t, **a: request(json={"a": {"b": t}}, **a), "json.a.b"),
        (lambda t, **a: request(query={"a": t}, **a), "query.a"),
        (lambda t, **a: render(OnveraDestroyDeploymentOperator, deployment_id=t, **a).submit(), "deployment_id"),
        (lambda t, **a: render(OnveraCreateDeploymentOperator, app_type="airflow", conn_id=t, **a).hook, "conn_id"),
        (lambda t, **a: render(OperationSensor, conn_id="c", operation_id=t, **a).operation_ids(), "operation_id"),
        (lambda t, **a: render(OperationSensor, conn_id=t, operation_id="op", **a).hook, "conn_id"),
        (lambda t, **a: render(LakeSailSessionSensor, session_id=t, **a).operation_ids(), "session_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_template_that_renders_to_nothing_is_refused_by_name(
    make: Any, field: str, value: Any, what: str, native: bool
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make("{{ params.x }}", params={"x": value}, native=native)
    assert str(caught.value).startswith(f"{field}: the template '{{{{ params.x }}}}' rendered {what}")


@pytest.mark.parametrize("value", [None, "None", ""])
def test_nothing_in_a_path_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="path"):
        request(path="/deployments/{{ params.x }}", params={"x": value})
    with pytest.raises(InvalidArgument, match="path"):
        request(path="/deployments/{{ params.x }}/do", params={"x": value})


def test_the_text_none_is_no_id() -> None:
    with pytest.raises(InvalidArgument, match="deployment_id is the text 'None'"):
        check_id("deployment_id", "None")
    with pytest.raises(InvalidArgument, match="'None' where an id belongs"):
        check_path("DELETE", "/deployments/None")


@pytest.mark.parametrize("field", ["name", "region"])
def test_none_of_another_task_is_refused_where_there_is_no_default(field: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{field} is None"):
        volume(**{field: Given(None)})
    assert "project_id" not in volume(project_id=Given(None))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda t, **a: volume(tags=t, **a), "tags"),
        (lambda t, **a: request(json={"a": t}, **a), "json.a"),
        (lambda t, **a: render(OperationSensor, conn_id="c", operation_id=t, **a).operation_ids(), "operation_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("value", [["op_1", "op_2"], ("op_1",), Lazy("a")], ids=shown)
def test_a_list_as_text_is_told_with_the_remedy(make: Any, field: str, value: Any) -> None:
    if isinstance(value, Lazy):
        value = "LazyXComSequence([1 item])"
    with pytest.raises(InvalidArgument) as caught:
        make("{{ params.x }}", params={"x": value})
    for word in (f"{field} is a list rendered as text", "=other_task.output", "render_template_as_native_obj=True"):
        assert word in str(caught.value)


TEXT_ONLY: list[tuple[Any, str]] = [
    (lambda t, **a: volume(name=t, **a), "name"),
    (lambda t, **a: volume(tags=["a", t], **a), "tags[1]"),
    (lambda t, **a: render(OnveraDestroyDeploymentOperator, deployment_id=t, **a).submit(), "deployment_id"),
    (lambda t, **a: request(path=t, **a), "path"),
    (lambda t, **a: render(OnveraCreateDeploymentOperator, app_type="airflow", conn_id=t, **a).hook, "conn_id"),
    (lambda t, **a: render(OnveraCreateDeploymentOperator, app_type=t, **a).submit(), "app_type"),
]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(("make", "field"), TEXT_ONLY, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("[1, 2]", "a list"),
        ("[]", "a list"),
        ("['a']", "a list"),
        ("('a',)", "a list"),
        ("{'a': 1}.keys()", "a list"),
        ("{'a': 1}.values()", "a list"),
        ("params.set", "a list"),
        ("params.frozen", "a list"),
        ("params.lazy", "a list"),
        ("range(0, 2)", "a list"),
        ("['a'] | map('upper')", "a list"),
        ("{}", "an object"),
        ("{'a': 1}", "an object"),
        ("params", "an object"),
        ("params.bytes", "bytes"),
    ],
)
def test_what_is_no_text_is_told_as_what_it_is(make: Any, field: str, expression: str, what: str, native: bool) -> None:
    params = {"set": {"b"}, "frozen": frozenset({"b"}), "bytes": b"x", "lazy": Lazy("a")}
    with pytest.raises(InvalidArgument) as caught:
        make(f" {{{{ {expression} }}}} ", params=params, native=native)
    assert str(caught.value).startswith(f"{field} is {what} rendered as text")
    assert "render_template_as_native_obj" not in str(caught.value)


@pytest.mark.parametrize("text", ["['a']", "LazyXComSequence([1 item])", "{'a': None}"])
def test_text_that_was_an_object_once_is_told_as_well(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"name is (a list|an object) rendered as text"):
        volume(name="{{ params.x }}", params={"x": text})


@pytest.mark.parametrize("native", [True, False])
def test_text_may_be_made_of_parts_of_any_type(native: bool) -> None:
    params = {"x": ["a", "b"], "n": 7, "on": True, "day": DAY, "part": 1.5}
    for template, text in (
        ("{{ params.x | join('-') }}", "a-b"),
        ("of {{ params.x }}", "of ['a', 'b']"),
        ("{{ params.x | tojson }}", '["a", "b"]'),
        ("{{ params.n }}{{ params.on }}", "7True"),
        ("{{ params.day }}", str(DAY)),
        ("{{ params.part }}", "1.5"),
        ("{% for one in params.x %}{{ one }}{% endfor %}", "ab"),
    ):
        assert volume(native=native, name=template, params=params)["name"] == text


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("path", ["/x/{{ none }}:cancel", "/x/dep_{{ none }}/y", "/x/a{{ none }}", "/{{ none }}/x"])
def test_none_within_a_path_is_refused(path: str, native: bool) -> None:
    with pytest.raises(InvalidArgument, match=r"^path: the template .* with None in it"):
        request(path=path, native=native)
    with pytest.raises(InvalidArgument, match=r"^deployment_id: the template .* with None in it"):
        render(OnveraDestroyDeploymentOperator, deployment_id="dep_{{ none }}", native=native).submit()


@pytest.mark.parametrize("path", ["/x/:cancel", "/x/%3Acancel", "/x/None:cancel", "/x/dep_None/y", "/x/dep_None"])
def test_a_path_without_its_id_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument, match="where an id belongs"):
        check_path("POST", path)


def test_none_and_colons_in_names_are_no_mistake() -> None:
    for path in ("/x/NoneSuch", "/x/a:b", "/x/is-None", "/x/a:None"):
        check_path("POST", path)


def test_json_text_and_free_text_in_brackets_are_no_mistake() -> None:
    assert volume(name="{{ params.x }}", params={"x": "[a] b"})["name"] == "[a] b"
    assert request(json={"a": "{{ params.x | tojson }}"}, params={"x": ["b"]}).json == {"a": '["b"]'}
    with pytest.raises(InvalidArgument, match="destination_ports is a list rendered as text"):
        render(
            NirvanaCreateFirewallRuleOperator,
            vpc_id="v",
            name="n",
            protocol="tcp",
            source_address="10.0.0.0/8",
            destination_address="10.0.0.0/24",
            destination_ports="{{ params.x | tojson }}",
            params={"x": ["22"]},
        ).submit()
