"""Subclasses of operators behave like those of Airflow's own."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ops.apis.onvera import create_deployment
from airflow_provider_ops.decorators.operation import DecoratedOperationOperator
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators import akua, lakesail, nirvana, onvera
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

MODULES = (akua, lakesail, nirvana, onvera)
OPERATORS = sorted(
    (
        cls
        for module in MODULES
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, OperationOperator) and cls is not OperationOperator
    ),
    key=lambda cls: cls.__name__,
)
CONTEXT: Any = {"params": {"team": "red"}}


class TeamDeployment(OnveraCreateDeploymentOperator):
    """Has an argument of its own, and decides a field of the request."""

    def __init__(self, *, team: str, name: str = "rep {{ params.team }}", **kwargs: Any) -> None:
        super().__init__(app_type="superset", name=name, **kwargs)
        self.team = team


class TemplatedTeam(TeamDeployment):
    template_fields: Sequence[str] = (*TeamDeployment.template_fields, "team")


class WithCaption(OnveraCreateDeploymentOperator):
    """Declares a call of its own."""

    build_request = staticmethod(OnveraCreateDeploymentOperator.build_request)

    def __init__(self, *, title: str, caption: str, **kwargs: Any) -> None:
        OperationOperator.__init__(self, fields={"app_type": "airflow", "name": title}, **kwargs)
        self.caption = caption


class Request(OperationRequestOperator):
    def __init__(self, *, what: str, **kwargs: Any) -> None:
        super().__init__(conn_id="onvera_default", method="POST", path="/{{ params.team }}", **kwargs)
        self.what = what


class Decorated(DecoratedOperationOperator):
    def __init__(self, *, extra: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extra = extra


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (TeamDeployment, {"conn_id", "app_type", "name"}),
        (TemplatedTeam, {"conn_id", "app_type", "name", "team"}),
        (WithCaption, {"conn_id", "app_type", "name"}),
        (Request, {"conn_id", "method", "path", "json", "query"}),
        (Decorated, {"conn_id", "op_args", "op_kwargs"}),
    ],
)
def test_a_subclass_keeps_the_template_fields_of_its_parent(cls: type[OperationOperator], fields: set[str]) -> None:
    assert fields <= set(cls.template_fields)
    assert not {"title", "caption", "what", "extra", "kwargs"} & set(cls.template_fields)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: TeamDeployment(task_id="t", team="x"), "rep red"),
        (lambda: TemplatedTeam(task_id="t", team="{{ params.team }}"), "rep red"),
        (lambda: WithCaption(task_id="t", title="of {{ params.team }}", caption="x"), "of red"),
    ],
)
def test_what_a_subclass_hands_on_is_rendered(make: Any, name: str) -> None:
    task = make()
    task.render_template_fields(CONTEXT)
    assert task.submit().request.json["name"] == name
    assert getattr(task, "team", "red") in ("x", "red")


def test_a_field_that_a_subclass_leaves_out_is_not_sent() -> None:
    class Nameless(OnveraCreateDeploymentOperator):
        build_request = staticmethod(OnveraCreateDeploymentOperator.build_request)

        def __init__(self, **kwargs: Any) -> None:
            OperationOperator.__init__(self, fields={"app_type": "airflow"}, **kwargs)

    task = Nameless(task_id="t")
    task.render_template_fields(CONTEXT)
    assert task.submit().request == create_deployment("airflow").request


def test_a_subclass_is_mapped_with_its_own_argument(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag(params={"team": "red"}) as dag:
        TeamDeployment.partial(task_id="create", poll_interval=0.05).expand(team=["a", "b"])
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    assert [one.name for one in OnveraHook().list_deployments()] == ["rep red", "rep red"]


@pytest.mark.parametrize("cls", OPERATORS)
def test_the_template_fields_of_an_operator_are_its_arguments(cls: type[OperationOperator]) -> None:
    own = {name.removesuffix("_") for name in cls.template_fields} - {"conn_id", "operation_id"}
    assert own == set(inspect.signature(cls.__init__).parameters) - {"self", "kwargs", "wait_until_healthy"}


def test_an_argument_that_the_parent_sets_by_default_can_be_set_by_a_subclass() -> None:
    class Session(LakeSailCreateSessionOperator):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(body={"name": "{{ params.team }}"}, **kwargs)

    with DAG("d", schedule=None):
        task = Session(task_id="t")
    task.render_template_fields(CONTEXT)
    assert (task.submit().request.json, task.wait_for_completion) == ({"name": "red"}, False)
