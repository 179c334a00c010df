from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operation import OperationState


def test_a_wait_of_ten_minutes(operations_simulator, virtual_time):
    hook = OnveraHook(conn_id="onvera_default")
    submitted = hook.create_deployment("airflow")
    operation = hook.wait_for_operation(submitted.operation_id)
    assert operation.state is OperationState.SUCCEEDED
