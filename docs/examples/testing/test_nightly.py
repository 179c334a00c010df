from nightly import dag

from airflow_provider_ops.testing import drop_answer, never_settles


def test_one_deployment_if_the_answer_is_lost(operations_simulator, run_dag, virtual_time):
    operations_simulator.faults(drop_answer())
    ran = run_dag(dag)
    assert ran.state == "success"
    assert ran.result("create")["resource"]["app_type"] == "superset"
    assert operations_simulator.stats()["by_api"]["onvera"]["created"] == 1


def test_it_gives_up_when_onvera_never_ends(operations_simulator, run_dag, virtual_time):
    operations_simulator.faults(never_settles())
    ran = run_dag(dag)
    assert (ran.states, ran.tries("create")) == ({"create": "failed"}, 2)
    assert "did not settle" in str(ran.errors["create"][-1])
