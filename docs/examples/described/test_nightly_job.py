import pytest
from nightly_job import dag

from airflow_provider_ops.testing import drop_answer


@pytest.fixture
def jobs(operations_simulator, monkeypatch):
    operations_simulator.add("jobs.yaml")
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json("jobs"))
    return operations_simulator


def test_the_job_runs(jobs, run_dag, virtual_time):
    assert run_dag(dag).state == "success"


def test_a_lost_answer_starts_nothing_twice(jobs, run_dag, virtual_time):
    jobs.faults(drop_answer())
    ran = run_dag(dag)
    assert ran.state == "success"
    assert len(jobs.resources("jobs")) == 1
