"""The runner of the guarantees table, as far as it can be tested without a stack."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path

import pytest

from dev.guarantees import window
from dev.guarantees.apis import APIS
from dev.guarantees.crash import Crash, Markers, conf_of
from dev.guarantees.factory import dags
from dev.guarantees.model import Expect, Seen, problems
from dev.guarantees.report import Result, complaints, table
from dev.guarantees.scenarios import QUICK, QUICK_DESCRIBED, QUICK_PAUSED, phases

SCENARIOS = [scenario for phase in phases() for scenario in phase.scenarios]
GOOD = Seen(created=1, settled=Counter(succeeded=1), state="success", tries=1, sentence="it succeeded")
ROOT = Path(__file__).parents[2]


def test_every_row_has_a_run_of_its_own_and_a_name_that_all_apis_take() -> None:
    ids = [scenario.run_id for scenario in SCENARIOS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{1,31}", run_id) for run_id in ids)


def test_all_apis_have_the_same_rows_except_where_they_differ() -> None:
    keys = {api.name: {s.key for s in SCENARIOS if s.api is api} for api in APIS if api.is_there}
    without_ending = {"slow", "not-yet", "no-time-delete", "unread", "owes-failure", "owes-timeout"}
    assert keys["onvera"] - keys["lakesail"] == without_ending | {"held-search"}
    assert keys["lakesail"] - keys["onvera"] == {"lost-cleared"}
    assert keys["onvera"] == keys["nirvana"] == keys["hetzner"]
    assert keys["lakesail"] == keys["exports"]
    # it cancels, and its runs are nothing that could be deleted
    assert keys["onvera"] - keys["airflow"] == {"not-yet", "no-time-delete", "owes-failure", "owes-timeout"}
    assert keys["onvera"] - keys["akua"] == {"not-yet", "held-search"}


def test_the_quick_rows_exist() -> None:
    assert {scenario.key for scenario in SCENARIOS} >= QUICK | {*QUICK_DESCRIBED, *QUICK_PAUSED}


def test_sentences_are_regular_expressions() -> None:
    for scenario in SCENARIOS:
        re.compile(scenario.expect.sentence)
        re.compile(scenario.expect.or_else)


@pytest.mark.parametrize("api", [api.name for api in APIS if api.is_there])
def test_there_is_a_dag_for_every_row(api: str) -> None:
    known = {dag.dag_id for dag in dags(api).values()}
    assert {scenario.dag_id for scenario in SCENARIOS if scenario.api.name == api} <= known


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, None),
        ({"created": 2}, "resources created: expected 1, seen 2"),
        ({"settled": Counter(running=1)}, "operations settled: expected 1 succeeded, seen 1 running"),
        ({"endings": 1}, "cancels sent: expected 0, seen 1"),
        ({"state": "failed"}, "task state: expected success, seen failed"),
        ({"tries": 4}, "tries: expected 1 to 3, seen 4"),
        ({"sentence": None}, "log sentence: expected /succeeded/, seen None"),
        ({"unnamed": ["dep-1"]}, "orphans that no log names: expected none, seen ['dep-1']"),
        ({"ending_seconds": 21.0}, "kill policy within: expected 20 s, seen 21.0 s"),
    ],
)
def test_what_is_not_as_expected_is_said(change: dict[str, object], complaint: str | None) -> None:
    seen = Seen(**{**vars(GOOD), **change})
    assert problems(Expect("succeeded"), seen) == ([complaint] if complaint else [])


def test_a_row_that_did_not_run_is_in_the_table_and_is_not_good() -> None:
    result = Result(SCENARIOS[0], None, "no PostgreSQL")
    assert not result.good
    assert "| not run | no PostgreSQL |" in table([result])
    assert complaints([result])


def test_a_bar_in_a_log_line_does_not_break_the_table() -> None:
    seen = Seen(**{**vars(GOOD), "sentence": "a | b"})
    row = table([Result(SCENARIOS[0], seen)]).splitlines()[-1]
    assert row.endswith("a \\| b |")


PROCESS = """
    import os, sys
    from types import SimpleNamespace
    from dev.guarantees.crash import arm

    class Base:
        pass

    class Store(Base):
        def save(self):
            print("in save", flush=True)

    run = SimpleNamespace(run_id="run", conf={"crash": CRASH})
    arm({"dag_run": run})
    Store().save()
    print("after save", flush=True)
    Store().save()
    print("end", flush=True)
