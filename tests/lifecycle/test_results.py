"""What a task returns is whole, as long as Airflow can carry it; else the error says what is too large."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ops.core.gate import RESULT
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.lifecycle.results import RAW_LEFT_OUT, checked


def of(**resource: Any) -> dict[str, Any]:
    return {"operation_id": "op_1", "resource_id": None, "state": "succeeded", "operation": None, "resource": resource}


def test_a_kubeconfig_stays_whole() -> None:
    config = "apiVersion: v1\n" + "x" * (RESULT.text - 100)
    assert checked(of(kubeconfig=config), succeeded="it")["resource"]["kubeconfig"] == config


def test_a_text_that_is_too_large_fails_and_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"resource\.kubeconfig has 262145 bytes, 262144 are possible"):
        checked(of(kubeconfig="x" * (RESULT.text + 1)), succeeded="it")


def test_raw_answers_go_first_and_only_where_they_must() -> None:
    small = of(raw={"a": "x" * 1000})
    assert checked(small, succeeded="it") == small
    large = checked(of(raw={"a": ["x" * 200_000] * 6}, parts=[{"raw": "y", "name": "n"}]), succeeded="it")
    assert large["resource"] == {"raw": RAW_LEFT_OUT, "parts": [{"raw": RAW_LEFT_OUT, "name": "n"}]}


def test_what_is_too_large_in_all_fails_and_names_the_largest() -> None:
    with pytest.raises(InvalidArgument, match=r"largest fields: resource\.parts\[0\] \(200000\)"):
        checked(of(parts=["x" * 200_000] * 6), succeeded="it")


def test_numbers_and_keys_count_too() -> None:
    with pytest.raises(InvalidArgument, match="too large"):
        checked(of(numbers=list(range(200_000))), succeeded="it")


@pytest.mark.parametrize(
    "result",
    [
        {**of(), "resource_id": "dep_\ufffd"},
        {**of(), "resource_id": "dep\n1"},
        [{"id": "op_1", "resource_id": "***"}],
        of(id="\ufffd"),
    ],
)
def test_an_id_that_something_was_taken_out_of_is_refused(result: Any) -> None:
    with pytest.raises(InvalidArgument, match="cannot be an id"):
        checked(result, succeeded="it")


def test_what_is_returned_is_json() -> None:
    value = checked(of(number=float("nan"), text="\ud800"), succeeded="it")
    assert json.loads(json.dumps(value, allow_nan=False))["resource"] == {"number": None, "text": "\ufffd"}
