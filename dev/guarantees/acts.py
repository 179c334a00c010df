"""What is done to rows and to the stack while rows run."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from typing import Final

import psutil

from airflow_provider_ops.operation import OperationState
from dev.airflow_api import AirflowApi, TaskInstance
from dev.guarantees.model import Act, Condition
from dev.guarantees.stage import Live, Script, Stage, after, descendants, kill_all

#: Longer than Airflow needs to call a live triggerer's trigger dead, and then some.
PAUSE_SECONDS: Final = 60.0
SPARE: Final = "triggerer-2"
AWAY_SECONDS: Final = 20.0
#: How long a task is waiting before something happens to it.
_STEADY: Final = 1.5
#: After so long a triggerer that has just started runs all triggers that it was given.
_PICKED_UP: Final = 15.0
#: After so long a request that was about to be sent is under way.
_MOMENT: Final = 1.0
#: Longest time for a triggerer to notice that its task is over, and to carry out the kill policy.
_NOTICED: Final = 120.0
#: Longest time for an attempt to be taken for dead, and for the next one to submit.
_SUPERSEDED: Final = 130.0
#: Longest time for a process to see that its worker is gone, on a machine that is busy.
_SELF_SECONDS: Final = 15.0


def triggerer_lives(stage: Stage, rows: Sequence[Live]) -> Script:
    """Leave the triggerer alone, and check that it is the same at the end of all rows."""
    before = _processes_of_triggerer(stage)
    yield lambda: all(row.is_over for row in rows)
    if _processes_of_triggerer(stage) != before:
        stage.complaints.append("the triggerer has restarted, although nothing was done to it")


def _processes_of_triggerer(stage: Stage) -> set[int]:
    pid = stage.stack.processes.components["triggerer"].pid
    return {pid, *descendants(pid)}


def marked(state: str) -> Act:
    """Mark the task as a user while it waits."""

    def act(row: Live) -> Script:
        yield row.waiting_for(_STEADY)
        row.act_as_user(lambda api, task: api.set_state(task, state))
        # waiting here distinguishes a late triggerer from one that does nothing
        late, (wanted, _) = after(_NOTICED), row.scenario.expect.endings
        yield lambda: len(row.endings) >= wanted or late()

    return act


def marked_failed_there(number: int) -> Act:
    """Mark the task failed as a user, a moment after its process has reached the place with this number."""

    def act(row: Live) -> Script:
        yield lambda: row.is_over or row.has_reached(number)
        yield after(_MOMENT)
        if not row.is_over:
            row.act_as_user(lambda api, task: api.set_state(task, "failed"))

    return act


def superseded(row: Live) -> Script:
    """Continue a process that is stopped, or has lost its worker, once the attempt after it has submitted."""
    yield lambda: row.is_over or row.has_reached()
    end = after(_SUPERSEDED)
    yield lambda: row.is_over or bool(row.resources) or end()
    if row.has_reached():
        row.continue_stopped()
        row.markers.go.touch()


def supervisor_killed(row: Live) -> Script:
    """Kill the worker but not the process of its task, which must notice that itself."""
    yield row.waiting_for(_STEADY)
    pid = row.kill_supervisor()
    late = after(_SELF_SECONDS)
    yield lambda: late() or not psutil.pid_exists(pid)
    if psutil.pid_exists(pid):
        row.stage.complaints.append(f"{row.scenario.run_id}: its process continues without the worker above it")
        row.stage.signal([pid], signal.SIGKILL)


def cleared(row: Live) -> Script:
    """Clear the task as a user while it waits."""
    yield row.waiting_for(_STEADY)

    def clear(api: AirflowApi, task: TaskInstance) -> None:
        api.clear(task.dag_id, task.run_id, task.task_id)

    row.act_as_user(clear)
    # The run is over for a moment when its only task is cleared too late; it is not over before the next try.
    yield lambda: row.task is not None and row.task.try_number > 1


def cleared_after_failure(row: Live) -> Script:
    """Clear the task as a user after it has failed."""
    # the run as well: Airflow forgets a clear that comes while its scheduler is about to end the run
    yield lambda: row.state == "failed" and row.is_over
    yield after(1)
    task = row.task
    assert task is not None, "it has failed"  # noqa: S101
    row.stage.api.clear(task.dag_id, task.run_id, task.task_id)
    yield lambda: row.task is not None and row.task.try_number > task.try_number and row.is_over


def worker_killed_while_waiting(row: Live) -> Script:
    """Kill the worker while the task polls."""
    yield row.waiting_for(_STEADY)
    row.kill_worker()


def worker_killed_once_created(row: Live) -> Script:
    """Kill the worker while the API, which has carried out the request, holds its answer back."""
    yield lambda: bool(row.resources) and row.markers.pids.exists()
    row.kill_worker()


def worker_restarted(row: Live) -> Script:
    """Ask the worker to stop, and kill it when its time is up, as in a rolling deployment."""
    yield row.waiting_for(_STEADY)
    row.signal_worker(signal.SIGTERM)
    yield after(4)
    row.kill_worker()


def time_is_up_in_airflow(row: Live) -> Script:
    """Let Airflow's own deferral timeout pass, which exists for the case that no triggerer works."""
    yield row.waiting_for(_STEADY)
    row.stage.expire_deferral(row.scenario.run_id)


