"""`make release-check`: what is published can be installed beside nothing but Airflow, and runs the quick start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from airflow_provider_ops import __version__
from dev.matrix.__main__ import interpreter
from dev.processes import Processes, free_ports
from dev.simulator import APIS

CHECKOUT: Final = Path(__file__).resolve().parent.parent
SCRATCH: Final = CHECKOUT / ".cache" / "release"
NAME: Final = "airflow-provider-ops"
#: Seconds; a machine that does other things as well takes several times as long as one that does not.
_PATIENCE: Final = 600
_RUN: Final = """
import sys
from airflow.dag_processing.dagbag import DagBag
import airflow_provider_ops
assert airflow_provider_ops.__version__ == sys.argv[2], airflow_provider_ops.__version__
assert sys.argv[3] in airflow_provider_ops.__file__, airflow_provider_ops.__file__
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
run = bag.dags["reporting"].test()
print("the quick start ended as", run.state)
sys.exit(run.state != "success")
"""


class Failed(Exception):
    """What is wrong with the release."""


def build() -> Path:
    """Build the sdist, and the wheel from that; return the wheel."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    dist = SCRATCH / "dist"
    pins = str(CHECKOUT / "constraints.txt")
    command = [str(_uv()), "build", "--quiet", "--build-constraint", pins, "--out-dir", str(dist), str(CHECKOUT)]
    _call([*command, "--system-certs"], else_call=command)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    _check_content(wheel, sdist)
    return wheel


def _check_content(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    if strangers := {name.split("/")[0] for name in names if not name.startswith("airflow_provider_ops")}:
        raise Failed(f"{wheel.name} would install {', '.join(sorted(strangers))} beside the package")
    if "airflow_provider_ops/py.typed" not in names:
        raise Failed(f"{wheel.name} has no py.typed")
    with tarfile.open(sdist) as archive:
        top = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    if missing := {"airflow_provider_ops", "tests", "README.md", "LICENSE", "CHANGELOG.md"} - top:
        raise Failed(f"{sdist.name} lacks {', '.join(sorted(missing))}")


def install(wheel: Path) -> Path:
    """Install the wheel into an environment of its own; return its interpreter."""
    venv = SCRATCH / "venv"
    python = interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")
    _call([str(_uv()), "venv", "--quiet", "--no-python-downloads", "--python", python, str(venv)])
    pins = str(CHECKOUT / "constraints.txt")
    command = [str(_uv()), "pip", "install", "--quiet", "--python", str(venv), "--constraint", pins, str(wheel)]
    _call([*command, "--system-certs"], else_call=command)
    return venv / "bin" / "python"


def check(python: Path) -> None:
    """Let Airflow find the provider, and run the quick start against the simulator."""
    home, (port,) = SCRATCH / "home", free_ports(1)
    dags = home / "dags"
    dags.mkdir(parents=True)
    shutil.copy(CHECKOUT / "docs" / "examples" / "quickstart.py", dags)
    env = _environment(home, port)
    said = _call([str(python), "-m", "airflow", "providers", "get", NAME, "--output", "json"], env=env)
    if NAME not in said:
        raise Failed(f"`airflow providers get {NAME}` says: {said.strip()[-500:]}")
    _call([str(python), "-m", "airflow", "db", "migrate"], env=env)
    with Processes(home / "logs") as processes:
        simulator = [str(python), "-m", "airflow_provider_ops.simulator", "--port", str(port), "--duration", "2"]
        processes.start("simulator", simulator, env, cwd=home)
        run = [str(python), "-c", _RUN, str(dags), __version__, str(SCRATCH)]
        print(_call(run, env=env).strip().splitlines()[-1])


def _environment(home: Path, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    connections = {
        f"AIRFLOW_CONN_{api.upper()}_DEFAULT": json.dumps(
            {"conn_type": api, "host": f"http://127.0.0.1:{port}{path}", "password": "any", "extra": dict(extra)}
        )
        for api, (path, extra) in APIS.items()
    }
    return {
        **inherited,
        **connections,
        "NO_PROXY": ",".join(filter(None, [inherited.get("NO_PROXY"), "127.0.0.1"])),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
    }


def _call(command: Sequence[str], *, env: dict[str, str] | None = None, else_call: Sequence[str] | None = None) -> str:
    """Run a command outside of the checkout; return what it printed."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    known = env or {**os.environ, "UV_CACHE_DIR": str(CHECKOUT / ".cache" / "uv")}
    done = subprocess.run(
        command, cwd=SCRATCH, env=known, capture_output=True, text=True, check=False, timeout=_PATIENCE
    )
    if done.returncode == 0:
        return done.stdout
    if else_call is not None:
        return _call(else_call, env=env)
    tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
    raise Failed(f"{' '.join(map(str, command[:4]))} ended with {done.returncode}:\n{tail}")


def _uv() -> Path:
    uv = CHECKOUT / ".venv" / "bin" / "uv"
    if not uv.exists():
        raise Failed("uv is missing, with which it is built: .venv/bin/pip install uv")
    return uv


def main() -> int:
    """Check the release and return the exit code."""
    try:
        wheel = build()
        print(f"built {wheel.name}")
        check(install(wheel))
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
