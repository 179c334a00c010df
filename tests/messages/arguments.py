"""Rows: arguments that cannot work."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

from airflow_provider_ops.apis import akua, nirvana
from airflow_provider_ops.apis.akua.schemas import check_header
from airflow_provider_ops.apis.lakesail import close_session, create_session
from airflow_provider_ops.apis.nirvana import checks
from airflow_provider_ops.apis.onvera import check_app_type
from airflow_provider_ops.core.event_hold import parse_event_hold
from airflow_provider_ops.core.values import body_of
from airflow_provider_ops.decorators.operation import DecoratedOperationOperator
from airflow_provider_ops.operators.akua import AkuaCreateInstallOperator
from airflow_provider_ops.operators.fields import check_each
from airflow_provider_ops.operators.nirvana import NirvanaCreateVMOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.operators.rendering import check_rendered
from airflow_provider_ops.retry_policy import OperationRetryPolicy
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.triggers.events import OperationEventTrigger, settled_operations
from airflow_provider_ops.triggers.operation import OperationTrigger
from tests.messages.table import Area


class _Asset(NamedTuple):
    name: str


ARGUMENTS = Area(
    "Arguments",
    "Nothing was sent, and no retry is made. Literal arguments are checked when the DAG is parsed, rendered ones "
    "before the request. The message names the argument and what it may be.",
    is_brief=True,
)


def _create(**arguments: Any) -> object:
    return OnveraCreateDeploymentOperator(task_id="create", **{"app_type": "airflow", **arguments})


def _request(**arguments: Any) -> OperationRequestOperator:
    given = {"conn_id": "onvera_default", "method": "POST", "path": "/deployments", **arguments}
    return OperationRequestOperator(task_id="call", **given)


def _rendered(to: dict[str, Any], **arguments: Any) -> object:
    task = _request(**arguments)
    task.render_template_fields(context=to)  # type: ignore[arg-type]
    return task.submit()


def _given_none() -> object:
    task = _request(operation_id=SimpleNamespace(resolve=lambda _: None))
    task.render_template_fields(context={})
    return task.rendered_field("operation_id")


def _wait(**arguments: Any) -> object:
    return OperationSensor(task_id="wait", conn_id="onvera_default", **{"operation_id": "op_1", **arguments})


def _vm(**arguments: Any) -> object:
    good: dict[str, Any] = {
        "name": "vm",
        "region": "us-sva-2",
        "instance_type": "n1-standard-2",
        "os_image_name": "noble",
        "boot_volume": {"size": 64, "type": "abs"},
        "subnet_id": "sub_1",
        "ssh_key": {"public_key": "ssh-ed25519 AAAA"},
        "public_ip_enabled": True,
    }
    return NirvanaCreateVMOperator(task_id="vm", **{**good, **arguments})


def _install(**arguments: Any) -> object:
    return akua.installs.create_install(region_id="reg_1", **arguments)


def _package(*sources: Any) -> object:
    return akua.installs.create_package(name="p", sources=list(sources))


def _rule(**arguments: Any) -> object:
    good = {"protocol": "tcp", "destination_address": "10.0.0.0/25", "destination_ports": ["22"], "name": "r"}
    given: dict[str, Any] = {**good, "source_address": "0.0.0.0/0", **arguments}
    return nirvana.networking.create_firewall_rule("vpc_1", **given)


def _pool(**config: Any) -> None:
    good = {"boot_volume": {"size": 100, "type": "abs"}, "instance_type": "n1-standard-2"}
    checks.node_config({**good, **config})


ARGUMENTS.add(
    {
        "A word that is not known": lambda s: _create(app_type="jupyter"),
        "A word that the API does not document": lambda s: check_app_type("jupyter"),
        "A policy that does not exist": lambda s: _create(on_kill="stop"),
        "Seconds that are no number": lambda s: _create(timeout="5m"),
        "An interval of nothing": lambda s: _create(poll_interval=0),
        "None where a text is needed": lambda s: _vm(name=None),
        "A template that gave None": lambda s: check_rendered("name", "{{ params.name }}", None),
        "A template that gave nothing": lambda s: check_rendered("name", "{{ params.name }}", " "),
        "A template that gave an object as text": lambda s: check_rendered("json", "{{ params.body }}", "{'a': None}"),
        "A template that gave a list where text belongs": lambda s: _rendered({"x": [1, 2]}, path="{{ x }}"),
        "A template with None in it": lambda s: _rendered({}, path="/deployments/{{ none }}:cancel"),
        "A task that gave None for an id": lambda s: _given_none(),
        "A task that is mapped over None": lambda s: OnveraCreateDeploymentOperator.partial(
            task_id="create", app_type="airflow"
        ).expand(operation_id=[None]),
        "A value of another type": lambda s: _vm(public_ip_enabled="yes"),
        "A list as text": lambda s: _vm(tags="['a', 'b']"),
        "A part of an object is missing": lambda s: _vm(boot_volume={"size": 64}),
        "No id": lambda s: _wait(operation_id=None),
        "An empty id": lambda s: _wait(operation_id=""),
        "An empty list of ids": lambda s: _wait(operation_id=[]),
        "Ids as text": lambda s: _wait(operation_id="['op_1', 'op_2']"),
        "What cannot be an id": lambda s: _wait(operation_id="op 1/../2"),
        "A whole result as an id": lambda s: _wait(operation_id={"operation_id": "op_1", "state": "succeeded"}),
        "A list as an id": lambda s: _create(operation_id=["op_1", "op_2"]),
        "The text None as an id": lambda s: _wait(operation_id="None"),
        "A reference to something that is no operation": lambda s: s.hook().api.validate_operation_id("session:A1B2"),
        "A kind of reference that the API does not have": lambda s: s.hook("lakesail").api.validate_operation_id(
            "cluster:A1B2"
        ),
        "A wait that is neither for all nor for any": lambda s: _wait(wait_for="some"),
        "A method that starts nothing": lambda s: _request(method="GET"),
        "A path that leaves the API": lambda s: _request(path="/%2e%2e/admin"),
        "A path with None in it": lambda s: _request(path="/deployments/None"),
        "A path that ends where an id belongs": lambda s: _rendered({"x": ""}, path="/deployments/{{ x }}"),
        "A query that is text": lambda s: _rendered({}, query="{'a': None}"),
        "A query with an object in it": lambda s: _rendered({}, query={"filter": {"a": 1}}),
        "A query that is none": lambda s: _rendered({}, query=5),
        "A number that JSON does not have": lambda s: _request(json={"size": float("nan")}).arguments(),
        "A value that JSON does not have": lambda s: _request(json={"at": object}).arguments(),
        "A body that is text and not JSON": lambda s: body_of("{a: 1}"),
        "A task that waits for a coroutine": lambda s: _decorated(_coroutine),
        "A function that returns what is no id": lambda s: s.failed(lambda: _decorated(_five)),
        "A function that returns ids which the task does not wait for": lambda s: s.failed(
            lambda: _decorated(_one, wait_for_completion=False)
        ),
        "A function that was not called yet": lambda s: _decorated(_one).submit(),
        "A watcher without connection": lambda s: OperationEventTrigger(""),
        "A watcher for states that are not final": lambda s: OperationEventTrigger("c", states=["running"]),  # type: ignore[list-item]
        "A watcher with a wrong `catchup`": lambda s: OperationEventTrigger("c", catchup="yes"),  # type: ignore[arg-type]
        "A watcher for kinds that are no texts": lambda s: OperationEventTrigger("c", kinds=[]),
        "A watcher since no time": lambda s: OperationEventTrigger("c", since="yesterday"),
        "A watcher with a queue, before Airflow 3.4": lambda s: OperationEventTrigger("c", queue="cloud"),
        "A retry policy that reschedules for no time": lambda s: OperationRetryPolicy(reschedule_timeout=timedelta(0)),
        "A task without its asset as inlet": lambda s: _without_inlet(),
        "A wait that cannot be stored": lambda s: OperationTrigger("c", ["op_1"], deadline=float("inf")).check(),
        "A trigger of a newer release": lambda s: asyncio.run(OperationTrigger("c", ["op_1"], version=99)._wait()),
        "An `event_hold` that is none": lambda s: parse_event_hold("soon"),
        "Akua: an install that waits for what is no bool": lambda s: AkuaCreateInstallOperator(
            task_id="install",
            region_id="reg_1",
            product_id="prd_1",
            wait_until_healthy="False",  # type: ignore[arg-type]
        ),
        "Akua: an install of nothing": lambda s: _install(),
        "Akua: a pin without its package": lambda s: _install(
            product_id="prd_1", package_version_pin={"kind": "latest"}
        ),
        "Akua: a pin of no kind": lambda s: _install(package_id="pkg_1", package_version_pin={"kind": "new"}),
        "Akua: a pin without version": lambda s: _install(package_id="pkg_1", package_version_pin={"kind": "pinned"}),
        "Akua: a package without source": lambda s: _package(),
        "Akua: a chart that is in no registry": lambda s: _package({"kind": "helm", "repo_url": "https://charts"}),
        "Akua: a chart without revision": lambda s: _package({"kind": "helm", "repo_url": "oci://charts"}),
        "Akua: a name that is too long": lambda s: akua.installs.create_package(name="n" * 121, sources=[{}]),  # type: ignore[list-item]
        "Akua: a header with odd characters": lambda s: check_header("etag", "é", 10),
        "Akua: a change without etag": lambda s: s.hook("akua").suspend_cluster("clu_1"),
        "Akua: an agent's field in a user's request": lambda s: akua.change_requests.open_change_request(
            parent_repository_id="rep_1", agent_id="agt_1"
        ),
        "Akua: a rejection without reason": lambda s: akua.change_requests.reject_repository_change_request("cr_1"),
        "Akua: half a filter": lambda s: s.hook("akua").api.list_operations(owner_type="cluster"),
        "Akua: a render without its install": lambda s: akua.API.get_operation("render:rnd_1"),
        "Akua: a domain that leads nowhere": lambda s: akua.workspaces._check_target({"kind": "moon"}),
        "Akua: a domain without its target": lambda s: akua.workspaces._check_target({"kind": "install"}),
        "Akua: a quota that is none": lambda s: akua.workspaces.get_quota("../x"),
        "LakeSail: an id that is none": lambda s: close_session("a-b"),
        "LakeSail: a run without its job": lambda s: s.hook("lakesail").api.get_operation("job_run:R1"),
        "LakeSail: a name that is too long": lambda s: create_session({"name": "n" * 1000}),
        "Nirvana: a word that is not known": lambda s: checks.bandwidth(7),
        "Nirvana: a size that is none": lambda s: _vm(boot_volume={"size": 0, "type": "abs"}),
        "Nirvana: a number out of bounds": lambda s: checks.node_count(101),
        "Nirvana: a part that is missing": lambda s: _pool(boot_volume={"size": 100}),
        "Nirvana: a taint that is none": lambda s: _pool(taints=["gpu"]),
        "Nirvana: a label that is none": lambda s: _pool(labels=["gpu"]),
        "Nirvana: a label of the cluster's own": lambda s: _pool(labels=["kubernetes.io/x=y"]),
        "Nirvana: an address that is none": lambda s: _rule(source_address="everywhere"),
        "Nirvana: a network that is not aligned": lambda s: _rule(source_address="10.0.0.1/24"),
        "Nirvana: everywhere, written otherwise": lambda s: _rule(source_address="0.0.0.0"),  # noqa: S104
        "Nirvana: one text where several belong": lambda s: _rule(destination_ports="22"),
        "Nirvana: numbers where texts belong": lambda s: _rule(destination_ports=[22]),
        "A field of an object that is a list as text": lambda s: check_each(
            nirvana.compute.create_vm, {"data_volumes": "['a']"}
        ),
    }
)


async def _coroutine() -> str:
    return "op_1"


def _five() -> int:
    return 5


def _one() -> str:
    return "op_1"


def _decorated(function: Any, **arguments: Any) -> Any:
    return DecoratedOperationOperator(
        task_id="wait", conn_id="onvera_default", python_callable=function, op_args=[], op_kwargs={}, **arguments
    )


def _without_inlet() -> object:
    event = SimpleNamespace(extra={"payload": {"operations": [], "redelivered": ["op_1"]}}, timestamp=None)
    return settled_operations({_Asset("deployments"): [event]}, {})
