"""Every model of every API: what may be missing, null or new is no trouble, and no answer is a surprise."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from airflow_provider_ops import apis
from airflow_provider_ops.apis.akua.schemas import to_operation as akua
from airflow_provider_ops.apis.lakesail.operations import to_operation as lakesail
from airflow_provider_ops.apis.nirvana.schemas import to_operation as nirvana
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationState
from tests.apis.answers import JUNK, answer, mutated, value_or_unreadable
from tests.apis.test_akua import SAMPLE as AKUA
from tests.apis.test_lakesail_operations import OPERATION as LAKESAIL
from tests.apis.test_nirvana import OPERATION as NIRVANA
from tests.apis.test_onvera import OPERATION as ONVERA_OPERATION


def _models() -> Iterator[type[WireModel]]:
    for module in pkgutil.walk_packages(apis.__path__, f"{apis.__name__}."):
        importlib.import_module(module.name)
    found = WireModel.__subclasses__()
    while found:
        model = found.pop()
        found += model.__subclasses__()
        yield model


MODELS = sorted(set(_models()), key=lambda model: (model.__module__, model.__name__))


def _name(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _least(model: type[WireModel]) -> dict[str, Any]:
    """An answer with nothing in it but what must be there."""
    return {_name(name, field): _value(field) for name, field in model.model_fields.items() if field.is_required()}


def _value(field: FieldInfo) -> Any:
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)[0]
    return [] if get_origin(field.annotation) is list else "x"


def test_there_are_models_of_all_four() -> None:
    assert {model.__module__.split(".")[2] for model in MODELS} >= {"onvera", "nirvana", "lakesail", "akua"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__.split('.', 2)[2]}.{model.__name__}")
def test_what_is_optional_may_be_null_or_missing_and_what_is_new_is_ignored(model: type[WireModel]) -> None:
    least = _least(model)
    optional = {_name(name, field) for name, field in model.model_fields.items() if not field.is_required()}
    bare = read(model, least)
    assert read(model, {**least, **dict.fromkeys(optional)}) == bare
    assert read(model, {**least, "a_new_field": {"a": [1]}, "aNewField": None}) == bare


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__.split('.', 2)[2]}.{model.__name__}")
def test_no_field_but_a_discriminator_is_bound_to_words(model: type[WireModel]) -> None:
    bound = {name for name, field in model.model_fields.items() if "Literal" in str(field.annotation)}
    assert bound <= {"type", "sandbox_skipped"}


@given(data=st.data())
def test_no_answer_is_a_surprise(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(MODELS))
    sample = dict.fromkeys((_name(name, field) for name, field in model.model_fields.items()), "x") | _least(model)
    value_or_unreadable(lambda: read(model, data.draw(mutated(sample))))


def _onvera(body: Any) -> Operation:
    return ONVERA.get_operation("op_1").parse(answer({"data": body}))


@pytest.mark.parametrize(
    ("understand", "sample", "decisive", "word"),
    [
        (_onvera, ONVERA_OPERATION, {"id", "status"}, {"status": "succeeded"}),
        (nirvana, NIRVANA, {"id", "status"}, {"status": "done"}),
        (lakesail, LAKESAIL, {"id", "status"}, {"status": "succeeded"}),
        (akua, AKUA, {"id", "state", "metadata", "response"}, {"state": "SUCCEEDED"}),
    ],
    ids=["onvera", "nirvana", "lakesail", "akua"],
)
@given(data=st.data())
def test_what_an_operation_says_beside_its_state_cannot_hide_it(
    understand: Any, sample: dict[str, Any], decisive: set[str], word: dict[str, str], data: st.DataObject
) -> None:
    beside = sorted(set(sample) - decisive)
    odd = data.draw(st.dictionaries(st.sampled_from(beside), JUNK, max_size=4))
    operation = understand({**sample, **word, **odd})
    assert operation.state is OperationState.SUCCEEDED
    assert Operation.from_dict(operation.to_dict()).id == sample["id"]


def test_what_decides_must_be_readable() -> None:
    for body in ({"id": 1, "status": "done"}, {"id": "x", "status": ["done"]}, ["x"], None):
        with pytest.raises(TransportError, match="as documented"):
            nirvana(body)
    # a word that decides only together with the error is read with it or not at all
    with pytest.raises(TransportError, match="error"):
        lakesail({"id": "K4", "status": "completed", "error": [1]})
