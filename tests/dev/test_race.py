"""What the race is measured by."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow_provider_ops.simulator.rules import parse_plan
from dev.airflow_api import Event, TaskInstance
from dev.race.__main__ import arguments, names, rules
from dev.race.measure import Round, describe, lags, processed_at, quantile

START = datetime(2026, 11, 28, 9, 14, 0, tzinfo=timezone.utc)


def line(second: float, index: int, run_id: str = "sqlite-1", state: str = "success") -> str:
    at = (START + timedelta(seconds=second)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    key = f"TaskInstanceKey(dag_id='race', task_id='create', run_id='{run_id}', try_number=1, map_index={index})"
    return (
        f"{at} [info     ] Received executor event with state {state} for task instance {key} [airflow.jobs] loc=x.py:1"
    )


def deferred(second: float, index: int) -> Event:
    return Event(START + timedelta(seconds=second), "deferred", "create", index, 1)


def test_a_lag_lasts_from_the_deferral_until_its_leg_is_processed() -> None:
    # the leg before the deferral was started anew by Airflow
    log = [line(1, 7), line(10.5, 7), line(30, 7), line(12, 8), line(11, 7, "sqlite-2"), line(10.2, 7, state="failed")]
    assert lags("sqlite-1", [deferred(10, 7), deferred(8, 8), deferred(9, 9)], processed_at(log)) == [0.5, 4.0]


def test_colours_do_not_hide_a_line() -> None:
    assert processed_at([f"\x1b[2m{line(1, 3)[:27]}\x1b[0m{line(1, 3)[27:]}"]).keys() == {("sqlite-1", 3)}


def test_a_round_counts_what_is_not_green_at_the_first_attempt() -> None:
    states = [("success", 1), ("failed", 1), ("success", 2), (None, 0)]
    tasks = [
        TaskInstance("race", "r", "create", index, state, "", tries, START)
        for index, (state, tries) in enumerate(states)
    ]
    one = Round("r", tasks, {0: 1, 1: 5, 2: 5, 3: 6}, [0.5, 4.0], (9.0, 8.0))
    assert dict(one.bad_by_seconds) == {5: 2, 6: 1}
    assert describe(one).startswith("r: 1 of 4 green at the first attempt; 2 deferred")


def test_a_quantile_of_nothing_is_nothing() -> None:
    assert [quantile([], 0.99), quantile([1.0, 2.0], 0.5), quantile([1.0, 2.0], 1)] == [0.0, 2.0, 2.0]


def test_the_simulator_understands_its_rules_and_they_name_every_length_once() -> None:
    assert len(parse_plan([*rules()])) == 19
    assert sorted({name.split("-")[1] for name in names(40)}) == [f"{seconds:02}" for seconds in range(1, 21)]


def test_what_ci_runs_is_forty_tasks() -> None:
    options = arguments(["--quick"])
    assert options.rounds * options.tasks * len(options.databases) == 40
