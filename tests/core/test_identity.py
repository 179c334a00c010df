"""Idempotency keys: what they are derived from, what they may look like, whose they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.akua.calls import LONGEST_KEY
from airflow_provider_ops.core.identity import (
    MOST_KEYS,
    TaskRun,
    derived_nonce,
    is_our_key,
    key_prefix,
    possible_keys,
    run_prefix,
    run_prefix_of,
    submission_key,
)
from airflow_provider_ops.lifecycle.submit_identity import random_nonce

RUN = TaskRun("dag", "run", "task", dag_version="01890000-0000-7000-8000-000000000001")
REGION = "0b3f6a9e-7b1f-4c40-9f4e-2f7b8f2f9b11"
PLAIN = "00000000-0000-0000-0000-000000000000"
LOOP = replace(RUN, region_id=REGION, region_index=0)

OTHERS = {
    "dag": replace(RUN, dag_id="copy"),
    "run": replace(RUN, run_id="other"),
    "task": replace(RUN, task_id="other"),
    "map index": replace(RUN, map_index=0),
    "another map index": replace(RUN, map_index=1),
    "loop": LOOP,
    "iteration": replace(LOOP, region_index=1),
    "nested loop": replace(LOOP, region_id=REGION.replace("0b", "0c")),
    "another airflow": replace(RUN, dag_version="01890000-0000-7000-8000-000000000002"),
}

#: What an id can be: no NUL, and nothing that UTF-8 has no bytes for.
ids = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
runs = st.builds(
    TaskRun,
    ids,
    ids,
    ids,
    st.integers(-1, 999),
    st.none() | st.uuids().map(str),
    st.none() | st.integers(-1, 9),
    st.none() | st.uuids().map(str),
)


@given(runs)
def test_a_key_is_what_every_api_takes(run: TaskRun) -> None:
    key = run.key(random_nonce())
    # a DNS label, and with the word before it the idempotency key of a cancel
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", key)
    assert len(f"cancel-{key}") <= LONGEST_KEY
    assert is_our_key(key)
    assert run.owns(key)
    assert run.resembles(key)
    assert run_prefix_of(key) == run_prefix(*run.coordinates)


@given(runs, runs)
def test_no_two_task_runs_own_a_key(one: TaskRun, other: TaskRun) -> None:
    assert one.owns(other.key(random_nonce())) == (one.prefix == other.prefix)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_another_task_run_made_is_not_ours(other: TaskRun) -> None:
    assert not RUN.owns(other.key(random_nonce()))
    assert not other.owns(RUN.key(random_nonce()))


def test_a_run_made_again_under_its_id_shares_the_prefix_and_never_the_key() -> None:
    assert len({RUN.key(random_nonce()) for _ in range(1000)}) == 1000


def test_another_airflow_has_keys_that_resemble_ours() -> None:
    theirs = OTHERS["another airflow"].key(random_nonce())
    assert RUN.resembles(theirs)
    assert not RUN.owns(theirs)


def test_a_sweep_finds_all_iterations_of_a_loop() -> None:
    key = LOOP.key(random_nonce())
    assert run_prefix_of(key) == run_prefix("dag", "run", "task", -1)
    assert not RUN.resembles(key)


@pytest.mark.parametrize("region_id", [None, PLAIN, PLAIN.replace("-", "")])
def test_a_plain_task_is_in_no_loop(region_id: str | None) -> None:
    """Airflow 3.4 shows a region of zeros, earlier releases none: an upgrade must not change the prefix."""
    assert replace(RUN, region_id=region_id, region_index=-1).prefix == RUN.prefix


def test_a_derived_nonce_is_the_same_for_the_same_facts_only() -> None:
    assert derived_nonce("2026", 1, 1) == derived_nonce("2026", 1, 1)
    assert len({derived_nonce("2026", 1, 1), derived_nonce("2026", 1, 2), derived_nonce("2027", 1, 1)}) == 3


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (RUN.key("0123456789"), True),
        (LOOP.key("0123456789"), True),
        (submission_key("d", "r", "t", -1, 1), True),
        (RUN.prefix, False),
        (RUN.key("0123456789").upper(), False),
        (f"{RUN.key('0123456789')}0", False),
        ("airflow-nightly", False),
        (f"airflow-{'A' * 24}", False),
        (None, False),
        (7, False),
    ],
)
def test_the_form_of_a_key(text: object, is_one: bool) -> None:
    assert is_our_key(text) is is_one


class TestRelease010:
    """Never change these: what running tasks have made carries these keys."""

    RUN = ("dag", "run", "task", -1)

    def test_the_keys_are_as_they_were(self) -> None:
        assert submission_key(*self.RUN, 1) == "airflow-eec1f15ddf65af8d43830385"
        assert submission_key(*self.RUN, "2 1") == "airflow-59d4bde6f842446e566a8b05"

    def test_all_that_a_task_run_may_have_used_are_among_them(self) -> None:
        found = set(possible_keys(*self.RUN))
        for begin, generation in [("", 1), ("", MOST_KEYS), ("2 ", 3), ("2 try 2 ", 1), ("0 try 1 ", 1)]:
            assert submission_key(*self.RUN, f"{begin}{generation}") in found

    @pytest.mark.parametrize(
        "other", [("d", "run", "task", -1), ("dag", "run2", "task", -1), ("dag", "run", "task", 0)]
    )
    def test_none_belongs_to_two_tasks(self, other: Any) -> None:
        assert set(possible_keys(*self.RUN)).isdisjoint(possible_keys(*other))

    def test_the_beginning_is_as_it_was(self) -> None:
        assert (key_prefix(None, None), key_prefix(2, None), key_prefix(2, 3)) == ("", "2 ", "2 try 3 ")
