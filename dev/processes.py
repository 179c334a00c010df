"""Processes that are started together and always stopped together, whatever ends the program that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

import psutil
from typing_extensions import Self

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS: Final = 10.0


class ProcessDied(RuntimeError):
    """A process ended although it should go on running; the message carries the end of its log."""


class Interrupted(BaseException):
    """A stop signal arrived. Like `KeyboardInterrupt` no `Exception`, so that nothing swallows it on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@dataclass
class Interrupts:
    """
    Turns stop signals into `Interrupted`, once.

    The handlers are installed even where the parent shell ignores SIGINT (jobs in the background of a script), and
    a signal between the start of a process and the note of its id waits until the id is known.
    """

    _held: int = 0
    _pending: int | None = None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = number
            return
        self.ignore()
        raise Interrupted(number)

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """Handle stop signals inside the block."""
        before = {number: signal.signal(number, self._handle) for number in STOP_SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let signals wait until the end of the block."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._pending is not None and not self._held:
            number, self._pending = self._pending, None
            self._handle(number, None)

    @staticmethod
    def ignore() -> None:
        """Ignore further stop signals: the clean-up has begun, and a second Ctrl-C must not cut it short."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


@dataclass(frozen=True, slots=True)
class Component:
    """One started process, the leader of a session and process group of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The id of the process, its group and its session."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it is still running."""
        return self.process.poll() is None

    def log_tail(self, lines: int = 20) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass
class Processes:
    """Starts components with their output in `log_dir`, and stops all of them at the end of the `with` block."""

    log_dir: Path
    interrupts: Interrupts = field(default_factory=Interrupts)
    components: dict[str, Component] = field(default_factory=dict)
    #: Number of each session that was started here, and when its leader was.
    _sessions: dict[int, float] = field(default_factory=dict)
    _exit: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._exit.enter_context(self.interrupts.installed())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.interrupts.ignore()
        try:
            self.stop_all()
        finally:
            self._exit.close()

    def start(self, name: str, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> Component:
        """Start `command` in a session of its own; its output goes to `<log_dir>/<name>.log`."""
        log = self.log_dir / f"{name}.log"
        with self.interrupts.held(), log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            component = Component(name, process, log)
            self._sessions[process.pid] = psutil.Process(process.pid).create_time()
            self.components[name] = component
        return component

    def run(self, name: str, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, timeout: float) -> None:
        """Run `command` to its end and raise `ProcessDied` unless it succeeds."""
        component = self.start(name, command, env, cwd)
        if component.process.wait(timeout=timeout) != 0:
            raise ProcessDied(f"{name} exited with {component.process.returncode}:\n{component.log_tail()}")
        del self.components[name]

    def check_alive(self) -> None:
        """Raise `ProcessDied` when a component has ended by itself."""
        for component in self.components.values():
            if not component.alive:
                raise ProcessDied(
                    f"{component.name} exited with {component.process.returncode}:\n{component.log_tail()}"
                )

    def signal(self, name: str, number: int) -> int:
        """Send a signal to one component's own process, none of its children, and return its id."""
        pid = self.components[name].pid
        os.kill(pid, number)
        return pid

    def forget(self, name: str, patience: float = GRACE_SECONDS * 2) -> Component:
        """Wait for a component that was told to end; from now on its absence is expected."""
        component = self.components.pop(name)
        component.process.wait(timeout=patience)
        return component

    def stop_all(self, grace: float = GRACE_SECONDS) -> None:
        """Stop everything that was started: SIGTERM, then SIGKILL for what is left of their sessions."""
        alive = {component.pid for component in self.components.values() if component.alive}
        # Each component ends its children itself; nobody else ends those of a component that was killed.
        orphans = {pid for pid, session in self._left_over().items() if session not in alive}
        for pid in alive | orphans:
            with contextlib.suppress(ProcessLookupError):
                # A stopped process would not see the SIGTERM.
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + grace
        while time.monotonic() < end and (any(c.alive for c in self.components.values()) or self._left_over()):
            time.sleep(0.1)
        for pid in self._left_over():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for component in self.components.values():
            component.process.wait()
        self.components.clear()

    def _left_over(self) -> dict[int, int]:
        """Return the processes of our sessions; Airflow's components have children with groups of their own."""
        found = {}
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
                session = os.getsid(pid)
                if self._is_ours(session) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    found[pid] = session
        return found

    def _is_ours(self, session: int) -> bool:
        """Return whether a session was started here; once it is over, the system gives its number to another one."""
        try:
            return self._sessions.get(session) == psutil.Process(session).create_time()
        except psutil.NoSuchProcess:
            # its leader has ended; as long as others are in it, no new one has its number
            return session in self._sessions


def free_ports(count: int) -> list[int]:
    """Return free TCP ports of the loopback interface, all different."""
    with ExitStack() as sockets:
        ports = []
        for _ in range(count):
            listener = sockets.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports.append(int(listener.getsockname()[1]))
        return ports
