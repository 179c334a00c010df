"""`make release-check`: what is published is right, the same in each build, installs beside Airflow, and runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from airflow_provider_ops import __version__
from dev import artifacts
from dev.matrix.__main__ import interpreter
from dev.processes import Processes, free_ports
from dev.simulator import APIS

CHECKOUT: Final = Path(__file__).resolve().parent.parent
SCRATCH: Final = CHECKOUT / ".cache" / "release"
NAME: Final = "airflow-provider-ops"
#: Seconds; a machine that does other things as well takes several times as long as one that does not.
_PATIENCE: Final = 600
_TOOLS: Final = ("twine", "check-wheel-contents", "cyclonedx-bom")
_RUN: Final = """
import pathlib
import sys
from airflow.dag_processing.dagbag import DagBag
import airflow_provider_ops
assert airflow_provider_ops.__version__ == sys.argv[2], airflow_provider_ops.__version__
assert sys.argv[3] in airflow_provider_ops.__file__, airflow_provider_ops.__file__
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
examples = pathlib.Path(airflow_provider_ops.__file__).parent / "example_dags"
shown = DagBag(dag_folder=examples)
assert len(shown.dags) >= 10 and not shown.import_errors, (examples, shown.import_errors)
run = bag.dags["reporting"].test()
print("the quick start ended as", run.state)
sys.exit(run.state != "success")
"""


class Failed(Exception):
    """What is wrong with the release."""


def build() -> Path:
    """Build the sdist, and the wheel from that, twice; return the folder with both."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    source = SCRATCH / "source"
    # what git does not know must not reach a release
    for name in filter(None, _call(["git", "-C", str(CHECKOUT), "ls-files", "-z"]).split("\0")):
        if (CHECKOUT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, source / name)
    dist, again = (_build(folder, SCRATCH / name) for folder, name in ((CHECKOUT, "dist"), (source, "again")))
    artifacts.check_reproducible(artifacts.hashes(dist), artifacts.hashes(again))
    return dist


def _build(source: Path, dist: Path) -> Path:
    committed = _call(["git", "-C", str(CHECKOUT), "log", "-1", "--format=%ct"]).strip()
    env = {**_plain_environment(), "SOURCE_DATE_EPOCH": committed}
    pins = str(CHECKOUT / "constraints.txt")
    command = [str(_uv()), "build", "--quiet", "--build-constraint", pins, "--out-dir", str(dist), str(source)]
    _call([*command, "--system-certs"], env=env, else_call=command)
    return dist


def tools() -> Path:
    """Install what checks a release into an environment of its own; return where its commands are."""
    venv = SCRATCH / "tools"
    pins = str(CHECKOUT / "dev" / "release_tools.txt")
    _call([str(_uv()), "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(venv)])
    command = [str(_uv()), "pip", "install", "--quiet", "--python", str(venv), "--constraint", pins, *_TOOLS]
    _call([*command, "--system-certs"], else_call=command)
    return venv / "bin"


def install(wheel: Path) -> Path:
    """Install the wheel into an environment of its own; return its interpreter."""
    venv = SCRATCH / "venv"
    python = interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")
    _call([str(_uv()), "venv", "--quiet", "--no-python-downloads", "--python", python, str(venv)])
    pins = str(CHECKOUT / "constraints.txt")
    command = [str(_uv()), "pip", "install", "--quiet", "--python", str(venv), "--constraint", pins, str(wheel)]
    _call([*command, "--system-certs"], else_call=command)
    for says_where in venv.glob("lib/*/site-packages/airflow_provider_ops-*.dist-info/direct_url.json"):
        # a path of this machine, which the SBOM would publish
        says_where.unlink()
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


def _plain_environment() -> dict[str, str]:
    return {**os.environ, "UV_CACHE_DIR": str(CHECKOUT / ".cache" / "uv")}


def _call(command: Sequence[str], *, env: dict[str, str] | None = None, else_call: Sequence[str] | None = None) -> str:
    """Run a command outside of the checkout; return what it printed."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    known = env or _plain_environment()
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
        dist = build()
        (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
        print(f"built {wheel.name} and {sdist.name}, twice with the same bytes")
        artifacts.check_wheel(wheel)
        artifacts.check_sdist(sdist)
        commands = tools()
        artifacts.check_metadata(_call, commands, [wheel, sdist])
        print(f"contents and metadata are right, {wheel.stat().st_size:,} bytes")
        python = install(wheel)
        sbom = dist / f"{wheel.name.split('-py3')[0]}.cdx.json"
        count = artifacts.make_sbom(_call, commands, python, CHECKOUT / "pyproject.toml", sbom)
        print(f"wrote {sbom.name}, with {count} components")
        check(python)
    except (Failed, artifacts.NotAsItShould) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    has_urls = "[project.urls]" in (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    shown = dist.relative_to(CHECKOUT)
    twine = (commands / "twine").relative_to(CHECKOUT)
    print(artifacts.next_steps(__version__, artifacts.hashes(dist), str(shown), str(twine), has_urls=has_urls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
