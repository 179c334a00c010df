"""What is said of the tries before the one that is shown."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.view.earlier import earlier_tries


def said(*kept: dict[str, Any], state: str = "failed", operation_ids: tuple[str, ...] = ()) -> list[str]:
    """Return the line of each try before the last, as the page puts it together."""
    tries = [{"try_number": one["try_number"], "state": state} for one in kept]
    shown = earlier_tries(list(kept), tries, len(kept) + 1, operation_ids)
    return [f"{one['before']}{one['operation_id'] or ''}{one['after']}" for one in shown]


def kept(number: int = 1, operation_id: str = "op_1", **facts: Any) -> dict[str, Any]:
    plain = {"try_number": number, "operation_id": operation_id, "said": "ended", "ended_at": None}
    return {**plain, "last_seen": "queued", "left": None, "first": {"operation_id": operation_id}, **facts}


@pytest.mark.parametrize(
    ("last_seen", "line"),
    [
        ("queued", "ended before the wait was over (cleared, or its worker was lost): op_1, last seen queued"),
        (None, "ended before the wait was over (cleared, or its worker was lost): op_1"),
    ],
)
def test_a_try_that_was_cleared_has_not_failed(last_seen: str | None, line: str) -> None:
    assert said(kept(last_seen=last_seen)) == [line]


def test_what_a_later_try_has_adopted_is_said() -> None:
    assert said(kept(), operation_ids=("op_1",)) == ["op_1, last seen queued, was adopted by try 2"]
    assert said(kept(last_seen=None), operation_ids=("op_1",)) == ["op_1 was adopted by try 2"]
    assert said(kept(), kept(2), operation_ids=("op_9",))[0] == "op_1, last seen queued, was adopted by try 2"


@pytest.mark.parametrize(
    ("facts", "operation_ids", "line"),
    [
        ({}, ("op_1",), "its worker was lost; op_1, last seen queued, was adopted by try 2"),
        ({}, ("op_2",), "its worker was lost; op_1, last seen queued"),
        # a clear allows more tries
        ({"max_tries": 1}, ("op_1",), "op_1, last seen queued, was adopted by try 2"),
        # no worker had it
        ({"is_paused": True}, ("op_1",), "op_1, last seen queued, was adopted by try 2"),
        ({"max_tries": None}, ("op_1",), "op_1, last seen queued, was adopted by try 2"),
    ],
)
def test_a_retry_without_an_end_before_it_follows_a_worker_that_was_lost(
    facts: dict[str, Any], operation_ids: tuple[str, ...], line: str
) -> None:
    entry = kept(**{"max_tries": 2, "is_paused": False, **facts})
    tries = [
        {"try_number": number, "state": state, "max_tries": 2} for number, state in ((1, "failed"), (2, "running"))
    ]
    (shown,) = earlier_tries([entry], tries, 2, operation_ids)
    assert f"{shown['before']}{shown['operation_id']}{shown['after']}" == line


@pytest.mark.parametrize(
    ("phases", "seen"),
    [
        (["queued", "building"], "op_1, last seen queued (phases: queued, building)."),
        (["queued"], "op_1, last seen queued."),
        ("queued", "op_1, last seen queued."),
        ([7], "op_1, last seen queued."),
    ],
)
def test_the_phases_of_a_try_without_an_end_are_shown(phases: object, seen: str) -> None:
    assert said(kept(left="It continues", deletion=None, phases=phases)) == [f"{seen} It continues"]


def test_what_a_kill_came_to_stands_for_how_the_wait_ended() -> None:
    left = kept(left="The task was cleared. It continues.", deletion=None)
    assert said(left) == ["op_1, last seen queued. The task was cleared. It continues."]
    assert said(left, operation_ids=("op_1",)) == [
        "op_1, last seen queued, was adopted by try 2. The task was cleared. It continues."
    ]


@pytest.mark.parametrize(
    ("state", "kept_text", "line"),
    [
        ("failed", "FAILED: QUOTA: no room", "op_1 FAILED: QUOTA: no room"),
        ("success", "succeeded", "op_1 succeeded"),
        ("failed", "succeeded", "failed: op_1: succeeded"),
        ("failed", "the deadline passed; last seen running", "failed: op_1: the deadline passed; last seen running"),
    ],
)
def test_nothing_is_said_twice(state: str, kept_text: str, line: str) -> None:
    assert said(kept(said=kept_text, ended_at=9.0), state=state) == [line]


DELETION = {"resource": "cluster id_1", "operation_id": "op_2", "asked_by": "on_failure=delete", "cause": ""}
UNDER_WAY = "on_failure=delete: what it made is being deleted by operation op_2."


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (DELETION, "on_failure=delete: the deletion of cluster id_1 was asked for (operation op_2)."),
        ({**DELETION, "operation_id": None}, "on_failure=delete: the deletion of cluster id_1 was asked for."),
        (
            {**DELETION, "cause": "The task was cleared"},
            "The task was cleared. on_failure=delete: the deletion of cluster id_1 was asked for (operation op_2).",
        ),
    ],
)
def test_a_deletion_is_not_shown_as_if_it_were_still_under_way(facts: dict[str, Any], line: str) -> None:
    texts: dict[str, Any] = {"summary": "failed: no room", "said": f"failed: no room. {UNDER_WAY}", "left": UNDER_WAY}
    assert said(kept(**texts, deletion=facts, ended_at=9.0)) == [f"op_1 failed: no room. {line}"]
    assert said(kept(**texts, deletion=facts)) == [f"op_1, last seen queued. {line}"]


@pytest.mark.parametrize("ended_at", [9.0, None])
def test_what_a_release_without_such_facts_has_stored_is_shown_as_of_then(ended_at: float | None) -> None:
    texts: dict[str, Any] = {"said": f"failed: no room. {UNDER_WAY}", "left": UNDER_WAY}
    began = "op_1 failed: no room." if ended_at else "op_1, last seen queued."
    assert said(kept(**texts, ended_at=ended_at)) == [f"{began} {UNDER_WAY} (as of the end of that try)"]


@pytest.mark.parametrize(
    ("since", "line"),
    [
        (
            {"deletion": {"resource": "vm 1", "operation_id": "op_9"}},
            "the deletion of vm 1 was asked for (operation op_9).",
        ),
        ({"deletion": {"resource": "vm 1", "is_earlier": True}}, "vm 1 was being deleted already."),
        (
            {"deletion": None, "text": "Akua was asked to cancel operation op_1"},
            "Akua was asked to cancel operation op_1.",
        ),
    ],
)
@pytest.mark.parametrize("ended_at", [None, 9.0])
def test_what_a_later_try_has_done_about_it_is_shown(since: dict[str, Any], line: str, ended_at: float | None) -> None:
    (text,) = said(kept(ended_at=ended_at, since={"try_number": 2, **since}))
    assert text.endswith(f". At the start of try 2: {line}")
    assert "At the start" not in said(kept(ended_at=ended_at, since={**since, "try_number": "2"}))[0]


@pytest.mark.parametrize("forged", [[], 7, {"resource": 7}, {"resource": "vm 1", "operation_id": [1]}])
def test_facts_that_are_none_hide_nothing(forged: object) -> None:
    (line,) = said(kept(said="failed", ended_at=9.0, deletion=forged))
    assert line in ("op_1 failed", "failed: op_1: the deletion of vm 1 was asked for.")


def test_every_earlier_try_that_airflow_knows_is_shown() -> None:
    kept = [{"try_number": 2, "operation_id": "op_2", "said": "failed", "ended_at": 9.0}]
    tries = [{"try_number": number, "state": "failed"} for number in (1, 2)] + [{"try_number": 3, "state": "running"}]
    shown = earlier_tries(kept, tries, 3)
    assert [(one["try_number"], one["state"], one["operation_id"]) for one in shown] == [
        (1, "failed", None),
        (2, "failed", "op_2"),
    ]
    assert [one["try_number"] for one in earlier_tries(None, tries, 3)] == [1, 2]
    assert [one["try_number"] for one in earlier_tries(kept, [], 3)] == [2]


def test_a_try_that_was_followed_by_another_has_failed() -> None:
    (shown,) = earlier_tries(None, [{"try_number": 1, "state": "up_for_retry"}], 2)
    assert shown["state"] == "failed"
    assert "up_for_retry" not in shown["before"]
