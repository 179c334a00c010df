"""Whether a try follows a clear or an automatic retry: one row per thing that Airflow was seen to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.clear_or_retry import Attempt, Cause, Stamp, cause_without_handle, clear_or_retry


def after(
    stored: tuple[int, int | None], now: tuple[int, int | None], *, try_number: int = 2, retries: int = 1
) -> tuple[Stamp, Attempt]:
    """Return what was stored and what is seen; both pairs are ``max_tries`` and ``clear_number``."""
    return Stamp("old", *stored, has_finished=True), Attempt("new", *now, try_number, retries)


ROWS = [
    ("automatic retry", Cause.RETRY, after((1, 0), (1, 0))),
    ("retries 2 to 0, then automatic retry", Cause.RETRY, after((2, 0), (2, 0), retries=0)),
    ("automatic retry, another task of the run was cleared", Cause.RETRY, after((1, 0), (1, 1))),
    ("cleared after success, while deferred, running or up for retry", Cause.CLEARED, after((1, 0), (2, 1))),
    ("marked failed, then cleared", Cause.CLEARED, after((1, 0), (2, 1))),
    ("cleared after a failure, retries 0", Cause.CLEARED, after((0, 0), (1, 1), retries=0)),
    ("cleared after retries 0 to 2", Cause.CLEARED, after((0, 0), (3, 1), retries=2)),
    ("cleared after retries 1 to 0", Cause.CLEARED, after((1, 0), (1, 1), retries=0)),
    ("cleared with reset_dag_runs=false", Cause.CLEARED, after((1, 0), (3, 0), try_number=3)),
    ("backfill reprocess", Cause.CLEARED, after((1, 0), (2, 1))),
    ("stored by 0.1.0, automatic retry", Cause.RETRY, after((1, None), (1, 0))),
    ("stored by 0.1.0, cleared", Cause.CLEARED, after((1, None), (2, 1))),
    ("this Airflow has no clear_number", Cause.CLEARED, after((1, None), (2, None))),
    # not decidable: to join costs another clear at most
    ("reset_dag_runs=false and retries 1 to 0", Cause.UNKNOWN, after((1, 0), (1, 0), retries=0)),
    ("stored by 0.1.0, cleared after retries 1 to 0", Cause.UNKNOWN, after((1, None), (1, 1), retries=0)),
]


@pytest.mark.parametrize(("cause", "facts"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_row(cause: Cause, facts: tuple[Stamp, Attempt]) -> None:
    assert clear_or_retry(*facts) is cause


@pytest.mark.parametrize("clear_number", [0, 1, None])
def test_the_same_task_instance_is_the_same_try(clear_number: int | None) -> None:
    """``RetryAction.RESCHEDULE`` of Airflow 3.4."""
    stored = Stamp("one", 1, 0)
    assert clear_or_retry(stored, Attempt("one", 2, clear_number, 1, 1)) is Cause.SAME_TRY


@pytest.mark.parametrize(
    ("has_succeeded", "has_finished", "cause"),
    [
        (True, False, Cause.UNKNOWN),
        (True, True, Cause.CLEARED),
        # ended first, or failed anyway: a submit leaves no second resource
        (False, False, Cause.CLEARED),
    ],
)
def test_a_clear_that_may_be_of_another_task_never_leaves_two_resources(
    has_succeeded: bool, has_finished: bool, cause: Cause
) -> None:
    stored, now = Stamp("old", 1, 0, has_finished), Attempt("new", 1, 1, 2, 0)
    assert clear_or_retry(stored, now, has_succeeded=has_succeeded) is cause


@given(retries=st.integers(0, 9), used=st.integers(1, 9), clears=st.integers(0, 3))
def test_a_clear_of_unchanged_retries_is_always_seen(retries: int, used: int, clears: int) -> None:
    """However often a task was cleared, and however many of its tries were used."""
    used = min(used, retries + 1)
    stored, limit = Stamp("old", retries, 0), retries
    try_number = used
    for clear in range(clears + 1):
        limit = try_number + retries
        try_number += 1
        assert clear_or_retry(stored, Attempt(f"new{clear}", limit, clear + 1, try_number, retries)) is Cause.CLEARED
        stored = Stamp(f"new{clear}", limit, clear + 1)


@given(retries=st.integers(1, 9), tries=st.integers(2, 10), others=st.integers(0, 3))
def test_a_retry_of_unchanged_retries_is_never_taken_for_a_clear(retries: int, tries: int, others: int) -> None:
    stored = Stamp("old", retries, 0)
    for try_number in range(2, min(tries, retries + 1) + 1):
        assert clear_or_retry(stored, Attempt("new", retries, others, try_number, retries)) is Cause.RETRY


@pytest.mark.parametrize(
    ("max_tries", "try_number", "retries", "cause"),
    [(1, 2, 1, Cause.RETRY), (2, 2, 1, Cause.CLEARED), (1, 2, 0, Cause.CLEARED), (0, 1, 0, Cause.CLEARED)],
)
def test_where_nothing_is_stored_the_budget_decides(
    max_tries: int, try_number: int, retries: int, cause: Cause
) -> None:
    assert cause_without_handle(Attempt("new", max_tries, 1, try_number, retries)) is cause


@pytest.mark.parametrize(
    ("try_number", "clear_number", "may"), [(1, 0, False), (1, None, False), (2, 0, True), (1, 1, True)]
)
def test_what_may_have_submitted_before(try_number: int, clear_number: int | None, may: bool) -> None:
    assert Attempt("one", 1, clear_number, try_number, 1).may_follow_another is may
