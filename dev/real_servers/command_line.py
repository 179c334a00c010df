"""What `airflow operations` says about the real servers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Final

from dev.real_servers.cutting_proxy import CuttingProxy
from dev.real_servers.servers import RealServer

_SECONDS: Final = 90.0
#: Runs that are waited for at once: enough for lists, or for many ids in one request.
_CROWD: Final = 12
#: Seconds of polls before they are ended.
_POLLS_SECONDS: Final = 6.0


def checks(servers: Mapping[RealServer, CuttingProxy], env: Mapping[str, str]) -> Iterator[bool]:
    """Print a line for each check, and yield whether it is as it should be."""
    for server, proxy in servers.items():
        for check in (_connects, _is_refused, _waits_for_many):
            title, wrong = check(server, proxy, env)
            print(f"{'WRONG' if wrong else 'ok   '} {server.name}: {title}{': ' if wrong else ''}{wrong}", flush=True)
            yield not wrong


def _connects(server: RealServer, _proxy: CuttingProxy, env: Mapping[str, str]) -> tuple[str, str]:
    code, out, said = _said(_operations(env, "check", "--conn-id", f"{server.name}_default"))
    return "the connection test succeeds", "" if code == 0 else f"exit {code}: {out}{said}"


def _is_refused(server: RealServer, _proxy: CuttingProxy, env: Mapping[str, str]) -> tuple[str, str]:
    code, out, said = _said(_operations(env, "check", "--conn-id", f"{server.name}_wrong"))
    return "a wrong password is refused", "" if code == 1 and "401" in out + said else f"exit {code}: {out}{said}"


def _waits_for_many(server: RealServer, proxy: CuttingProxy, env: Mapping[str, str]) -> tuple[str, str]:
    ids = server.start_crowd(_CROWD)
    before = len(proxy.sent)
    process = _operations(env, "wait", *ids, "--conn-id", f"{server.name}_default", "--timeout", "60", "-o", "json")
    end = time.monotonic() + _SECONDS
    while len(proxy.sent) == before and process.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(_POLLS_SECONDS)
    for name in ids:
        server.end(name)
    code, out, said = _said(process)
    reads = [one for one in proxy.sent[before:] if not one.line.startswith("POST /auth")]
    single = [one for one in reads if any(name in one.line for name in ids)]
    title = f"{_CROWD} ends are known after {len(reads)} reads, {len(reads) - len(single)} of them of many runs"
    if code != 0:
        return title, f"exit {code}: {out}{said}"
    outcomes = {one["id"]: one["outcome"] for one in json.loads(out)}
    wrong = [f"{name} {outcomes.get(name)}, not succeeded" for name in ids if outcomes.get(name) != "succeeded"]
    if not wrong and len(single) == len(reads):
        return title, "no read was of several runs"
    return title, "; ".join(wrong)


def _operations(env: Mapping[str, str], *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "airflow_provider_ops.cli", *words]
    return subprocess.Popen(command, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _said(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        try:
            out, said = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, said = process.communicate()
        return process.returncode, out, said