def all_waiting(rows: Sequence[Live], seconds: float = _STEADY) -> Condition:
    """Return a condition: all rows have been waiting for their operations for so long, at the same time."""
    conditions = [row.waiting_for(seconds) for row in rows]
    # Each one is asked each time: it notes since when it holds.
    return lambda: sum(condition() for condition in conditions) == len(conditions)


def triggerers_killed(stage: Stage, rows: Sequence[Live]) -> Script:
    """Kill all triggerers, and start them again later."""
    yield all_waiting(rows)
    names = [name for name in ("triggerer", SPARE) if name in stage.stack.processes.components]
    stage.say(f"SIGKILL to {' and '.join(names)}, with all their processes")
    for name in names:
        _kill_with_children(stage, name)
    yield after(4)
    _start_again(stage, names)


def each_triggerer_killed(stage: Stage, rows: Sequence[Live]) -> Script:
    """First one of two triggerers dies, and when it is back, the other: each wait loses its triggerer at least once."""
    yield all_waiting(rows)
    for name in ("triggerer", SPARE):
        stage.say(f"SIGKILL to {name}")
        _kill_with_children(stage, name)
        yield after(3)
        _start_again(stage, [name])
        if name != SPARE:
            # long enough for the one to take over and for the other to be back
            yield after(15)


def triggerers_restarted(stage: Stage, rows: Sequence[Live]) -> Script:
    """Ask all triggerers to stop, as in a rolling deployment, and start them again."""
    yield all_waiting(rows)
    names = [name for name in ("triggerer", SPARE) if name in stage.stack.processes.components]
    stage.say(f"SIGTERM to {' and '.join(names)}")
    for name in names:
        stage.stack.processes.signal(name, signal.SIGTERM)
    for name in names:
        stage.stack.processes.forget(name)
    _start_again(stage, names)


def triggerer_paused(stage: Stage, rows: Sequence[Live]) -> Script:
    """Pause the only triggerer for a minute, and start another one meanwhile, which takes all waits over."""
    # by then it runs the triggers of all of them, although the first takes it long
    yield all_waiting(rows, _PICKED_UP)
    pids = [stage.stack.processes.components["triggerer"].pid]
    pids += descendants(pids[0])
    stage.say(f"SIGSTOP to the triggerer for {PAUSE_SECONDS:.0f} s, another one starts")
    stage.signal(pids, signal.SIGSTOP)
    stage.stack.start_triggerer(SPARE)
    yield after(PAUSE_SECONDS)
    stage.say(f"SIGCONT; operations still running: {_running(rows)} of {len(rows)}")
    stage.signal(pids, signal.SIGCONT)


def scheduler_killed(stage: Stage, rows: Sequence[Live]) -> Script:
    """Kill the scheduler; its workers continue."""
    yield all_waiting(rows)
    stage.say("SIGKILL to the scheduler alone")
    stage.stack.kill("scheduler", signal.SIGKILL)
    yield after(3)
    stage.stack.start_service("scheduler")


def machine_lost(stage: Stage, rows: Sequence[Live]) -> Script:
    """Kill the scheduler with all its workers and tasks."""
    yield all_waiting(rows)
    stage.say("SIGKILL to the scheduler, its workers and their tasks")
    _kill_with_children(stage, "scheduler")
    yield after(3)
    stage.stack.start_service("scheduler")


def api_server_away(stage: Stage, rows: Sequence[Live]) -> Script:
    """Kill the API server just before the handles are stored, and start it again later."""
    yield lambda: all(row.has_reached() for row in rows)
    stage.say("SIGKILL to the API server")
    _kill_with_children(stage, "api-server")
    for row in rows:
        row.markers.go.touch()
    # longer than a worker's client tries again
    yield after(AWAY_SECONDS)
    stage.stack.start_service("api-server")


def stale_success(stage: Stage, rows: Sequence[Live]) -> Script:
    """
    Stop the scheduler from before the deferral until the trigger has fired.

    When it wakes it queues the second leg first and then reads the executor's report on the first one, which it takes
    for the second: a state mismatch. From outside, a loop that stalls is the same as a pause of the process.
    """
    yield lambda: all(row.has_reached() for row in rows)
    pid = stage.stack.processes.components["scheduler"].pid
    stage.say("SIGSTOP to the scheduler until the triggers have fired")
    stage.signal([pid], signal.SIGSTOP)
    for row in rows:
        row.markers.go.touch()
    fired = time.monotonic() + 90
    yield lambda: all(row.state == "scheduled" for row in rows) or time.monotonic() > fired
    stage.signal([pid], signal.SIGCONT)


def _running(rows: Sequence[Live]) -> int:
    return sum(operation["stage"] == str(OperationState.RUNNING) for row in rows for operation in row.operations)


def _kill_with_children(stage: Stage, name: str) -> None:
    children = descendants(stage.stack.processes.components[name].pid)
    stage.stack.kill(name, signal.SIGKILL)
    kill_all(children)


def _start_again(stage: Stage, names: Sequence[str]) -> None:
    for name in names:
        if name == SPARE:
            stage.stack.start_triggerer(name)
        else:
            stage.stack.start_service(name)
