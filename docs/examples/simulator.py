"""The simulator by itself."""

from __future__ import annotations

from airflow_provider_ops.testing import SimulatorServer, drop_answer


def powers() -> dict[str, str]:
    """What it can do; the environment that leads Airflow to it."""
    with SimulatorServer(duration=1, seed=7) as server:
        server.base_url("onvera")  # for the host of a connection
        server.connection_json("onvera")  # for AIRFLOW_CONN_ONVERA_DEFAULT
        server.connection_uri("onvera")  # the same in Airflow's other form
        server.duration = 0.1  # for operations that start from now on; latency likewise
        server.faults(drop_answer())  # replaces the plan
        server.stats(), server.resources("onvera"), server.operations(), server.requests()
        server.reset()
        return server.environ()  # these variables for all APIs
