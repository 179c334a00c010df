"""The release before, built from git and installed into an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
SCRATCH: Final = CHECKOUT / ".cache" / "upgrade"
BEFORE: Final = "0.1.0"
_VERSION: Final = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)


class NotBuilt(RuntimeError):
    """Why the release before cannot be had."""


def last_commit(version: str = BEFORE) -> str:
    """Return the newest commit of this line of history that says it is of a version."""
    for commit in _git("rev-list", "--first-parent", "HEAD").split():
        found = _VERSION.search(_git("show", f"{commit}:pyproject.toml"))
        if found is not None and found[1] == version:
            return commit
    raise NotBuilt(f"no commit in the history of HEAD is of version {version}; a shallow clone has only some of it")


def install() -> Path:
    """Build and install the release before; return its interpreter."""
    commit = last_commit()
    place = SCRATCH / commit[:12]
    python = place / "venv" / "bin" / "python"
    done = place / "installed"
    if done.exists():
        return python
    shutil.rmtree(place, ignore_errors=True)
    source = place / "source"
    source.mkdir(parents=True)
    archive = place / "source.tar"
    _git("archive", "--output", str(archive), commit)
    _call(["tar", "-xf", str(archive), "-C", str(source)])
    uv, pins = str(CHECKOUT / ".venv" / "bin" / "uv"), str(source / "constraints.txt")
    _uv([uv, "build", "--quiet", "--wheel", "--build-constraint", pins, "--out-dir", str(place / "dist"), str(source)])
    (wheel,) = (place / "dist").glob("*.whl")
    _call([uv, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(place / "venv")])
    _uv([uv, "pip", "install", "--quiet", "--python", str(python), "--constraint", pins, str(wheel)])
    done.touch()
    return python


def _uv(command: Sequence[str]) -> None:
    try:
        _call([*command, "--system-certs"])
    except NotBuilt:
        _call(command)


def _git(*arguments: str) -> str:
    return _call(["git", *arguments])


def _call(command: Sequence[str]) -> str:
    env = {**os.environ, "UV_CACHE_DIR": str(CHECKOUT / ".cache" / "uv")}
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-3:]
        raise NotBuilt(f"{' '.join(command[:3])} ended with {done.returncode}: {' '.join(last)}")
    return done.stdout
