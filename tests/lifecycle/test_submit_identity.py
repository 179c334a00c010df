"""What the key of a submit is made of, with a store and without."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ops.core.identity import is_our_key, submission_key
from airflow_provider_ops.lifecycle.submit_identity import SubmitIdentity, identify
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator

BEGAN = datetime(2026, 5, 1, tzinfo=timezone.utc)


def instance(**facts: Any) -> SimpleNamespace:
    """Return a task instance as Airflow 3.3 shows it."""
    known = {"id": "ti-1", "dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "dag_version_id": "v"}
    return SimpleNamespace(**{**known, "try_number": 1, "max_tries": 2, **facts})


def of(*, stored: bool = False, durable: bool = True, began: datetime | None = BEGAN, **facts: Any) -> SubmitIdentity:
    task = OnveraCreateDeploymentOperator(task_id="t", app_type="airflow", retries=2, durable=durable)
    dag_run = SimpleNamespace(start_date=began, clear_number=0)
    return identify(
        task._attempt_options(), instance(**facts), dag_run, task.submit(), stored=stored, kill_policy_terminates=False
    )


def key(identity: SubmitIdentity, generation: int = 1) -> str:
    return identity.run.key(identity.nonce(generation))


def test_with_a_store_no_two_submits_share_a_key() -> None:
    assert len({key(of(stored=True)) for _ in range(10)}) == 10


def test_a_key_is_known_again_after_its_dag_was_changed() -> None:
    mine = key(of(stored=True))
    assert of(stored=True, dag_version_id="v2").owns(mine)
    assert not of(stored=True, dag_version_id="v2", began=BEGAN + timedelta(microseconds=1)).owns(mine)
    assert not of(stored=True, dag_version_id="v2", task_id="other").owns(mine)


def test_when_a_run_began_says_nothing_where_it_is_not_known() -> None:
    mine = key(of(stored=True, began=None))
    assert of(stored=True, began=None).owns(mine)
    assert not of(stored=True, began=None, dag_version_id="v2").owns(mine)


def test_without_a_store_every_try_finds_the_same_key() -> None:
    first, second = of(), of(id="ti-2", try_number=2)
    assert key(first) == key(second)
    assert is_our_key(key(first))
    assert (first.most_generations, second.most_generations) == (1, 2)
    assert key(first, 1) != key(first, 2)


@pytest.mark.parametrize(
    "other",
    [{"max_tries": 4}, {"began": datetime(2026, 5, 2, tzinfo=timezone.utc)}, {"map_index": 3}, {"run_id": "r2"}],
    ids=["cleared", "run made again", "map index", "run"],
)
def test_without_a_store_what_asks_for_something_new_has_another_key(other: Any) -> None:
    assert key(of()) != key(of(**other))


def test_without_a_store_the_key_of_the_first_release_is_known() -> None:
    earlier = of().earlier_key
    assert earlier is not None
    assert earlier(1) == submission_key("d", "r", "t", -1, "2 1")


def test_a_try_that_is_not_durable_stands_alone() -> None:
    first, again = of(durable=False), of(durable=False)
    second = of(durable=False, id="ti-2", try_number=2)
    assert key(first) == key(again), "a later leg is the same try"
    assert key(first) != key(second)
    assert second.most_generations == 1


def test_the_arguments_are_the_users_and_not_those_of_the_request() -> None:
    one = OperationRequestOperator(task_id="t", conn_id="c", method="post", path="/x", json={"a": 1})
    other = OperationRequestOperator(task_id="t", conn_id="c", method="POST", path="/x", json={"a": 2})
    assert one.arguments() == {"method": "POST", "path": "/x", "json": {"a": 1}, "query": None}
    assert of().arguments.startswith("1:")
    assert one.arguments() != other.arguments()


def test_an_airflow_that_shows_less_has_an_identity_too() -> None:
    bare = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=None, try_number=1, max_tries=0)
    task = OnveraCreateDeploymentOperator(task_id="t", app_type="airflow")
    identity = identify(task._attempt_options(), bare, None, task.submit(), stored=True, kill_policy_terminates=False)
    assert identity.run.owns(key(identity))
    assert (identity.attempt.ti_id, identity.attempt.clear_number) == (None, None)
