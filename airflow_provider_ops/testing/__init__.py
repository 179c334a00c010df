"""For tests of your own DAGs: the simulator as a pytest fixture, faults with readable names, and a virtual clock.

::

    pytest_plugins = ["airflow_provider_ops.testing.airflow"]          # in conftest.py, before anything imports Airflow

    def test_my_dag(operations_simulator, run_dag):
        operations_simulator.faults(drop_answer(), fail_first(3, status=503))
        assert run_dag(my_dag).state == "success"
        assert operations_simulator.stats()["by_api"]["onvera"]["created"] == 1

``airflow_provider_ops.testing.airflow`` brings an Airflow of its own for the test session. Where there is one already,
use ``airflow_provider_ops.testing`` as the plugin, which brings the simulator only. Nothing heavy is imported before a
server is started, and nothing at all by pytest unless one of the two is named.
"""

from __future__ import annotations

from importlib.util import find_spec

from airflow_provider_ops.simulator.virtual_clock import VirtualClock
from airflow_provider_ops.testing.faults import (
    Rule,
    Where,
    drop_answer,
    early_dates,
    fail_first,
    fail_sometimes,
    hang,
    html,
    list_lag,
    never_settles,
    not_found_first,
    operation_cancelled,
    operation_fails,
    outage,
    poison,
    rate_limited,
    reset_connection,
    slow_cancel,
    trickle,
    truncated,
    unknown_status,
)
from airflow_provider_ops.testing.server import SimulatorServer

# the server and the faults are of use without pytest as well
if find_spec("pytest") is not None:
    from airflow_provider_ops.testing.fixtures import operations_simulator, virtual_time

__all__ = [
    "Rule",
    "SimulatorServer",
    "VirtualClock",
    "Where",
    "drop_answer",
    "early_dates",
    "fail_first",
    "fail_sometimes",
    "hang",
    "html",
    "list_lag",
    "never_settles",
    "not_found_first",
    "operation_cancelled",
    "operation_fails",
    "operations_simulator",
    "outage",
    "poison",
    "rate_limited",
    "reset_connection",
    "slow_cancel",
    "trickle",
    "truncated",
    "unknown_status",
    "virtual_time",
]
