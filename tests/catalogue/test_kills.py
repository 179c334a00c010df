"""Every spec of the catalogue: SIGTERM ends what can be ended, says what continues, and a retry adopts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.lifecycle.handle_store import KEY
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import never_settles
from tests.catalogue.parts import NAMES, connection_json, has_deletion, hook_of
from tests.catalogue.worker import SAID, life_of, told_to_stop

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

#: Requests after the submit at which the signal comes.
MOMENTS = {"its create is in flight": 0, "it waits": 1}


def expected(spec: ApiSpec) -> str:
    """Return what the message of a killed task says about its operation."""
    if has_deletion(spec):
        return "is being deleted"
    return "was asked to cancel" if hook_of(spec, "").api.can_cancel else "continues remotely, because"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", MOMENTS.values(), ids=MOMENTS)
def test_a_kill_ends_what_the_api_can_end(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock, tmp_path: Path, name: str, after: int
) -> None:
    spec = load(name)
    operations_simulator.add(spec)
    operations_simulator.faults(never_settles())
    store = told_to_stop(operations_simulator, name, tmp_path / "states.json", becomes="failed", after=after)
    assert expected(spec) in store.get(SAID)
    assert store.get(KEY)["end_requested"] is ("continues" not in store.get(SAID))
    # a deletion may be an operation as well
    left, *others = operations_simulator.operations(name)
    assert store.get(KEY)["operations"][0]["operation_id"].endswith(left["id"])
    assert left["kind"] not in [one["kind"] for one in others]


@pytest.mark.parametrize("name", NAMES)
def test_a_worker_that_goes_away_leaves_its_operation_to_the_retry(
    operations_simulator: SimulatorServer,
    virtual_time: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
) -> None:
    spec = load(name)
    operations_simulator.add(spec)
    store = told_to_stop(operations_simulator, name, tmp_path / "states.json", becomes="running")
    assert "a retry adopts it" in store.get(SAID)
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", connection_json(operations_simulator, spec))
    monkeypatch.setattr("airflow_provider_ops.hooks.base.default_clock", lambda: virtual_time)
    ended: dict[str, Any] = life_of(spec, store, tries=1).attempt(deferrable=False)
    (left,) = operations_simulator.operations(name)
    assert ended["operation_id"].endswith(left["id"])
