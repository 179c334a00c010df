"""What the answer to a submit names is stored and sent again, so that it must be usable as it is."""

from __future__ import annotations

import pytest

from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.core.gate import clean_text
from airflow_provider_ops.exceptions import TransportError


@pytest.mark.parametrize("odd", ["op_\0", "op_\ud800", "op\n", "", "x" * 1000])
def test_an_operation_id_that_is_none_is_an_unreadable_answer(odd: str) -> None:
    with pytest.raises(TransportError, match="cannot be an id") as caught:
        Submitted(clean_text(odd), "deployment.create")
    assert (caught.value.reason, caught.value.maybe_executed) == ("unreadable", True)


def test_what_is_beside_it_does_not_lose_the_operation() -> None:
    submitted = Submitted("op_1", "k\n" + "x" * 9000, "t\n" + "x" * 9000, "dep_\ufffd", operation_url="javascript:x")
    assert submitted.operation_id == "op_1"
    assert (submitted.resource_id, submitted.operation_url) == (None, None)
    assert len(submitted.kind) <= 2048
    assert len(submitted.resource_type or "") <= 2048
    assert submitted.kind.isprintable()


@pytest.mark.parametrize(
    ("resource", "shown"),
    [
        (("job", "7"), "operation op_1 (job 7)"),
        ((None, "7"), "operation op_1 (7)"),
        ((None, None), "operation op_1"),
    ],
)
def test_what_is_not_known_of_it_is_left_out(resource: tuple[str | None, str | None], shown: str) -> None:
    assert str(Submitted("op_1", "job.create", *resource)) == shown
