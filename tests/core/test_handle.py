"""What is stored is input: every shape becomes a handle or one refusal."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ops import __version__
from airflow_provider_ops.core.clear_or_retry import Attempt
from airflow_provider_ops.core.handle import VERSION, Handle, OperationRef
from airflow_provider_ops.exceptions import UnreadableHandle

INTENT = Handle(
    "onvera",
    "deployment.create",
    "airflow-key",
    3,
    "f1",
    2,
    1,
    1000.0,
    prefix="airflow",
    nonce="key",
    clear_number=0,
    ti_id="ti-1",
    arguments="1:f1",
)
HANDLE = INTENT.answered("op_1", resource_type="deployment", resource_id="d1")

#: As release 0.1.0 stores it. Never change this: operations of running tasks hang on it.
FIRST_RELEASE = {
    "api": "onvera",
    "kind": "deployment.create",
    "key": "airflow-0123456789abcdef01234567",
    "generation": 1,
    "fingerprint": "f1",
    "max_tries": 2,
    "try_number": 1,
    "at": 1000.0,
    "operation_id": "op_1",
    "resource_type": "deployment",
    "resource_id": "d1",
    "operation_url": None,
    "refused": False,
    "killed": False,
    "version": 1,
}

stored = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=6,
)


@pytest.mark.parametrize("handle", [INTENT, HANDLE])
def test_a_handle_survives_the_state_store(handle: Handle) -> None:
    assert Handle.from_dict(json.loads(json.dumps(handle.to_dict(), allow_nan=False))) == handle


def test_several_operations_survive_it_too() -> None:
    more = (*HANDLE.operations, OperationRef("op_2", operation_url="https://x.example.com/op_2"))
    handle = Handle(**{**vars_of(HANDLE), "operations": more})
    back = Handle.from_dict(json.loads(json.dumps(handle.to_dict())))
    assert back.operations == more
    assert back.operation_id == "op_1"


def vars_of(handle: Handle) -> dict[str, Any]:
    return {name: getattr(handle, name) for name in Handle.__slots__}


def test_a_handle_of_the_first_release_is_understood() -> None:
    handle = Handle.from_dict(FIRST_RELEASE)
    assert (handle.operation_id, handle.resource_id, handle.version) == ("op_1", "d1", VERSION)
    assert (handle.clear_number, handle.ti_id, handle.arguments) == (None, None, None)


def test_the_first_release_reads_what_this_one_stores() -> None:
    """Its fields are there under their names; it ignores all others."""
    assert FIRST_RELEASE.keys() <= HANDLE.to_dict().keys()
    assert {**HANDLE.to_dict()}["operation_id"] == "op_1"


def test_a_handle_that_the_first_release_has_written_back_is_understood() -> None:
    """It keeps the version and leaves out what it does not know."""
    back = Handle.from_dict({**FIRST_RELEASE, "version": VERSION, "max_tries": 5})
    assert (back.operation_id, back.max_tries, back.clear_number) == ("op_1", 5, None)


def test_a_handle_of_a_newer_release_is_refused_by_name() -> None:
    with pytest.raises(UnreadableHandle, match=rf"release 0\.7\.0 .* format {VERSION + 1}.*{__version__}") as caught:
        Handle.from_dict({"version": VERSION + 1, "release": "0.7.0", "colour": "red"})
    assert caught.value.is_newer


@pytest.mark.parametrize("data", [[], {}, "", 0, False, "text", 7, [HANDLE.to_dict()], {"version": 2}])
def test_what_is_no_handle_is_refused(data: object) -> None:
    with pytest.raises(UnreadableHandle) as caught:
        Handle.from_dict(data)
    assert not caught.value.is_newer


@pytest.mark.parametrize("name", ["api", "kind", "key", "generation", "fingerprint", "max_tries", "try_number", "at"])
def test_a_handle_without_one_of_its_parts_is_refused(name: str) -> None:
    data = HANDLE.to_dict()
    del data[name]
    with pytest.raises(UnreadableHandle, match=name):
        Handle.from_dict(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "a\nb"),
        ("key", "k" * 65),
        ("key", None),
        ("max_tries", "2"),
        ("max_tries", True),
        ("max_tries", -1),
        ("at", math.nan),
        ("at", "now"),
        ("version", "two"),
        ("operation_id", 7),
        ("operations", {}),
        ("operations", []),
        ("operations", [None]),
        ("operations", [{"resource_id": "d1"}]),
        ("refused", "no"),
        ("ti_id", 3),
        ("resource_id", "x" * 9000),
    ],
)
def test_a_part_of_another_type_is_refused_and_named(name: str, value: object) -> None:
    with pytest.raises(UnreadableHandle, match=name[:9]):
        Handle.from_dict({**HANDLE.to_dict(), name: value})


@given(stored)
@example(math.inf)
def test_anything_is_a_handle_or_refused(data: object) -> None:
    with pytest.raises(UnreadableHandle):
        Handle.from_dict(data)


@given(st.dictionaries(st.sampled_from(sorted(HANDLE.to_dict())), stored, max_size=3))
def test_a_handle_with_anything_in_its_parts_is_one_or_refused(parts: dict[str, Any]) -> None:
    try:
        handle = Handle.from_dict({**HANDLE.to_dict(), **parts})
    except UnreadableHandle:
        return
    assert Handle.from_dict(json.loads(json.dumps(handle.to_dict(), allow_nan=False))) == handle


@given(st.sets(st.sampled_from(sorted(HANDLE.to_dict()))))
def test_a_truncated_handle_is_one_or_refused(missing: set[str]) -> None:
    data = {name: value for name, value in HANDLE.to_dict().items() if name not in missing}
    try:
        handle = Handle.from_dict(data)
    except UnreadableHandle:
        return
    assert handle.api == "onvera"


def test_a_stamped_handle_belongs_to_the_try() -> None:
    stamped = HANDLE.stamped(Attempt("ti-9", 7, 4, 3, 1))
    assert (stamped.ti_id, stamped.max_tries, stamped.clear_number) == ("ti-9", 7, 4)
    assert stamped.operations == HANDLE.operations