"""


def _run(crash: Crash, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a process under another one, as Airflow runs a task under a worker, for the crash kills both."""
    task = textwrap.dedent(PROCESS).replace("CRASH", repr(conf_of(crash)["crash"]))
    worker = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {task!r}]))"
    env = {**os.environ, "GUARANTEES_MARKERS": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", worker]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("crash", "printed"),
    [
        (Crash("Store.save"), ""),
        (Crash("Store.save", "leave"), "in save\n"),
        (Crash("Store.save", nth=2), "in save\nafter save\n"),
        (Crash("Base.save"), ""),
        (Crash("Store.save", by="<module>"), ""),
        (Crash("Store.save", by="other"), None),
        (Crash("Other.save"), None),
    ],
)
def test_a_process_dies_exactly_there_and_only_once(tmp_path: Path, crash: Crash, printed: str | None) -> None:
    whole = "in save\nafter save\nin save\nend\n"
    done = _run(crash, tmp_path)
    assert done.stdout == (whole if printed is None else printed)
    assert done.returncode == (0 if printed is None else -signal.SIGKILL)
    assert Markers(tmp_path, "run").reached().exists() == (printed is not None)
    assert _run(crash, tmp_path).stdout == whole


HELD = """
    import os, signal
    from types import SimpleNamespace
    from dev.guarantees.crash import arm

    class Store:
        def save(self):
            print("in save", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: print("told", flush=True))
    arm({"dag_run": SimpleNamespace(run_id="run", conf={"crash": CRASH})})
    Store().save()
"""


def _begin(folder: Path, *crashes: Crash) -> subprocess.Popen[str]:
    task = textwrap.dedent(HELD).replace("CRASH", repr(conf_of(*crashes)["crash"]))
    env = {**os.environ, "GUARANTEES_MARKERS": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", task], env=env, stdout=subprocess.PIPE, text=True)


def test_a_slow_step_ends_when_its_process_was_told_to_stop(tmp_path: Path) -> None:
    with _begin(tmp_path, Crash("Store.save", do="slow")) as process:
        while not Markers(tmp_path, "run").reached().exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[0] == "told\nin save\n"


def test_each_attempt_has_a_place_of_its_own(tmp_path: Path) -> None:
    codes = []
    for _ in range(2):
        with _begin(tmp_path, Crash("Store.save", do="die"), Crash("Store.save", do="note")) as process:
            process.communicate(timeout=60)
        codes.append((process.returncode, Markers(tmp_path, "run").reached(2).exists()))
    assert codes == [(-signal.SIGKILL, False), (0, True)]


def test_the_window_before_a_request_is_measured(tmp_path: Path) -> None:
    """In a thread that begins later; what was held back has no window."""

    class Fence:
        def before_send(self) -> None: ...

    near, far = socket.socketpair()

    def write(*, asks: bool, sends: bool) -> None:
        if asks:
            Fence().before_send()
        if sends:
            near.send(b"x")

    def work() -> None:
        for asks, sends in ((True, True), (True, False), (False, True), (True, True)):
            write(asks=asks, sends=sends)

    window.measure(tmp_path, Fence.before_send)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.setprofile(None)
        near.close()
        far.close()
    measured = window.measured(tmp_path)
    assert len(measured) == 2
    assert "p99 of 2 requests" in window.described(measured)
    assert "p99" not in window.described(window.measured(tmp_path / "nothing"))
