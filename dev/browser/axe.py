"""axe-core, the accessibility checker, as a script for a page: npm's package, kept in .cache."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import Final

VERSION: Final = "4.14.1"
_KEPT: Final = Path(__file__).resolve().parents[2] / ".cache" / "axe"


class NoAxe(RuntimeError):
    """axe-core cannot be had."""


@cache
def source() -> str:
    """Return the script; fetched with npm the first time."""
    archive = _KEPT / f"axe-core-{VERSION}.tgz"
    if not archive.exists():
        _fetch(archive)
    with tarfile.open(archive) as packed:
        script = packed.extractfile("package/axe.min.js")
        if script is None:
            raise NoAxe(f"{archive} has no axe.min.js")
        return script.read().decode("utf-8")


def _fetch(archive: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoAxe("no npm found, which fetches axe-core: apt-get install npm")
    archive.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [npm, "pack", f"axe-core@{VERSION}"], cwd=archive.parent, capture_output=True, text=True, check=False
    )
    if not archive.exists():
        raise NoAxe(f"npm pack axe-core@{VERSION} failed: {done.stderr.strip()}")
