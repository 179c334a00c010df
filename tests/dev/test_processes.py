from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dev.processes import Interrupted, ProcessDied, Processes, free_ports

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# A child of its own process group that ignores SIGTERM, as components leave behind when they are killed.
LEAVES_A_CHILD = (
    "import os, signal, sys, time\n"
    "pid = os.fork()\n"
    "if pid == 0:\n"
    "    os.setpgid(0, 0)\n"
    "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "else:\n"
    "    print(pid, flush=True)\n"
    "time.sleep(60)\n"
)


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_everything_is_stopped_at_the_end(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        pids = [processes.start(name, SLEEP, os.environ, tmp_path).pid for name in ("one", "two")]
        assert all(is_running(pid) for pid in pids)

    assert not any(is_running(pid) for pid in pids)


def test_what_a_killed_component_leaves_is_stopped_too(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        component = processes.start("parent", [sys.executable, "-c", LEAVES_A_CHILD], os.environ, tmp_path)
        while not component.log.read_text().endswith("\n"):
            time.sleep(0.01)
        child = int(component.log.read_text())
        processes.signal("parent", signal.SIGKILL)
        processes.forget("parent")
        assert is_running(child)
        processes.stop_all(grace=0.2)

    assert not is_running(child)


def test_a_session_that_has_the_number_of_one_of_ours_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, start_new_session=True) as other:
        with Processes(tmp_path) as processes:
            processes._sessions[other.pid] = psutil.Process(other.pid).create_time() - 60.0
        assert is_running(other.pid)
        other.kill()


def test_a_stopped_component_is_ended(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        component = processes.start("one", SLEEP, os.environ, tmp_path)
        processes.signal("one", signal.SIGSTOP)

    assert not is_running(component.pid)


def test_a_component_that_ends_by_itself_is_reported_with_its_log(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        component = processes.start("one", [sys.executable, "-c", "exit('no database')"], os.environ, tmp_path)
        component.process.wait()

        with pytest.raises(ProcessDied, match=r"one exited with 1:\nno database"):
            processes.check_alive()


def test_a_stop_signal_ends_the_block_and_what_it_started(tmp_path: Path) -> None:
    with pytest.raises(Interrupted) as caught, Processes(tmp_path) as processes:
        component = processes.start("one", SLEEP, os.environ, tmp_path)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert not is_running(component.pid)


def test_a_signal_during_a_start_waits_until_the_process_is_known(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    with processes.interrupts.installed(), pytest.raises(Interrupted):
        with processes.interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            reached = True
    assert reached


def test_handlers_are_restored(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Processes(tmp_path):
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(20))) == 20
